from __future__ import annotations

import pytest

from hub.connector import Field, Schema
from hub.mapping import check_mapping, loads
from hub.mapping.canonical import PRESENTED, canonical_schema
from hub.model import KINDS

ORDER = """\
mapping: test.deal -> order
fields:
  customer: { from: company.id, via: xref(customer) }
  currency: { from: cur, via: currency }
  lines:
    each: items
    fields:
      line_id: { from: id }
      sku: { from: sku }
      quantity: { from: qty, via: decimal }
      unit_price: { from: price, via: decimal }
"""
VENDOR = Schema(
    (
        Field("company", "object"),
        Field("company.id"),
        Field("cur"),
        Field("items", "list"),
        Field("items[].id"),
        Field("items[].sku"),
        Field("items[].qty"),
        Field("items[].price"),
        Field("free", "object"),
    ),
    complete=True,
)


def found(text: str, schema: Schema | None = None) -> list[str]:
    return [
        str(finding).removeprefix("m.yaml:") for finding in check_mapping(loads(text, name="m.yaml"), schema)
    ]


def test_mapping_that_fits_has_no_findings() -> None:
    assert found(ORDER) == []
    assert found(ORDER, VENDOR) == []


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("  currency:", "  curency:", "4:3: order has no field 'curency'; did you mean 'currency'?"),
        (
            "      sku:",
            "      skew:",
            "9:7: order has no field 'lines[].skew'; known: delivery, gtin, line_id",
        ),
        (
            "  lines:",
            "  note: { from: cur }\n  address.city: { from: cur }\n  lines:",
            "6:3: order has no field 'address'",
        ),
        ("  lines:", "  id: { from: cur }\n  lines:", "5:3: order has no field 'id'"),
        (
            "      quantity: { from: qty, via: decimal }\n",
            "",
            "5:3: order needs 'lines[].quantity', which has no rule; add a rule for 'quantity'",
        ),
        (
            "  customer: { from: company.id, via: xref(customer) }\n",
            "",
            "3:3: order needs 'customer', which has no rule",
        ),
        (
            "via: currency }",
            "via: currency, optional: true }",
            "4:3: order needs 'currency', which this rule may leave out; give it a default",
        ),
        (
            "via: currency }",
            "via: currency, when: cur }",
            "4:3: order needs 'currency', which this rule may leave out",
        ),
        (
            "      sku: { from: sku }",
            "      sku: { from: sku, optional: true }",
            "9:7: order needs 'lines[].sku', which this rule may leave out",
        ),
        (
            "  lines:",
            "  declared_amount.amount: { from: cur, via: decimal }\n  lines:",
            "order needs 'declared_amount.currency', which has no rule",
        ),
        (
            "  lines:",
            "  declared_amount.amount: { from: cur, optional: true }\n"
            "  declared_amount.currency: { from: cur }\n  lines:",
            "5:3: order needs 'declared_amount.amount', which this rule may leave out",
        ),
        (
            "  lines:",
            "  note: { each: items, fields: { a: { from: b } } }\n  lines:",
            "5:3: 'note' of order is not a list; each is for lists only",
        ),
        (
            "    each: items\n",
            "",
            "5:3: 'lines' of order is a list, not a single object; add each: with the list",
        ),
        (
            "  lines:",
            "  title: { formula: 'LEN(cur)' }\n  lines:",
            "5:22: 'title' of order is text, this rule gives decimal; wrap it in TEXT()",
        ),
        (
            "  lines:",
            "  title: { value: 5 }\n  lines:",
            "5:19: 'title' of order is text, this rule gives integer",
        ),
        (
            "via: decimal }\n      unit",
            "via: date }\n      unit",
            "'lines[].quantity' of order is decimal, this rule gives date",
        ),
        (
            "      sku:",
            "      delivery: { value: god }\n      sku:",
            "9:26: 'god' is not a value of 'lines[].delivery'; did you mean 'goods'?",
        ),
        (
            "      sku:",
            "      delivery: { from: sku, optional: true, default: srv }\n      sku:",
            "'srv' is not a value of 'lines[].delivery'; did you mean 'service'?",
        ),
        (
            "      sku:",
            '      delivery: { formula: \'"goods" if sku else "digital"\' }\n      sku:',
            "'digital' is not a value of 'lines[].delivery'",
        ),
        (
            "      line_id:",
            "      delivery: { from: sku, via: table(t) }\n      line_id:",
            "8:35: 'svc' is not a value of 'lines[].delivery'",
        ),
    ],
)
def test_fault_against_the_canonical_model_is_found(was, becomes, told) -> None:
    text = ORDER.replace(was, becomes, 1)
    text += "tables: { t: { a: goods, b: svc } }\n" if "table(t)" in text else ""
    findings = found(text)
    assert any(
        finding.startswith(told) or (not told[0].isdigit() and told in finding) for finding in findings
    ), findings


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("from: cur,", "from: curr,", "4:21: test.deal has no field 'curr'; did you mean 'cur'?"),
        (
            "from: company.id",
            "from: company.idd",
            "3:21: test.deal has no field 'company.idd'; did you mean 'id'?",
        ),
        (
            "from: company.id",
            "from: compani.id",
            "3:21: test.deal has no field 'compani'; did you mean 'company'?",
        ),
        ("each: items", "each: item", "6:11: test.deal has no field 'item'; did you mean 'items'?"),
        (
            "from: price",
            "formula: 'DECIMAL(pric, 0) + index'",
            "11:39: test.deal has no field 'items[].pric'; did you mean 'price'?",
        ),
        (
            "from: price",
            "formula: 'DECIMAL(root.cur) + DECIMAL(root.cuu)'",
            "11:59: test.deal has no field 'cuu'; did you mean 'cur'?",
        ),
        ("from: price", "from: 'root.items[0].nix'", "11:28: test.deal has no field 'items[].nix'"),
        ("from: sku }", "from: sku, when: got }", "9:31: test.deal has no field 'items[].got'"),
        ("fields:\n  customer", "when: won\nfields:\n  customer", "2:7: test.deal has no field 'won'"),
    ],
)
def test_fault_against_a_complete_schema_is_found(was, becomes, told) -> None:
    text = ORDER.replace(was, becomes, 1)
    findings = found(text, VENDOR)
    assert any(finding.startswith(told) for finding in findings), findings
    assert not [finding for finding in found(text) if "test.deal has no" in finding]
    assert not [finding for finding in found(text, Schema(VENDOR.fields)) if "test.deal has no" in finding]


def test_objects_whose_fields_are_not_listed_are_open() -> None:
    assert found(ORDER.replace("from: cur,", "from: free.what.ever.0,"), VENDOR) == []


def test_unused_table_is_found() -> None:
    assert found(ORDER + "tables:\n  a: { b: c }\n") == [
        "13:3: the table 'a' is never used; use or remove it"
    ]


def test_object_may_vanish_as_a_whole() -> None:
    rules = """\
  declared_amount.amount: { from: cur, via: decimal, optional: true }
  declared_amount.currency: { from: cur, when: cur }
  lines:"""
    assert found(ORDER.replace("  lines:", rules)) == []
    fields = "{ amount: { from: cur }, currency: { from: cur } }"
    group = f"  declared_amount: {{ when: cur, fields: {fields} }}\n  lines:"
    assert found(ORDER.replace("  lines:", group)) == []
    whole = "  declared_amount: { from: cur }\n  lines:"
    assert found(ORDER.replace("  lines:", whole)) == []


def test_message_body_takes_anything() -> None:
    assert (
        found("mapping: test.lead -> message\nfields: { body.a.b: { from: c }, topic: { value: lead } }")
        == []
    )


def test_outgoing_mapping_reads_the_presented_document() -> None:
    text = """\
mapping: order -> test.so
fields:
  no: { from: number }
  paid: { from: progress.paid.amount }
  who: { from: customer_name }
  items: { each: lines, fields: { net: { from: line_extension_amount.amount }, bad: { from: line_amount } } }
  inv: { formula: 'FIRST(progress.invoices[].nummer)' }
"""
    assert found(text) == [
        "6:93: order has no field 'lines[].line_amount'; did you mean 'line_extension_amount'?",
        "7:26: order has no field 'progress.invoices[].nummer'; did you mean 'number'?",
    ]


def test_outgoing_mapping_fills_the_vendors_object() -> None:
    schema = Schema((Field("no", required=True), Field("kind", options=("A", "B"))), complete=True)
    text = "mapping: order -> test.so\nfields:\n  kind: { value: C }\n  nix: { from: number }\n"
    assert found(text, schema) == [
        "3:3: test.so needs 'no', which has no rule; add a rule for 'no'",
        "3:18: 'C' is not a value of 'kind'; known: A, B",
        "4:3: test.so has no field 'nix'; known: kind, no",
    ]


def test_findings_carry_their_place_and_remedy() -> None:
    finding = check_mapping(loads(ORDER.replace("  currency:", "  curency:"), name="m.yaml"))[-1]
    assert (finding.file, finding.line, finding.column) == ("m.yaml", 4, 3)
    assert finding.message == "order has no field 'curency'"
    assert finding.remedy == "did you mean 'currency'?"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_canonical_schema_lists_every_field_of_the_model(kind) -> None:
    names = {field.name for field in canonical_schema(kind, presented=True).fields}
    assert set(KINDS[kind].model_fields) <= names
    assert {name.split("[")[0] for name in PRESENTED.get(kind, {})} <= names
    assert "id" not in {field.name for field in canonical_schema(kind).fields}

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from hub.errors import HubError, MappingInvalid
from hub.mapping import MappingDocument, compile_mapping, load, loads

HEAD = "mapping: test.deal -> order\n"

GOOD = """\
# a comment
mapping: test.deal -> order
version: 2
when: stage.won
fields:
  currency: { from: cur, via: currency, default: EUR }
  customer:
    from: company.id
    via: [text, xref(customer)]
  lines:
    each: items
    when: index < 3
    fields:
      sku: { from: sku }
      unit_price: { value: 1.50 }
tables:
  t: { NO: 1, "007": 007, yes: true }
owns: [lines]
"""

# text after the header in line 1, and what is said about it
BROKEN = [
    ("fields:\n  note: { form: a }\n", "3:11: unknown key 'form'; did you mean 'from'?"),
    ("field:\n  note: { from: a }\n", "2:1: unknown key 'field'; did you mean 'fields'?"),
    (
        "fields:\n  note: { via: text }\n",
        "3:3: no from, formula or value; say where the value comes from, for example from: amount",
    ),
    ("fields:\n  note: { from: a, value: b }\n", "3:3: from and value exclude each other"),
    ("fields:\n  note: a.b\n", "3:9: the rule of 'note' is not an object; write note: { from: path }"),
    ("fields:\n  note: { from: a, via: txt }\n", "3:25: unknown conversion 'txt'; did you mean 'text'?"),
    ("fields:\n  note: { from: a, via: [text, dat] }\n", "unknown conversion 'dat'; did you mean 'date'?"),
    ("fields:\n  note: { from: a, via: text(x) }\n", "3:25: 'text' takes nothing in parentheses; write text"),
    (
        "fields:\n  note: { from: a, via: table }\n",
        "3:25: 'table' needs a name in parentheses; write table(NAME)",
    ),
    ("fields:\n  note: { from: a, via: date(Europe/Berlni) }\n", "3:25: unknown time zone 'Europe/Berlni'"),
    (
        "fields:\n  note: { from: a, via: xref(custmer) }\n",
        "3:25: unknown kind 'custmer'; did you mean 'customer'?",
    ),
    (
        "fields:\n  note: { from: a, via: table(trems) }\ntables: { terms: { a: b } }\n",
        "3:25: unknown table 'trems'; did you mean 'terms'?",
    ),
    ("fields:\n  note: { formula: 'LOOKUP(trems, a)' }\n", "3:21: unknown table 'trems'; add tables: trems:"),
    ("fields:\n  note: { formula: 'UPPR(a)' }\n", "3:21: unknown function 'UPPR'; did you mean 'UPPER'?"),
    (
        "fields:\n  note: { formula: 'a + UPPER(b)' }\n",
        "3:25: '+' needs numbers, 'UPPER(b)' is a text; use CONCAT",
    ),
    ("fields:\n  note:\n    formula: a *\n", "4:17: the formula cannot be read: it stops making sense here"),
    ("fields:\n  note: { formula: '__import__(\"os\")' }\n", "3:21: unknown function '__import__'"),
    ("fields:\n  note: { from: a..b }\n", "3:17: 'a..b' is not a path"),
    ("fields:\n  note: { from: a, optional: maybe }\n", "3:30: 'optional' must be true or false"),
    (
        "fields:\n  note: { from: a }\n  note: { from: b }\n",
        "4:3: 'note' is given twice, first in line 3; keep one of them",
    ),
    (
        "fields:\n  a: { from: a }\n  a.b: { from: b }\n",
        "4:3: 'a.b' is part of 'a', which has a rule too; keep one",
    ),
    (
        "fields:\n  lines: { each: items }\n",
        "3:3: each without fields; add fields: for the items of the list",
    ),
    (
        "fields:\n  lines: { each: items, default: 1, fields: { sku: { from: s } } }\n",
        "3:3: 'default' does not go with fields",
    ),
    (
        "fields:\n  lines: { each: items, via: text, fields: { sku: { from: s } } }\n",
        "3:30: each only goes with via: list",
    ),
    ("fields:\n  'a b': { from: a }\n", "'a b' is not a target field; write names joined by dots"),
    ("fields: {}\n", "2:9: 'fields' must not be empty"),
    ("fields: [a]\n", "2:9: 'fields' must be an object"),
    ("version: two\nfields:\n  note: { from: a }\n", "2:10: 'version' must be a whole number"),
    ("version: 0\nfields:\n  note: { from: a }\n", "2:10: 'version' must be at least 1"),
    ("when: a ==\nfields:\n  note: { from: a }\n", "the formula cannot be read: it stops making sense here"),
    (
        "owns: [nota]\nfields:\n  note: { from: a }\n",
        "2:8: owns 'nota', which the mapping does not set; did you mean 'note'?",
    ),
    ("fields:\n  note: { from: a\n", "4:1: a { is not closed with }, or a comma is missing before this"),
    ("fields:\n  note: { from: &x a, default: *x }\n", "3:17: anchors are not allowed; write the value out"),
    ("fields:\n  note: { value: !!python/object:os.system a }\n", "is not allowed; write plain values"),
    ("fields:\n  note: { value: " + "[" * 30 + "]" * 30 + " }\n", "nested more than 20 deep"),
    ("tables: { t: { a: [1] } }\nfields:\n  note: { from: a }\n", "an entry of a table is a single value"),
    ("? [a, b]\n: c\nfields:\n  note: { from: a }\n", "a key is plain text"),
]

HEADERS = [
    ("mapping: deal\n", "'deal' is not <source> -> <target>"),
    ("mapping: deal -> order\n", "one side is vendor.object, the other a canonical kind"),
    ("mapping: a.b -> c.d\n", "one side is vendor.object, the other a canonical kind"),
    ("mapping: a.b -> ordr\n", "1:10: unknown kind 'ordr'; did you mean 'order'?"),
    ("", "'mapping' is missing"),
    ("mapping: [a]\n", "1:10: 'mapping' must be text"),
]


def test_document_knows_its_header_and_sides() -> None:
    document = loads(GOOD, name="mappings/test/order.in.yaml")
    assert isinstance(document, MappingDocument)
    assert (document.mapping, document.source, document.target) == (
        "test.deal -> order",
        "test.deal",
        "order",
    )
    assert (document.direction, document.kind, document.version) == ("in", "order", 2)
    assert document.owns == ("lines",)
    assert document.when is not None
    out = loads("mapping: order -> test.so\nfields: { a: { from: number } }\n")
    assert (out.direction, out.kind, out.version) == ("out", "order", 1)


def test_every_rule_keeps_its_place() -> None:
    document = loads(GOOD)
    places = {".".join(targets): rule.place for targets, rule in document.rules()}
    assert places["currency"] == (6, 3)
    assert places["customer"] == (7, 3)
    assert places["lines.unit_price"] == (15, 7)
    assert document.fields["customer"].marks.at("via") == (9, 10)


def test_yaml_is_read_without_its_guesses() -> None:
    document = loads(GOOD)
    assert document.tables == {"t": {"NO": 1, "007": "007", "yes": True}}
    value = document.fields["lines"].fields["unit_price"].value
    assert (value, type(value)) == (Decimal("1.50"), Decimal)
    guesses = "value: [no, on, 1_000, 0x10, 12:30, 1e5, 2026-01-31, .5, -7, null, 'true', '1']"
    document = loads(HEAD + f"fields:\n  note: {{ {guesses} }}\n")
    expected = ["no", "on", "1_000", "0x10", "12:30", "1e5", "2026-01-31", ".5", -7, None, "true", "1"]
    assert document.fields["note"].value == expected


@pytest.mark.parametrize(("body", "told"), BROKEN)
def test_broken_mapping_is_refused_with_place_and_remedy(body, told) -> None:
    with pytest.raises(MappingInvalid) as caught:
        loads(HEAD + body, name="m.yaml")
    assert (f"m.yaml:{told}" if told[0].isdigit() else told) in str(caught.value)
    assert isinstance(caught.value, HubError)


@pytest.mark.parametrize(("header", "told"), HEADERS)
def test_broken_header_is_refused(header, told) -> None:
    with pytest.raises(MappingInvalid) as caught:
        loads(header + "fields:\n  note: { from: a }\n")
    assert told in str(caught.value)


def test_all_faults_are_told_at_once_in_order() -> None:
    text = HEAD + "fields:\n  a: { form: x }\n  b: { from: x, via: txt }\n  c: { formula: 'F(1)' }\n"
    with pytest.raises(MappingInvalid) as caught:
        loads(text)
    assert [finding.line for finding in caught.value.findings] == [3, 3, 4, 5]
    first = caught.value.findings[0]
    assert (first.file, first.column, first.message, first.remedy) == ("", 3, first.message, first.remedy)


def test_file_is_named_after_what_it_holds() -> None:
    with pytest.raises(MappingInvalid, match=r"name the file order\.in\.yaml"):
        loads(GOOD, name="mappings/test/invoice.in.yaml")
    with pytest.raises(MappingInvalid, match=r"name the file order\.in\.yaml"):
        loads(GOOD, name="order.out.yaml")


@pytest.mark.parametrize(
    "text",
    ["", "# only a comment\n", "- a\n", "just text\n", "a: b: c\n", "\x01", "a: [" * 5000, "- " * 9000],
)
def test_text_that_is_no_mapping_is_refused(text) -> None:
    with pytest.raises(MappingInvalid):
        loads(text)


def test_target_levels_are_bounded() -> None:
    assert loads(HEAD + f"fields:\n  {'.'.join('a' * 10)}: {{ from: a }}\n")
    with pytest.raises(MappingInvalid, match="levels deep"):
        loads(HEAD + f"fields:\n  {'.'.join('a' * 11)}: {{ from: a }}\n")


def test_large_mapping_is_read_and_compiled_in_good_time() -> None:
    text = (
        HEAD
        + "fields:\n"
        + "".join(f"  note.f{number}: {{ from: a.b{number} }}\n" for number in range(5_000))
    )
    began = time.perf_counter()
    compile_mapping(loads(text))
    assert time.perf_counter() - began < 20  # about 2 s; quadratic work would take minutes


def test_huge_text_is_refused() -> None:
    with pytest.raises(MappingInvalid, match="longer than"):
        loads(HEAD + "#" * 300_000)


def test_file_is_loaded_from_disk(tmp_path) -> None:
    path = tmp_path / "order.in.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert load(path).kind == "order"
    with pytest.raises(MappingInvalid, match="cannot be read"):
        load(tmp_path / "none.yaml")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MappingInvalid, match="not UTF-8"):
        load(path)


def test_outgoing_mapping_owns_nothing() -> None:
    with pytest.raises(MappingInvalid, match="owns is for incoming mappings only"):
        loads("mapping: order -> test.so\nowns: [a]\nfields: { a: { from: number } }\n")

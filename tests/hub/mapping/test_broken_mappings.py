"""Mapping files broken the way people break them, and what they are told: where, what, and what to do."""

from __future__ import annotations

import pytest

from hub.connector import Field, Schema
from hub.errors import MappingInvalid
from hub.mapping import check_mapping, loads

GOOD = """\
mapping: crm.deal -> order
version: 1
fields:
  customer: { from: company, via: xref(customer) }
  currency: { from: currency, via: currency }
  lines:
    each: items
    fields:
      line_id:    { from: id }
      sku:        { from: sku }
      quantity:   { from: quantity, via: decimal }
      unit_price: { from: price, via: decimal }
"""
DEAL = Schema(
    (
        Field("company"),
        Field("currency"),
        Field("terms", options=("Net 30", "Net 60")),
        Field("closed_at", "datetime"),
        Field("amount", "decimal"),
        Field("tags", "list"),
        Field("items", "list"),
        *(Field(f"items[].{name}") for name in ("id", "sku", "quantity", "price")),
    ),
    complete=True,
)
TERMS = 'tables:\n  terms: { "Net 30": NET30, "Net 60": NET60 }\n'


def told(text: str) -> list[str]:
    try:
        findings = check_mapping(loads(text, name="order.in.yaml"), DEAL)
    except MappingInvalid as error:
        findings = error.findings
    return [str(finding).removeprefix("order.in.yaml:") for finding in findings]


def changed(was: str, becomes: str) -> str:
    assert was in GOOD
    return GOOD.replace(was, becomes, 1)


def rule(written: str) -> str:
    """With one more rule, in line 6."""
    return changed("  lines:\n", f"  {written}\n  lines:\n")


BROKEN = {
    "a target that is misspelt": (
        changed("  sku:", "  skew:").replace("      skew:", "      sku: { from: sku }\n      skuu:"),
        ["11:7: order has no field 'lines[].skuu'; did you mean 'sku'?"],
    ),
    "a source that is misspelt": (
        changed("from: company", "from: compny"),
        ["4:21: crm.deal has no field 'compny'; did you mean 'company'?"],
    ),
    "a line that is indented differently": (
        changed("    each: items", "   each: items"),
        [
            "8:11: there is a ':' too many, or the line is indented differently from the lines it belongs to"
            "; align it with them; put text with ': ' in it in quotes"
        ],
    ),
    "a tab": (changed("    each: items", "\teach: items"), ["7:1: a tab is used to indent; use spaces"]),
    "a colon that is missing": (
        changed("version: 1", "version 1"),
        [
            "3:1: there is no ': ' after the name, here or in the line before; "
            "write key: value, with a space after the colon"
        ],
    ),
    "a formula without quotes": (
        rule("note: { formula: JOIN(': ', currency, company) }"),
        [
            "6:26: a { is not closed with }, or a comma is missing before this; "
            "write { key: value, key: value }; put text with , : # [ ] { } in quotes"
        ],
    ),
    "a field that is given twice": (
        rule("currency: { value: EUR }"),
        ["6:3: 'currency' is given twice, first in line 5; keep one of them"],
    ),
    "a function of another spreadsheet": (
        rule("note: { formula: 'CONCATENATE(currency, company)' }"),
        ["6:21: unknown function 'CONCATENATE'; did you mean 'CONCAT'?"],
    ),
    "text plus a number": (
        rule("note: { formula: '\"Deal \" + 5' }"),
        ["6:21: '+' needs numbers, '\"Deal \"' is a text; use CONCAT"],
    ),
    "semicolons between values": (
        rule("note: { formula: 'IF(currency == \"EUR\"; company)' }"),
        ["6:41: ; does not separate values; write a comma"],
    ),
    "one equals sign": (
        rule("note: { formula: 'IF(currency = \"EUR\", company)' }"),
        ["6:33: = does not compare; write =="],
    ),
    "a required field that is missing": (
        changed("      quantity:   { from: quantity, via: decimal }\n", ""),
        ["6:3: order needs 'lines[].quantity', which has no rule; add a rule for 'quantity'"],
    ),
    "a required field that may be left out": (
        changed("currency, via: currency }", "currency, via: currency, optional: true }"),
        [
            "5:3: order needs 'currency', which this rule may leave out; "
            "give it a default, or make the whole of its object optional"
        ],
    ),
    "a table that is misspelt": (
        rule("payment_terms: { from: terms, via: table(term) }") + TERMS,
        ["6:38: unknown table 'term'; did you mean 'terms'?"],
    ),
    "a picklist option without an entry, and an entry that is no option": (
        rule("payment_terms: { from: terms, via: table(terms) }") + TERMS.replace("Net 60", "Net 90", 1),
        [
            "6:38: the table 'terms' has no entry for the option 'Net 60' of crm.deal 'terms'; "
            "add an entry for each; records with such a value would stop",
            "15:3: warning: 'Net 90' in the table 'terms' can never be a value of 'terms'; "
            "compare with the options of the field: 'Net 30', 'Net 60'",
        ],
    ),
    "a pattern with an open bracket": (
        rule("note: { formula: 'EXTRACT(company, \"PO-([0-9]+\")' }"),
        ["6:38: the pattern 'PO-([0-9]+' cannot be read: missing ); close every ( with )"],
    ),
    "a pattern with a bare backslash": (
        rule("note: { formula: 'MATCHES(company, \"\\d+\")' }"),
        ["6:39: '\\d' is not an escape of formulas; write \\\\d"],
    ),
    "TODAY": (
        rule("issue_date: { formula: 'TODAY()' }"),
        [
            "6:27: TODAY is not available: a mapping must give the same answer tomorrow; "
            "read a date of the record, such as the day it was won or changed"
        ],
    ),
    "a time zone that does not exist": (
        rule("issue_date: { formula: 'DATE(closed_at, \"Berlin\")' }"),
        ["6:43: unknown time zone 'Berlin'; use an IANA name such as Europe/Berlin"],
    ),
    "a day without a time zone": (
        rule("issue_date: { from: closed_at, via: date }"),
        [
            "6:39: 'closed_at' is a date with time, 'issue_date' of order a day; "
            "say in which time zone the day is seen: via: date(Europe/Berlin), or date(UTC)"
        ],
    ),
    "two origins": (
        rule("note: { from: company, value: x }"),
        ["6:3: from and value exclude each other; keep one of them"],
    ),
    "no origin": (
        rule("note: { optional: true }"),
        [
            "6:3: no from, formula or value; say where the value comes from, for example from: amount",
        ],
    ),
    "each without fields": (
        GOOD[: GOOD.index("    fields:\n")],
        ["6:3: each without fields; add fields: for the items of the list"],
    ),
    "a currency that does not exist": (
        changed("{ from: currency, via: currency }", "{ value: EURO }"),
        ["5:22: 'EURO' is not an active ISO 4217 currency code; use a code such as EUR"],
    ),
    "a default that its conversion would refuse": (
        changed("via: currency }", "via: currency, default: Euro }"),
        ["5:55: the default does not fit: unknown currency 'Euro'; write for example EUR"],
    ),
    "Python": (
        rule('note: { formula: \'__import__("os").system("id")\' }'),
        ["6:21: only functions can be called; write for example UPPER(name)"],
    ),
    "owning a field that is not set": (
        GOOD + "owns: [customer, title]\n",
        ["13:18: owns 'title', which the mapping does not set; known: currency, customer, lines"],
    ),
    "a header without an arrow": (
        changed("crm.deal -> order", "crm.deal = order"),
        [
            "1:10: 'crm.deal = order' is not <source> -> <target>; "
            "write for example hubspot.deal -> order, or order -> netsuite.salesOrder"
        ],
    ),
    "a kind that does not exist": (
        changed("crm.deal -> order", "crm.deal -> ordr"),
        ["1:10: unknown kind 'ordr'; did you mean 'order'?"],
    ),
    "a reference to a kind that does not exist": (
        changed("xref(customer)", "xref(company)"),
        [
            "4:35: unknown kind 'company'; known: acknowledgment, adjustment, credit_memo, customer, "
            "dispute, interchange, invoice, message, order, order_change, order_response, payment and 5 more",
        ],
    ),
    "a formula that is too long": (
        rule(f"note: {{ formula: 'CONCAT({', '.join(['company'] * 230)})' }}"),
        ["6:21: the formula is longer than 2000 characters; split it over fields"],
    ),
    "a list where one value belongs": (
        rule("note: { from: tags }"),
        [
            "6:17: 'tags' is a list, 'note' of order is text; "
            'take one with [0] or FIRST(...), or put them together with JOIN(", ", ...)'
        ],
    ),
    "an object where one value belongs": (
        rule("note: { fields: { a: { from: company } } }"),
        ["6:3: 'note' of order is text, not a single object; give it a value: from, formula or value"],
    ),
    "a condition that is always true": (
        changed("version: 1", "version: 1\nwhen: true"),
        ["3:7: when is 'true' for every record; name a field of the record in it, or remove it"],
    ),
    "a text that is too long": (
        rule(f"purchase_order: {{ value: {'x' * 101} }}"),
        [f"6:28: '{'x' * 60}...' is longer than 100 characters; shorten it"],
    ),
    "decimals that the currency does not have": (
        rule("declared_amount.currency: { value: JPY }").replace(
            "  lines:", "  declared_amount.amount: { formula: 'ROUND(DECIMAL(amount), 2)' }\n  lines:"
        ),
        [
            "7:39: 'declared_amount.amount' is given 2 decimals, JPY has 0 at most; "
            'round it with ROUND_MONEY(..., "JPY")'
        ],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_mapping_is_told_what_to_do(name: str) -> None:
    text, expected = BROKEN[name]
    assert told(text) == expected


def test_the_mapping_they_are_broken_from_is_good() -> None:
    assert told(GOOD) == []


def test_every_fault_has_a_place_a_message_and_a_remedy() -> None:
    for text, _ in BROKEN.values():
        try:
            findings = check_mapping(loads(text, name="order.in.yaml"), DEAL)
        except MappingInvalid as error:
            findings = error.findings
        assert findings
        for finding in findings:
            assert finding.file == "order.in.yaml"
            assert finding.line >= 1
            assert finding.column >= 1
            assert finding.message
            assert finding.remedy, finding

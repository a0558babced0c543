"""Constants, picklists and precision: what a mapping would lose or never reach, seen before it runs."""

from __future__ import annotations

import pytest

from hub.connector import Field, Schema
from hub.mapping import check_mapping, loads
from hub.model import OrderState

DEAL = Schema(
    (
        Field("name"),
        Field("stage", options=("won", "lost")),
        Field("closed_at", "datetime"),
        Field("due", "date"),
        Field("amount", "decimal"),
        Field("count", "integer"),
        Field("paid", "bool"),
        Field("company", "object"),
        Field("company.name"),
    )
)
BOOKS = Schema(
    (
        Field("no", max_length=10),
        Field("count", "integer"),
        Field("day", "date"),
        Field("paid", "bool"),
        Field("total.amount", "decimal"),
        Field("total.currency"),
        Field("state", options=("OPEN", "SHUT")),
    )
)
STATES = ", ".join(f"{state}: OPEN" for state in OrderState)
TABLE = "tables: {{ t: {{ {} }} }}\n"


def incoming(rule: str, entries: str = "", kind: str = "message", head: str = "") -> list[str]:
    text = f"mapping: crm.deal -> {kind}\n{head}fields:\n  {rule}\n"
    return _told(text + (TABLE.format(entries) if entries else ""), DEAL)


def outgoing(rule: str, entries: str = "", kind: str = "order") -> list[str]:
    text = f"mapping: {kind} -> books.entry\nfields:\n  {rule}\n"
    return _told(text + (TABLE.format(entries) if entries else ""), BOOKS)


def _told(text: str, schema: Schema) -> list[str]:
    found = check_mapping(loads(text), schema)
    return [str(finding).removeprefix("<mapping>:") for finding in found if "has no rule" not in str(finding)]


@pytest.mark.parametrize(
    ("rule", "entries", "told"),
    [
        ("topic: { from: stage, via: table(t) }", "won: a, lost: b", []),
        (
            "topic: { from: stage, via: table(t) }",
            "won: a",
            ["3:30: the table 't' has no entry for the option 'lost' of crm.deal 'stage'"],
        ),
        ("topic: { from: stage, via: [upper, table(t)] }", "WON: a, LOST: b", []),
        (
            "topic: { from: stage, via: table(t) }",
            "won: a, lost: b, open: c",
            ["4:11: warning: 'open' in the table 't' can never be a value of 'stage'"],
        ),
        ("topic: { from: name, via: table(t) }", "open: c", []),
        ("topic: { formula: 'LOOKUP(t, stage, \"x\")' }", "won: a", []),
        (
            "topic: { formula: 'LOOKUP(t, stage)' }",
            "won: a",
            ["3:22: the table 't' has no entry for the option 'lost' of crm.deal 'stage'"],
        ),
        (
            'topic: { from: stage, via: table(t), when: stage == "won" }',
            "won: a",
            ["3:30: warning: the table 't' has no entry for the option 'lost' of crm.deal 'stage'"],
        ),
    ],
)
def test_table_is_compared_with_the_options_of_what_it_translates(rule, entries, told) -> None:
    found = incoming(rule, entries)
    assert [one.split(";")[0] for one in found] == told


def test_canonical_states_are_options_too() -> None:
    states = "received: OPEN, invalid: OPEN, validated: OPEN, held: OPEN, rejected: SHUT, approved: OPEN"
    (found,) = outgoing("state: { from: state, via: table(t) }", states)
    assert "has no entry for the options 'part_invoiced', 'invoiced', 'closed', 'cancelled' of order" in found


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("count: { from: payable_amount.amount, via: decimal }", "decimal lets decimals pass"),
        ("count: { from: payable_amount.amount }", "'payable_amount.amount' may have decimals"),
        ("count: { value: 1.5 }", "1.5 is not a whole number"),
        ("count: { formula: 'payable_amount.amount / 2' }", "'payable_amount.amount / 2' may have decimals"),
        ("count: { formula: 'ROUND(payable_amount.amount, 2)' }", "may have decimals"),
        ("total.amount: { formula: 'ROUND(payable_amount.amount, 4)' }", "any currency has 3 at most"),
        ("no: { value: 12345678901 }", ""),
        ("no: { value: '12345678901' }", "'12345678901' is longer than 10 characters; shorten it"),
        ("no: { formula: 'LEFT(note, 11)' }", "holds 10 characters, not 11; write LEFT(..., 10)"),
        (
            "day: { value: tomorrow }",
            "'tomorrow' is not a date such as 2026-01-31; 'day' of books.entry is date",
        ),
        ("day: { from: issue_date, optional: true, default: '' }", ""),
        (
            "paid: { from: issue_date, optional: true }",
            "'issue_date' is a date, 'paid' of books.entry is bool",
        ),
        ("no: { from: lines }", "'lines' is a list, 'no' of books.entry is text; take one with [0]"),
        ("no: { from: payable_amount }", "is an object, 'no' of books.entry is text; name one of its fields"),
        ("count: { formula: 'ROUND(payable_amount.amount)' }", ""),
        ("count: { formula: 'COUNT(lines)' }", ""),
        ("total.amount: { formula: 'ROUND(payable_amount.amount, 3)' }", ""),
        (
            'state: { formula: \'COALESCE(LOOKUP(t, state, "SHOT"), "OPEN")\' }',
            "'SHOT' is not a value of 'state'",
        ),
    ],
)
def test_loss_on_the_way_out_is_found(rule, told) -> None:
    found = outgoing(rule, STATES if "(t," in rule else "")
    if told:
        assert len(found) == 1
        assert told in found[0]
    else:
        assert found == []


@pytest.mark.parametrize(
    ("rule", "kind", "told"),
    [
        ("issue_date: { from: closed_at }", "order", "say in which time zone the day is seen"),
        ("issue_date: { from: closed_at, via: date(UTC) }", "order", ""),
        ("issue_date: { from: due }", "order", ""),
        ("issue_date: { value: '2026-02-30' }", "order", "'2026-02-30' is not a date such as 2026-01-31"),
        ("title: { from: name, default: 5 }", "order", "5 is not text; put it in quotes"),
        ("credit_limit.amount: { value: abc }", "customer", "'abc' is not a number"),
        ("credit_limit: { from: amount, via: money(EUR) }", "customer", ""),
        ("credit_limit: { from: amount, via: decimal }", "customer", "is object, this rule gives decimal"),
        ("currency: { from: name, via: currency, default: eur }", "order", "is used as it is, not converted"),
        ("currency: { value: euro, via: currency }", "order", "does not fit: unknown currency 'euro'"),
        ("topic: { value: z, via: table(t) }", "message", "'z' is not in table 't'"),
        (
            "lines: { each: items, fields: { tax_percent: { value: 101 } } }",
            "order",
            "must be less than or equal",
        ),
    ],
)
def test_constant_that_does_not_fit_the_model_is_found(rule, kind, told) -> None:
    found = [one for one in incoming(rule, "a: b" if "table" in rule else "", kind) if "needs" not in one]
    assert [told in one for one in found] == ([True] if told else [])


def test_warnings_say_that_they_are() -> None:
    document = loads(
        "mapping: crm.deal -> message\nfields:\n  topic: { from: stage, via: table(t) }\n"
        + TABLE.format("won: a, lost: b, open: c")
    )
    assert [finding.severity for finding in check_mapping(document, DEAL)] == ["warning"]

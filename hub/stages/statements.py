"""Statements: every bank statement has its place in the sequence of its account, so that none is missing.

The proof is the balance: a statement opens with what the one before it closed with. Numbers are a hint only,
because many banks begin anew each year. Statements may come in any order; what a late one explains is closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from hub.model import Money, Statement, StatementState
from hub.stages.outcome import Case, Choice, Event, Outcome, Reader, together
from hub.stages.references import key

GAP, REPEAT, OVERLAP, UNBALANCED = (
    "statement_gap", "statement_repeated", "statement_overlap", "statement_unbalanced"
)  # fmt: skip


class Twin(NamedTuple):
    """A statement that tells of the same days, and whether it tells the same."""

    other: Statement
    reason: str


def check(statement: Statement, read: Reader) -> Outcome:
    """Put a statement into the sequence of its account, or ask why it does not fit there."""
    if statement.state is StatementState.ACCEPTED:
        return _sums(statement)
    read.hold(f"st-{key(statement.account)}"[:64])  # neighbours that arrive together must see each other
    if not statement.final:  # intraday: the final statement follows and is the one that counts
        return _accepted(statement)
    twin = next(_twins(statement, _near(statement, read)), None)
    if twin is not None:
        return together(Outcome(cases=[_doubled(statement, twin)]), _sums(statement))
    return together(_accepted(statement), _sums(statement), _sequence(statement, read))


def accept(statement: Statement, choice: Choice, read: Reader) -> Outcome:
    """A person says that it stands beside the other one."""
    if statement.state is StatementState.ACCEPTED:
        return Outcome()
    return together(_accepted(statement), _sequence(statement, read))


def leave(statement: Statement, choice: Choice, read: Reader) -> Outcome:
    """A person has seen it; nothing follows."""
    return Outcome()


def _accepted(statement: Statement) -> Outcome:
    kept = statement.model_copy(update={"state": StatementState.ACCEPTED})
    return Outcome(events=[Event("statement.accepted", kept)])


def _sums(statement: Statement) -> Outcome:
    """Opening and entries must make the closing balance."""
    if statement.opening is None or statement.closing is None:
        return Outcome()
    due = statement.opening + statement.credits - statement.debits
    if due == statement.closing:
        return Outcome(closes=[(statement.id, UNBALANCED)])
    title = f"{label(statement)} does not add up: {due} instead of {statement.closing}"
    evidence = {
        "opening": str(statement.opening), "credits": str(statement.credits),
        "debits": str(statement.debits), "adds_up_to": str(due), "closing": str(statement.closing),
        "difference": str(statement.closing - due), "entries": statement.entries,
    }  # fmt: skip
    return Outcome(cases=[Case(UNBALANCED, title, statement, evidence)])


def _near(statement: Statement, read: Reader) -> Sequence[Statement]:
    """Its neighbours in the sequence, in order and without itself."""
    day = statement.closed_on or statement.opened_on
    return read.statements_near(statement, day) if day is not None and key(statement.account) else ()


def _twins(statement: Statement, near: Sequence[Statement]) -> Iterator[Twin]:
    for other in near:
        if _same(statement, other):
            yield Twin(other, REPEAT)
    for other in near:
        if _overlap(statement, other):
            yield Twin(other, OVERLAP)


def _same(one: Statement, other: Statement) -> bool:
    """Does it say the same under another name?"""
    numbers = {x for x in (one.number, other.number) if x}
    facts = [
        (x.opening, x.closing, x.opened_on, x.closed_on, x.credits, x.debits, x.entries, x.page)
        for x in (one, other)
    ]
    return len(numbers) < 2 and facts[0] == facts[1]


def _overlap(one: Statement, other: Statement) -> bool:
    """Do both tell of the same days? Several statements of one day are in order where they continue."""
    if not all((one.opened_on, one.closed_on, other.opened_on, other.closed_on)):
        return False
    start, end = _days(one)
    begin, last = _days(other)
    if start < last and begin < end:
        return True
    if start > last or begin > end or _continues(one, other) or _continues(other, one):
        return False
    same = one.opening is not None and one.opening == other.opening and start == begin
    return same or (one.closing is not None and one.closing == other.closing and end == last)


def _days(statement: Statement) -> tuple[date, date]:
    assert statement.opened_on is not None, statement.id
    assert statement.closed_on is not None, statement.id
    return statement.opened_on, statement.closed_on


def _continues(one: Statement, before: Statement) -> bool:
    return one.opening is not None and one.opening == before.closing


def _doubled(statement: Statement, twin: Twin) -> Case:
    other = twin.other
    what = "says again what" if twin.reason == REPEAT else "tells of days that"
    title = f"{label(statement)} {what} {label(other)} told already"
    evidence = {"this": _shown(statement), "other": _shown(other), "other_statement": other.number}
    return Case(twin.reason, title, statement, evidence)


def _sequence(statement: Statement, read: Reader) -> Outcome:
    """Does it continue the one before it, and the one after it continue it?"""
    near = _near(statement, read)
    if not near:
        return Outcome()
    ordered = in_order([*near, statement])
    at = next(n for n, one in enumerate(ordered) if one.id == statement.id)
    pairs = [n for n in (at - 1, at, at + 1) if 0 <= n < len(ordered) - 1]
    return together(*(_joint(ordered, n) for n in pairs))


def in_order(statements: Sequence[Statement]) -> Sequence[Statement]:
    """By day; within a day as the balances continue, else by number."""
    days: dict[date, list[Statement]] = {}
    for one in statements:
        days.setdefault(one.closed_on or one.opened_on or date.min, []).append(one)
    ordered: list[Statement] = []
    for day in sorted(days):
        left = sorted(days[day], key=_place)
        while left:
            ordered.append(_next(left, ordered[-1] if ordered else None))
            left.remove(ordered[-1])
    return ordered


def _next(left: Sequence[Statement], last: Statement | None) -> Statement:
    """The one that continues the last; else one that continues none of the others; else the first."""
    follows = (x for x in left if last is not None and _continues(x, last))
    begins = (x for x in left if not any(_continues(x, y) for y in left if y is not x))
    return next(follows, None) or next(begins, left[0])


def _place(statement: Statement) -> tuple[int, int, str]:
    return _number(statement.number), _number(statement.page), statement.id


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _joint(ordered: Sequence[Statement], at: int) -> Outcome:
    """Where two statements meet: nothing may be missing between them."""
    before, after = ordered[at], ordered[at + 1]
    evidence = _gap(before, after, ordered[at - 1] if at else None)
    if not evidence:
        return Outcome(closes=[(after.id, GAP)])
    what = f"{evidence['missing']} is missing" if "missing" in evidence else "a number is missing"
    title = f"{label(after)} does not continue {label(before)}: {what} between them"
    return Outcome(cases=[Case(GAP, title, after, evidence)])


def _gap(before: Statement, after: Statement, earlier: Statement | None) -> Mapping[str, Any]:
    """What is missing between two neighbours; empty: nothing."""
    found: dict[str, Any] = {}
    if before.closing is not None and after.opening is not None and before.closing != after.opening:
        found["missing"] = str(after.opening - before.closing)
    if skipped := _skipped(before, after, earlier):
        found["missing_numbers"] = skipped
    if not found:
        return {}
    return {
        "before": _shown(before), "this": _shown(after), "previous_closing": _text(before.closing),
        "opening": _text(after.opening), **found,
    }  # fmt: skip


def _skipped(before: Statement, after: Statement, earlier: Statement | None) -> str:
    """Numbers between two neighbours, where the bank was seen to number on within the same year."""
    first, second = _number(before.number), _number(after.number)
    if earlier is None or not first or not second or _number(earlier.number) != first - 1:
        return ""
    days = [one.closed_on or one.opened_on for one in (earlier, before, after)]
    if len({day.year for day in days if day is not None}) != 1 or second <= first + 1:
        return ""
    return str(first + 1) if second == first + 2 else f"{first + 1} to {second - 1}"


def _text(money: Money | None) -> str:
    return str(money) if money is not None else ""


def _shown(statement: Statement) -> str:
    parts = [f"statement {statement.number}" if statement.number else "statement"]
    if statement.opened_on or statement.closed_on:
        parts.append(f"{statement.opened_on or ''} to {statement.closed_on or ''}".strip())
    if statement.opening is not None or statement.closing is not None:
        parts.append(f"from {_text(statement.opening) or '?'} to {_text(statement.closing) or '?'}")
    parts.append(f"{statement.entries} entries, {statement.credits} in, {statement.debits} out")
    return ", ".join(parts)


def label(statement: Statement) -> str:
    """A statement as people call it; of its account only the end is shown."""
    name = statement.number or statement.statement_id or str(statement.closed_on or statement.opened_on or "")
    return f"{f'Statement {name}' if name else 'A statement'} of account {masked(statement.account)}"


def masked(account: str) -> str:
    """An account number that may be shown: its last four signs."""
    plain = "".join(account.split())
    return plain if len(plain) <= 4 else f"…{plain[-4:]}"

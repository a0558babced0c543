"""A statement as changes: the statement itself, then a payment for each line that concerns us.

A statement that does not prove itself whole is told with what is wrong, and none of its payments.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.bank import balance, lines
from connectors.bank.flat import masked
from connectors.bank.lines import Line, Namer
from connectors.bank.statement import Problem, Statement
from hub.sdk import Change, Unmappable

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MAPPING = "bank.statement"
SHOWN_MAX = 5  # problems told in one case
# Formats that tell of money before the bank's final statement does.
INTERIM = frozenset({"camt.052", "camt.054", "mt942"})


class Taking(NamedTuple):
    """What is wanted: the account (empty: as told), payments of interim statements, codes left out."""

    account: str = ""
    intraday: bool = False
    elsewhere: frozenset[str] = frozenset()


class File(NamedTuple):
    """What the statements of one file share: which were told, and the names of their lines."""

    seen: set[str]
    namers: dict[tuple[str, str], Namer]


def changes_of(
    statement: Statement, known: str, taking: Taking, file: File, *, final: bool
) -> Iterator[Change]:
    """The changes of one statement of a file. A statement that stands in it twice is told once."""
    statement = lines.dated(statement)
    frame = _frame(statement, known, taking, final=final)
    uid = frame["statement_uid"]
    if not (frame["currency"] or statement.entries or statement.problems):
        return  # nothing in it at all
    if uid in file.seen:
        return  # the same statement again: banks and people put files together
    file.seen.add(uid)
    wrong = _wrong(statement, known, frame)
    if wrong is not None:
        yield Change("statement", uid, None, problem=wrong)
        return
    booked = [line for entry in statement.booked() for line in lines.lines_of(entry)]
    wanted = [line for line in booked if _wanted(line, taking, final=final)]
    told = {"taken": _summed(wanted), "left": _summed(booked, minus=wanted)}
    yield Change("statement", uid, {**frame, **told})
    key = (frame["account"], statement.page)
    namer = file.namers.setdefault(key, Namer(*key))
    chosen = {id(line) for line in wanted}
    for line in booked:
        day = _day(line, statement, final=final)
        named = namer.uid(line, day)  # of lines left out too: it counts those that are equal
        if id(line) in chosen:
            yield Change("payment", named, lines.record(line, known, named, day, frame))


def _wanted(line: Line, taking: Taking, *, final: bool) -> bool:
    code = line.entry.bank_code
    if not (final or taking.intraday) or code in taking.elsewhere or code.split("/")[0] in taking.elsewhere:
        return False
    return lines.concerns_us(line)


def _summed(found: Sequence[Line], minus: Sequence[Line] = ()) -> dict[str, Any]:
    """How many lines, and what they add up to, signed."""
    without = {id(line) for line in minus}
    amounts = [line.amount for line in found if id(line) not in without]
    return {"count": len(amounts), "amount": sum(amounts, Decimal(0))}


def _day(line: Line, statement: Statement, *, final: bool) -> str:
    """The booking date; a notification without one is about the day it was made, or of value."""
    if line.entry.booked_on is not None:
        return line.entry.booked_on.isoformat()
    if final:
        return ""
    value_on = line.entry.value_on
    return (
        statement.created[:10] if _DAY.match(statement.created) else value_on.isoformat() if value_on else ""
    )


def _frame(statement: Statement, known: str, taking: Taking, *, final: bool) -> dict[str, Any]:
    """A statement's identity, and what it says of itself; amounts in its currency, debits above zero."""
    booked = balance.summed(statement.entries, notification=False)
    opening, closing = statement.opening, statement.closing
    currency = statement.currency or next(iter(sorted(booked.currencies)), "")
    frame: dict[str, Any] = {
        "format": known,
        "final": final,
        "id": statement.id,
        "number": statement.number,
        "page": statement.page,
        "account": taking.account or _ours(statement, known),
        "told_account": statement.account,
        "currency": currency,
        "created": statement.created,
        "opening": opening.amount if opening else None,
        "opened_on": opening.on.isoformat() if opening and opening.on else "",
        "closing": closing.amount if closing else None,
        "closed_on": closing.on.isoformat() if closing and closing.on else "",
        "credits": booked.credits,
        "debits": booked.debits,
        "entries": booked.entries,
        "transactions": booked.transactions,
        "not_booked": len(statement.entries) - booked.entries,
    }
    told = [str(frame[name]) for name in _IDENTITY]
    moved = [f"{one.booked_on} {one.amount:f} {one.bank_reference}" for one in statement.entries]
    uid = hashlib.sha256("\x1f".join([*told, *moved]).encode()).hexdigest()
    return {"statement_uid": uid, **frame}


_IDENTITY = (
    "account", "format", "id", "number", "page", "currency", "opening", "opened_on", "closing", "closed_on",
    "credits", "debits", "entries",
)  # fmt: skip


def _ours(statement: Statement, known: str) -> str:
    """The account a statement is about. A Nacha batch of returns names the payers' accounts alone."""
    payers_only = known == "nacha" and not any(one.amount > 0 for one in statement.entries)
    return "" if payers_only else statement.account


def _wrong(statement: Statement, known: str, frame: dict[str, Any]) -> Unmappable | None:
    """Why nothing is taken from a statement: the arithmetic of totals that do not hold, or none to check."""
    moved = balance.totals(statement)
    found = [*balance.doubts(statement, moved), *_unproven(statement, known, frame)]
    if not found:
        return None
    words = [f"line {one.line}: {one.message}" if one.line else one.message for one in found[:SHOWN_MAX]]
    more = [f"and {len(found) - SHOWN_MAX} more"] if len(found) > SHOWN_MAX else []
    name = " ".join(one for one in (statement.number or statement.id, _paged(statement)) if one)
    told = f"statement {name or '(unnamed)'} of {masked(frame['account'])}: {'; '.join([*words, *more])}"
    return Unmappable(MAPPING, "totals", told)


def _paged(statement: Statement) -> str:
    return f"page {statement.page}" if statement.page else ""


def _unproven(statement: Statement, known: str, frame: dict[str, Any]) -> Iterator[Problem]:
    """camt.053 has both booked balances (OPBD and CLBD, usage of every national guideline)."""
    if not frame["currency"]:
        yield Problem(statement.line, "neither balance nor entry tells a currency")
    if known != "camt.053" or not frame["entries"]:
        return
    for side, told in (("opening", statement.opening), ("closing", statement.closing)):
        if told is None:
            yield Problem(
                statement.line,
                f"it has no {side} booked balance, so nothing proves it is whole: ask the bank for both",
            )

"""BAI2 logical records into groups, accounts and details, with the control sums each of them claims.

Source: BAI Cash Management Balance Reporting Specifications, Version 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from connectors.bank.bai2_codes import sign_of
from connectors.bank.bai2_records import Record
from connectors.bank.flat import excerpt, exponent, whole, yymmdd
from connectors.bank.statement import Problem, problem_of
from hub.sdk import Invalid

_CODE = re.compile(r"\d{3}", re.ASCII)
_NARROW = frozenset(("", "0", "1", "2", "Z"))
FUNDS = ("", "0", "1", "2", "S", "V", "D", "Z")
DISTRIBUTION_MAX = 400  # parts of one amount available on different days (funds type D)


class Summary(NamedTuple):
    """A balance or a total of record 03; `units` are minor units as written, signed."""

    type: str
    units: int
    items: str


class Detail(NamedTuple):
    """Record 16; `units` as written, `amount` above zero for a credit."""

    line: int
    type: str
    units: int
    amount: Decimal
    value_on: date | None
    bank_reference: str
    customer_reference: str
    text: Sequence[str]


class Control(NamedTuple):
    """What a trailer claims: sum of amounts in minor units, groups or accounts below it, records."""

    line: int
    units: int
    parts: int | None
    records: int | None


class Account(NamedTuple):
    """Records 03 to 49; `records` counts physical ones, both ends included."""

    line: int
    number: str
    currency: str
    summaries: Sequence[Summary]
    details: Sequence[Detail]
    records: int
    control: Control | None
    unread: Sequence[Problem] = ()


class Group(NamedTuple):
    """Records 02 to 98: one reporting day of one sender."""

    line: int
    sender: str
    receiver: str
    status: str
    as_of: date | None
    modifier: str
    accounts: Sequence[Account]
    records: int
    control: Control | None


class Report(NamedTuple):
    """A file: records 01 to 99."""

    sender: str
    created_on: date | None
    number: str
    groups: Sequence[Group]
    records: int
    control: Control | None
    last: int


def reports(logical: Sequence[Record]) -> Iterator[Report]:
    """Every file in what was sent: some banks put several behind each other.

    Raises Invalid naming the line of the first record that breaks the structure.
    """
    starts = [at for at, one in enumerate(logical) if one.code == "01"]
    if not starts or starts[0]:
        line = logical[0].line if logical else 1
        raise Invalid(f"line {line}: a BAI2 file begins with a 01 record", field="record")
    for start, end in zip(starts, [*starts[1:], len(logical)], strict=True):
        yield _report(logical[start:end])


def _report(logical: Sequence[Record]) -> Report:
    head = _padded(logical[0].fields(), 8)
    groups: list[Group] = []
    at = 1
    while at < len(logical) and logical[at].code == "02":
        group, at = _group(logical, at)
        groups.append(group)
    control = None
    if at < len(logical):
        if logical[at].code != "99":
            raise Invalid(
                f"line {logical[at].line}: record {logical[at].code} outside a group", field="record"
            )
        control, at = _control(logical[at], counted=True), at + 1
    if at < len(logical):
        raise Invalid(f"line {logical[at].line}: a record behind the file trailer 99", field="record")
    physical = sum(one.physical for one in logical)
    return Report(head[0], yymmdd(head[2]), head[4], groups, physical, control, logical[-1].line)


def _group(logical: Sequence[Record], at: int) -> tuple[Group, int]:
    head = logical[at]
    fields = _padded(head.fields(), 7)
    start, at = at, at + 1
    accounts: list[Account] = []
    while at < len(logical) and logical[at].code == "03":
        account, at = _account(logical, at, fields[5] or "USD")
        accounts.append(account)
    control = None
    if at < len(logical) and logical[at].code == "98":
        control, at = _control(logical[at], counted=True), at + 1
    elif at < len(logical) and logical[at].code not in ("02", "99"):
        raise Invalid(
            f"line {logical[at].line}: record {logical[at].code} outside an account", field="record"
        )
    physical = sum(one.physical for one in logical[start:at])
    receiver, sender, status, as_of, _, _, modifier = fields[:7]
    return Group(
        head.line, sender, receiver, status, yymmdd(as_of), modifier, accounts, physical, control
    ), at


def _account(logical: Sequence[Record], at: int, default: str) -> tuple[Account, int]:
    head = logical[at]
    fields = _padded(head.fields(), 2)
    currency = fields[1] or default
    if not re.fullmatch(r"[A-Z]{3}", currency, re.ASCII):
        raise Invalid(f"line {head.line}: {excerpt(currency)} is no currency code", field="currency")
    start, at = at, at + 1
    details: list[Detail] = []
    unread: list[Problem] = []
    while at < len(logical) and logical[at].code == "16":
        try:
            details.append(_detail(logical[at], currency))
        except Invalid as error:  # its account is not used then; the others are
            unread.append(problem_of(error))
        at += 1
    control = None
    if at < len(logical) and logical[at].code == "49":
        control, at = _control(logical[at], counted=False), at + 1
    physical = sum(one.physical for one in logical[start:at])
    summaries = _summaries(fields[2:], head.line)
    return Account(head.line, fields[0], currency, summaries, details, physical, control, unread), at


def _control(record: Record, *, counted: bool) -> Control:
    """Record 49 (sum, records), 98 or 99 (sum, parts, records)."""
    place = f"line {record.line}: record {record.code}"
    fields = [*record.fields(), "", "", ""]
    parts = whole(fields[1], place) if counted and fields[1] else None
    told = fields[2 if counted else 1]
    return Control(record.line, whole(fields[0] or "0", place), parts, whole(told, place) if told else None)


def _summaries(fields: Sequence[str], line: int) -> list[Summary]:
    """Type, amount, item count, funds type and what belongs to it, again and again.

    Banks write one empty field too many or too few between two of them: so empty fields before a type
    are passed over. Raises Invalid where neither a type nor an empty field stands.
    """
    found: list[Summary] = []
    at = 0
    while at < len(fields):
        code = fields[at]
        if not code:
            at += 1
            continue
        if not _CODE.fullmatch(code):
            raise Invalid(f"line {line}: {excerpt(code)} is no type code of a balance", field="type")
        rest = _padded(fields[at + 1 : at + 4], 3)
        if rest[0]:
            found.append(Summary(code, whole(rest[0], f"line {line}: type {code}"), rest[1]))
        at += 4
        at += _funds_width(rest[2], fields[at : at + 1], f"line {line}: type {code}")
    return found


def _funds_width(kind: str, following: Sequence[str], place: str) -> int:
    """How many fields belong to a funds type (BAI2 appendix: funds type indicators)."""
    if kind not in FUNDS:
        told = " ".join(FUNDS).strip()
        raise Invalid(f"{place}: {excerpt(kind)} is none of the funds types {told}", field="funds")
    if kind == "S":
        return 3
    if kind == "V":
        return 2
    if kind == "D":
        parts = whole(following[0] if following else "", place)
        if not 0 <= parts <= DISTRIBUTION_MAX:
            raise Invalid(f"{place}: {parts} parts of one amount, over {DISTRIBUTION_MAX}", field="funds")
        return 1 + 2 * parts
    return 0


def _detail(record: Record, currency: str) -> Detail:
    place = f"line {record.line}"
    pieces = [piece.split(",") for piece in record.pieces]
    flat = pieces[0] if len(pieces) == 1 else [one for piece in pieces for one in piece]
    code, amount, funds = [one.strip() for one in _padded(flat[:3], 3)]
    if not _CODE.fullmatch(code):
        raise Invalid(f"{place}: {excerpt(code)} is no type code", field="type")
    units = whole(amount or "0", f"{place}: type {code}")
    width = 0 if funds in _NARROW else _funds_width(funds, flat[3:4], f"{place}: type {code}")
    references, text = _tail(pieces, 3 + width)
    return Detail(
        line=record.line,
        type=code,
        units=units,
        amount=sign_of(code) * Decimal(units).scaleb(-exponent(currency)),
        value_on=yymmdd(flat[3]) if funds == "V" and len(flat) > 3 else None,
        bank_reference=references[0],
        customer_reference=references[1],
        text=tuple(text),
    )


def _tail(pieces: Sequence[Sequence[str]], fixed: int) -> tuple[list[str], list[str]]:
    """The two references behind `fixed` fields, and the text: one line per piece, commas and all.

    A continuation whose only field has spaces is text even where a reference was still missing.
    """
    references: list[str] = []
    text: list[str] = []
    passed = 0
    for number, piece in enumerate(pieces):
        at = min(len(piece), fixed - passed)
        passed += at
        wordy = number > 0 and len(piece) - at == 1 and " " in piece[at].strip()
        if len(references) < 2 and at < len(piece) and not wordy:
            taken = piece[at : at + 2 - len(references)]
            references += [one.strip() for one in taken]
            at += len(taken)
        words = ",".join(piece[at:]).strip().rstrip(",").rstrip()
        if words:
            references = _padded(references, 2)
            text.append(words)
    return _padded(references, 2), text


def _padded(fields: Sequence[str], width: int) -> list[str]:
    return [*fields, *[""] * (width - len(fields))] if len(fields) < width else [*fields]

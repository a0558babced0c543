"""Nacha records into batches of entries with their addenda; what breaks the rules is listed by line.

Source: Nacha Operating Rules, appendix three (record layouts, transaction codes) and appendix four (returns,
notifications of change).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from connectors.bank import nacha_records as layouts
from connectors.bank.flat import Line, excerpt, implied, whole, yymmdd
from connectors.bank.nacha_records import entry_layout, field
from hub.sdk import Invalid

_CODE = re.compile(r"[2-5][0-9]|8[1-8]", re.ASCII)


class Addendum(NamedTuple):
    """A record 7; `text` keeps its 80 characters, because an 820 in them is cut anywhere."""

    line: int
    type: str
    text: str
    sequence: str
    entry: str


class Return(NamedTuple):
    """Addenda 99 (return) or 98 (notification of change): why, and which entry it is about."""

    type: str
    reason: str
    original_trace: str
    text: str


class Entry(NamedTuple):
    """A record 6 and its addenda; the amount is above zero where the receiver's account is credited."""

    line: int
    code: str
    rdfi: str
    check_digit: str
    account: str
    amount: Decimal
    individual_id: str
    name: str
    payment_type: str
    indicator: str
    counted: str
    trace: str
    addenda: Sequence[Addendum]
    returns: Sequence[Return]


class Control(NamedTuple):
    """What a record 8 or 9 claims; sums in USD. `batches` is None in a record 8."""

    line: int
    records: int
    hash: int
    debits: Decimal
    credits: Decimal
    batches: int | None


class Batch(NamedTuple):
    """Records 5 to 8; `direction` is the service class code: 200 mixed, 220 credits, 225 debits."""

    line: int
    direction: str
    company: str
    company_id: str
    entry_class: str
    description: str
    effective: date | None
    number: str
    entries: Sequence[Entry]
    stray: int
    control: Control | None


class AchFile(NamedTuple):
    """Records 1 to 9."""

    destination: str
    origin: str
    created: date | None
    format_code: str
    batches: Sequence[Batch]
    control: Control | None


def sign_of(code: str) -> int:
    """1 for a credit, -1 for a debit, 0 for no transaction code there is.

    Codes 2x to 5x: the last digit up to 4 is a credit. 8x (accounting advices): odd ones are credits.
    """
    if not _CODE.fullmatch(code):
        return 0
    if code[0] == "8":
        return 1 if int(code) % 2 else -1
    return 1 if code[1] in "01234" else -1


def files(found: Sequence[Line]) -> Iterator[Sequence[Line]]:
    """The records of every file in what was sent: some banks put the files of a day behind each other."""
    start = 0
    for at in range(1, len(found)):
        if found[at].text[0] == "1" and found[at - 1].text[0] == "9":
            yield found[start:at]
            start = at
    yield found[start:]


def ach_file(found: Sequence[Line]) -> AchFile:
    """The whole file. Raises Invalid naming the line of a record that stands where it cannot."""
    if not found or found[0].text[0] != "1":
        raise Invalid("line 1: a Nacha file begins with a file header, record 1", field="record")
    head = found[0].text
    batches: list[Batch] = []
    control = None
    at = 1
    while at < len(found):
        kind = found[at].text[0]
        if kind == "5":
            batch, at = _batch(found, at)
            batches.append(batch)
        elif kind == "9" and control is None:
            advice = any(one.entry_class == "ADV" for one in batches)
            control, at = _file_control(found[at], advice=advice), at + 1
        else:
            raise Invalid(
                f"line {found[at].number}: record {excerpt(kind)} stands outside a batch", field="record"
            )
    return AchFile(
        field(head, layouts.FILE_HEADER, "destination_name"),
        field(head, layouts.FILE_HEADER, "origin_name"),
        yymmdd(field(head, layouts.FILE_HEADER, "created")),
        field(head, layouts.FILE_HEADER, "format_code"),
        batches,
        control,
    )


def _batch(found: Sequence[Line], at: int) -> tuple[Batch, int]:
    head = found[at]
    entry_class = field(head.text, layouts.BATCH_HEADER, "entry_class")
    described = field(head.text, layouts.BATCH_HEADER, "company")
    entries: list[Entry] = []
    control, stray = None, 0
    at += 1
    while at < len(found) and control is None and found[at].text[0] in "678":
        kind = found[at].text[0]
        if kind == "6":
            entry, at = _entry(found, at, entry_class)
            entries.append(entry)
            continue
        if kind == "8":
            control = _batch_control(found[at], entry_class)
        else:
            stray += 1
        at += 1
    return Batch(
        line=head.number,
        direction=field(head.text, layouts.BATCH_HEADER, "service_class"),
        company=described,
        company_id=field(head.text, layouts.BATCH_HEADER, "company_id"),
        entry_class=entry_class,
        description=field(head.text, layouts.BATCH_HEADER, "description"),
        effective=yymmdd(field(head.text, layouts.BATCH_HEADER, "effective")),
        number=field(head.text, layouts.BATCH_HEADER, "batch"),
        entries=entries,
        stray=stray,
        control=control,
    ), at


def _entry(found: Sequence[Line], at: int, entry_class: str) -> tuple[Entry, int]:
    number, text = found[at]
    layout = entry_layout(entry_class)
    addenda: list[Addendum] = []
    returns: list[Return] = []
    at += 1
    while at < len(found) and found[at].text[0] == "7":
        words = found[at].text
        kind = field(words, layouts.ADDENDA, "type")
        if kind in ("98", "99"):
            told = [field(words, layouts.RETURN, name) for name in ("reason", "original_trace", "text")]
            returns.append(Return(kind, *told))
        raw = words[3:83]
        sequence = field(words, layouts.ADDENDA, "sequence")
        addenda.append(
            Addendum(found[at].number, kind, raw, sequence, field(words, layouts.ADDENDA, "entry"))
        )
        at += 1
    code = field(text, layout, "code")
    amount = implied(field(text, layout, "amount") or "0", "USD", f"line {number}: amount")
    return Entry(
        line=number,
        code=code,
        rdfi=field(text, layout, "rdfi"),
        check_digit=field(text, layout, "check_digit"),
        account=field(text, layout, "account"),
        amount=sign_of(code) * amount,
        individual_id=field(text, layout, "individual_id"),
        name=field(text, layout, "name"),
        payment_type=field(text, layout, "payment_type"),
        indicator=field(text, layout, "indicator"),
        counted=field(text, layout, "addenda") if "addenda" in layout else "",
        trace=field(text, layout, "trace"),
        addenda=addenda,
        returns=returns,
    ), at


def _batch_control(found: Line, entry_class: str) -> Control:
    layout = layouts.ADV_BATCH_CONTROL if entry_class == "ADV" else layouts.BATCH_CONTROL
    return _control(found, layout, None)


def _file_control(found: Line, *, advice: bool) -> Control:
    layout = layouts.ADV_FILE_CONTROL if advice else layouts.FILE_CONTROL
    told = field(found.text, layout, "batches")
    return _control(found, layout, whole(told or "0", f"line {found.number}: batches"))


def _control(found: Line, layout: dict[str, tuple[int, int]], batches: int | None) -> Control:
    number, text = found
    counts = [whole(field(text, layout, name) or "0", f"line {number}: {name}") for name in ("count", "hash")]
    sums = [
        implied(field(text, layout, name) or "0", "USD", f"line {number}: {name}")
        for name in ("debits", "credits")
    ]
    return Control(number, counts[0], counts[1], sums[0], sums[1], batches)

"""Nacha (ACH) files into statements: one per batch, remittance from addenda, returns with their reason.

Source: Nacha Operating Rules, appendix three. Amounts are USD and signed as the receiver's account sees
them: a credit entry is money that arrived. Batch and file control totals and the entry hash are compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO

from connectors.bank import nacha_checks as checks
from connectors.bank import nacha_parse as parse
from connectors.bank import references, x12_820
from connectors.bank.flat import Line, decoded, lines, taken
from connectors.bank.nacha_records import records
from connectors.bank.remitted import documents_of
from connectors.bank.statement import Document, Entry, Party, Problem, Statement, Transaction
from hub.sdk import Invalid

PROBLEMS_MAX = 100  # of one statement: a broken file breaks the same rule on every line


def recognises(head: bytes) -> str:
    """`nacha` for a file that begins with an ACH file header: 1, priority code, record size 094."""
    words = head.lstrip(b"\xef\xbb\xbf \r\n\t")[:94]
    return "nacha" if re.match(rb"1\d\d[ \dA-Z]", words) and b"094" in words[32:39] else ""


def read(source: bytes | IO[bytes]) -> Iterator[Statement]:
    """A statement per batch. Raises Invalid naming the line of a record that is none or stands wrong."""
    for found in parse.files(records(lines(decoded(taken(source))))):
        yield from _file(found)


def _file(found: Sequence[Line]) -> Iterator[Statement]:
    file = parse.ach_file(found)
    broken = checks.file_faults(file, found[-1].number)
    advised = [one for one in islice(checks.file_advice(file, found), PROBLEMS_MAX) if one not in broken]
    if not file.batches:
        first = found[0].number
        empty = Problem(first, "the file has no batch")
        yield Statement("", "USD", None, None, (), problems=broken, line=first, advice=[*advised, empty])
    above = [one for one in advised if not _inside(one.line, file.batches)]
    for batch in file.batches:
        first, last = batch.line, batch.control.line if batch.control else found[-1].number
        own = [one for one in advised if first <= one.line <= last]
        ruled = islice(checks.batch_advice(batch), PROBLEMS_MAX)
        yield _statement(batch, file, [*checks.batch_faults(batch), *broken], [*above, *own, *ruled])


def _inside(line: int, batches: Sequence[parse.Batch]) -> bool:
    return any(one.line <= line <= (one.control.line if one.control else line) for one in batches)


def _statement(
    batch: parse.Batch, file: parse.AchFile, faults: Sequence[Problem], advised: Sequence[Problem]
) -> Statement:
    entries, unread = [], []
    for one in batch.entries:
        documents: Sequence[Document] = ()
        try:
            documents = _remitted(one)
        except Invalid as error:
            unread.append(Problem(one.line, f"remittance in its addenda: {error}"))
        entries.append(_entry(one, batch, file, documents))
    accounts = {one.account for one in batch.entries}
    return Statement(
        account=accounts.pop() if len(accounts) == 1 else "",
        currency="USD",
        opening=None,
        closing=None,
        entries=entries,
        id=f"{batch.company_id} {batch.number}".strip(),
        number=batch.number,
        created=file.created.isoformat() if file.created else "",
        problems=faults,
        line=batch.line,
        advice=[*advised, *unread][:PROBLEMS_MAX],
    )


def _entry(
    entry: parse.Entry, batch: parse.Batch, file: parse.AchFile, documents: Sequence[Document]
) -> Entry:
    narrative = _narrative(entry)
    company = Party(batch.company, id=batch.company_id)
    receiver = Party(entry.name, "".join(entry.account.split()), id=entry.individual_id)
    returned = next(iter(entry.returns), None)
    transaction = Transaction(
        amount=entry.amount,
        currency="USD",
        payer=company if entry.amount >= 0 else receiver,
        payee=receiver if entry.amount >= 0 else company,
        end_to_end_id=entry.individual_id,
        bank_reference=entry.trace,
        customer_reference=returned.original_trace if returned else "",
        references=references.found_in(narrative),
        narrative=narrative,
        documents=documents,
        purpose=batch.description,
        return_reason=entry.returns[-1].reason if entry.returns else "",
    )
    return Entry(
        amount=entry.amount,
        currency="USD",
        booked_on=batch.effective or file.created,
        value_on=batch.effective,
        bank_code=f"{batch.entry_class} {entry.code}",
        reversal=any(one.type == "99" for one in entry.returns),
        bank_reference=entry.trace,
        transactions=(transaction,),
        line=entry.line,
    )


def _narrative(entry: parse.Entry) -> list[str]:
    """What the addenda say, one text per addendum; the pieces of an 820 as one."""
    joined = _joined(entry)
    if x12_820.looks_like(joined):
        return [joined.strip()]
    return [one.text.strip() for one in entry.addenda if one.text.strip()]


def _joined(entry: parse.Entry) -> str:
    return "".join(one.text for one in entry.addenda if one.type == "05")


def _remitted(entry: parse.Entry) -> Sequence[Document]:
    """The documents an 820 or single RMR segments in the addenda name."""
    joined = _joined(entry)
    if not x12_820.looks_like(joined):
        return ()
    return documents_of(x12_820.read(joined))

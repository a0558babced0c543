"""Journal entries at SAP: invoices, credit memos, payments and adjustments booked, found again, confirmed.

Journal Entry - Post (Synchronous): http://sap.com/xi/SAPSCORE/SFIN, JournalEntryCreateRequestConfirmation_In.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connectors.sap.settings import Settings
from connectors.sap.soap_entry import content, entered_by, reversal
from connectors.sap.soap_log import is_error, notes, refusal, told, worst
from connectors.sap.soap_record import Posted, entry, posted, posted_by, references
from connectors.sap.soap_rows import Ask, any_spelling, item_of, key_filter
from connectors.sap.soap_wire import Element, Message, Node, header, message_uuid, opened, send, words
from hub.sdk import ConnectorError, Door, Rejected, Transient, Write

OPERATION = "JournalEntryCreateRequestConfirmation_In"
_LOG = logging.getLogger("o2c.sap")
_CLEARED = frozenset({"payment", "credit_memo", "adjustment"})
_NOTHING = frozenset({"", "0000000000"})  # what stands for the number of an entry that was not made


def post(door: Door, settings: Settings, write: Write) -> str:
    """Book one entry; its id, such as 1010-2026-1800000001. Asks nothing first: see book().

    Raises Rejected with every note of SAP's log where it refuses (with HTTP status 200), Transient where
    something is locked or the outcome is unknown.
    """
    parsed = entry(write.record)
    content_ = content(write.kind, parsed, settings, references(write.reference), entered_by(settings))
    return _booked(door, settings, write.idempotency_key, parsed.company_code, content_)


def book(door: Door, settings: Settings, ask: Ask, write: Write) -> str:
    """Book one entry unless an earlier attempt did, and make sure it is what we meant.

    What is cleared afterwards is looked for at every attempt: waiting for a clearing raises NotYet, after
    which the hub takes the attempt for one that did nothing.
    """
    external_id = write.external_id
    if external_id is None and write.kind in _CLEARED:
        external_id = find(ask, write.reference)
    external_id = external_id or post(door, settings, write)
    confirm(ask, external_id, write.record)
    return external_id


def reverse(
    door: Door, settings: Settings, external_id: str, *, document_type: str, on: date, reason: str = "01"
) -> str:
    """Reverse an entry there on a business date; the id of the reversing entry. Raises as post().

    What is cleared must be reset in SAP first. A repeat is refused there: it is reversed already.
    """
    known = posted_by(external_id)
    content_ = reversal(document_type, known, on, reason, entered_by(settings))
    return _booked(door, settings, f"reversal:{external_id}", known.company_code, content_)


def by_reference(reference: str) -> str:
    """The filter that finds the customer items of the entry with our document id in its header.

    A_JournalEntryItemBasic has no reference field [edmx]: only the operational cube can be asked. Screens of
    SAP put these fields in capitals, so both spellings are looked for: a miss would book twice.
    """
    parts = enumerate(references(reference), 1)
    both = [any_spelling(f"Reference{at}InDocumentHeader", part) for at, part in parts]
    return f"{' and '.join(both)} and FinancialAccountType eq 'D'"


def find(ask: Ask, reference: str) -> str | None:
    """The entry that carries our document id, or None. Raises Rejected where there are several."""
    return found(ask(by_reference(reference)), reference)


def found(rows: Sequence[Mapping[str, Any]], reference: str) -> str | None:
    """The decision of find(): reversing entries repeat the reference and are not the entry itself."""
    own = [
        row
        for row in rows
        if _reference(row).casefold() == reference.casefold() and not item_of(row).reversal
    ]
    ids = {str(item.posted): item.reversed for item in map(item_of, own)}
    standing = [id for id, undone in ids.items() if not undone]
    if len(standing) > 1:
        text = f"{reference} was booked more than once: {', '.join(standing)}; reverse all but one in SAP"
        raise Rejected(text, code="ambiguous", sent=False)
    if ids and not standing:
        text = f"{reference} was booked as {', '.join(ids)} and reversed in SAP; a person must decide"
        raise Rejected(text, code="reversed", sent=False)
    return standing[0] if standing else None


def confirm(ask: Ask, external_id: str, record: Mapping[str, Any]) -> None:
    """Read an entry back: its customer total and currency must be what the record expects.

    Raises Rejected where they differ, Transient where the entry is not seen yet.
    """
    wanted = entry(record)
    total = wanted.expected.total if wanted.expected else wanted.amount
    currency = wanted.expected.currency if wanted.expected else wanted.currency
    key = posted_by(external_id)
    try:
        items = [item_of(row) for row in ask(key_filter(key) + " and FinancialAccountType eq 'D'")]
    except ConnectorError as error:
        # the entry is booked; only the reading back failed
        raise Transient(f"{external_id} is booked, not confirmed: {error}", code=error.code) from error
    own = [item for item in items if item.posted == key]
    if not own:
        raise Transient(f"{external_id} is booked but not seen in the open items yet", code="unconfirmed")
    seen = abs(sum((item.amount for item in own), Decimal(0)))
    currencies = {item.currency for item in own}
    if seen != total or currencies != {currency}:
        shown = f"{seen} {'/'.join(sorted(currencies))}"
        raise Rejected(
            f"{external_id} in SAP is about {shown}, ours about {total} {currency}; reverse it there or "
            "correct ours",
            code="echo",
        )


def _reference(row: Mapping[str, Any]) -> str:
    parts = (row.get("Reference1InDocumentHeader"), row.get("Reference2InDocumentHeader"))
    return "".join(str(part or "") for part in parts)


def _booked(door: Door, settings: Settings, key: str, company_code: str, content_: Sequence[Node]) -> str:
    own = message_uuid(key)
    at = datetime.now(UTC)
    request: list[Node] = [header(own, at, "_1"), ("JournalEntry", content_)]
    root: list[Node] = [header(own, at), ("JournalEntryCreateRequest", request)]
    message = Message(OPERATION, "JournalEntryBulkCreateRequest", root, own)
    answer = opened(send(door, settings.journal_path, settings.query, message))
    if answer is None:
        raise Transient("SAP answered a posting with nothing", code="empty")
    return str(read_answer(answer, company_code))


def read_answer(answer: Element, company_code: str) -> Posted:
    """The key of what was booked, from a JournalEntryBulkCreateConfirmation.

    A posting that failed is answered with status 200, no number (or zeros) and a log of severity 3
    [wsdl]. Raises the error its log stands for; Transient where the answer says neither.
    """
    inner = answer.findall("{*}JournalEntryCreateConfirmation/{*}JournalEntryCreateConfirmation")
    made = [one for one in inner if words(one, "{*}AccountingDocument") not in _NOTHING]
    log = notes(answer)
    if len(made) == 1:
        if warnings := [note for note in log if note.severity not in ("", "1")]:
            _LOG.warning("SAP booked %s with warnings: %s", company_code, told(warnings))
        return _key(made[0], company_code)
    refused = refusal(log, severe=is_error(worst(answer)))
    if refused is None or made:
        raise Transient("the answer to a posting tells neither a number nor an error", code="bad_answer")
    raise refused


def _key(confirmed: Element, company_code: str) -> Posted:
    document, year = words(confirmed, "{*}AccountingDocument"), words(confirmed, "{*}FiscalYear")
    code = words(confirmed, "{*}CompanyCode")
    if not (
        document.isascii() and document.isdigit() and len(year) == 4 and year.isascii() and year.isdigit()
    ):
        text = f"SAP names no entry we could find again: document {document!r}, fiscal year {year!r}"
        raise Transient(text, code="bad_answer")
    if code != company_code:
        text = f"booked as {document} in company code {code or '(none)'}, not in {company_code}"
        raise Rejected(text, code="echo")
    return posted(code, year, document)

"""Writing documents: which call makes or changes each kind, so that a repeat never makes a second one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.netsuite import cancelling, items, translate, write_off
from connectors.netsuite.answers import period_closed, refusal
from connectors.netsuite.client import Wire
from connectors.netsuite.periods import next_open
from connectors.netsuite.settings import Settings
from hub.sdk import ConnectorError, Record, Rejected, Transient, Write

_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,64}")  # "Using External IDs"
# What mappings put into a record for the connector, not for NetSuite.
_PSEUDO = frozenset({"expected", "match", "settles", "cancelled"})


def external(reference: str) -> str:
    """Our reference as an external id. Raises Rejected where it has signs that NetSuite reserves."""
    if not _REFERENCE.fullmatch(reference):
        text = "reference: an external id in NetSuite has letters, digits, _ and - only"
        raise refusal(text, code="reference")
    return reference


def write(client: Wire, settings: Settings, record: str, one: Write) -> str:
    """Write one document and read it back. Raises Rejected where NetSuite made something else of it."""
    try:
        return _write(client, settings, record, one)
    except Rejected as error:
        if settings.closed_period != "next_open" or not period_closed(error) or "tranDate" not in one.record:
            raise
        period = next_open(client, str(one.record["tranDate"]))
        if period is None:
            raise
        return _write(client, settings, record, one._replace(record={**one.record, "postingPeriod": period}))


def _write(client: Wire, settings: Settings, record: str, one: Write) -> str:
    if one.record.get("cancelled") is True:
        own = "journalEntry" if one.kind == "adjustment" and settings.write_off == "journal" else record
        return cancelling.cancel(client, settings, own, one, external(one.reference))
    body = {key: value for key, value in one.record.items() if key not in _PSEUDO}
    if one.kind == "adjustment" and settings.write_off == "journal":
        return write_off.journal(client, settings, body, one, external(one.reference))
    if one.kind == "adjustment":
        body, one = write_off.expanded(client, settings, body, one)
    body = dict(items.with_items(client, body))
    match one.kind:
        case "invoice":
            id = _invoice(client, one, body)
        case "credit_memo":
            id = _credit_memo(client, one, body)
        case "order":
            id = _order(client, one, body)
        case "payment":
            id = _payment(client, one, body)
        case "adjustment":
            id = put(client, record, one, body, replace="item,apply", idempotent=True)
        case _:
            id = put(client, record, one, body, idempotent=True)
    return confirm(client, record, one, id)


def put(
    client: Wire, record: str, one: Write, body: Record, *, replace: str = "", idempotent: bool = False
) -> str | None:
    """Create or change a record; its internal id where that was known before."""
    if one.external_id is None:
        client.upsert(record, external(one.reference), body, replace=replace, idempotent=idempotent)
        return None
    # by internal id, so that a record linked by hand is updated and not created a second time
    client.update(record, one.external_id, body, replace=replace)
    return one.external_id


def _there(client: Wire, record: str, id: str, what: str, *, expand: bool = True) -> Record:
    seen = client.get(record, id, expand=expand)
    if seen is None:
        raise refusal(f"{what} {id} is gone from NetSuite", code="gone")
    return seen


def _order(client: Wire, one: Write, body: Record) -> str | None:
    known = (
        _there(client, "salesOrder", one.external_id, "sales order")
        if one.external_id
        else client.get("salesOrder", f"eid:{external(one.reference)}", expand=True)
    )
    # not repeated within seconds: after a lost reply the lines must be looked up and numbered first
    return put(client, "salesOrder", one, translate.merged_order(body, known), replace="item")


def _invoice(client: Wire, one: Write, body: Record) -> str | None:
    if one.external_id:
        return _amend(client, "invoice", one.external_id, translate.header(body))
    source = translate.source_id(body)
    if not source:
        raise refusal("createdFrom.id is missing: an invoice is made from a sales order")
    order = _there(client, "salesOrder", source, "sales order")
    taken = translate.portion(body, order, "sales order")
    sent = {**translate.header(body), "externalId": external(one.reference), "item": {"items": taken}}
    return client.transform("salesOrder", source, "invoice", sent)


def _amend(client: Wire, record: str, id: str, wanted: Record) -> str:
    # a posted record is touched only where it differs: its period may be closed by now
    changed = translate.differences(wanted, _there(client, record, id, record, expand=False))
    if changed:
        client.update(record, id, changed)
    return id


def _payment(client: Wire, one: Write, body: Record) -> str | None:
    if one.external_id is None:
        return put(client, "customerPayment", one, body, replace="apply", idempotent=True)
    return _reapply(client, "customerPayment", one.external_id, body)


def _reapply(client: Wire, record: str, id: str, body: Record) -> str:
    """Bring header and applications to what we want, and touch nothing where they are so already."""
    seen = _there(client, record, id, record)
    plain = {key: value for key, value in body.items() if key not in ("apply", "item", "createdFrom")}
    changed = dict(translate.differences(plain, seen))
    if translate.applied(body) != translate.applied(seen):
        changed["apply"] = {"items": translate.reapplied(body, seen)}
    changed.pop("autoApply", None) if set(changed) == {"autoApply"} else None
    if changed:
        client.update(record, id, changed)
    return id


def _credit_memo(client: Wire, one: Write, body: Record) -> str | None:
    """From its invoice where its lines are the invoice's; else by itself, with its own lines."""
    body = {**body, "autoApply": False}  # or NetSuite would settle the oldest invoice with it
    if one.external_id:
        return _reapply(client, "creditMemo", one.external_id, {k: v for k, v in body.items() if k != "item"})
    source = translate.source_id(body)
    invoice = _there(client, "invoice", source, "invoice") if source else None
    if invoice is None or not translate.fits(body, invoice):
        standalone = {key: value for key, value in body.items() if key != "createdFrom"}
        write_off.require_items(standalone)
        return put(client, "creditMemo", one, standalone, replace="item,apply", idempotent=True)
    apply = list(translate.lines_of(body, "apply"))
    if source not in {doc for doc, _ in translate.applied(body)}:
        apply.append({"doc": {"id": source}, "line": 0, "apply": False})
    taken = translate.portion(body, invoice, "invoice")
    sent = {
        **translate.header(body), "externalId": external(one.reference), "item": {"items": taken},
        "apply": {"items": apply},
    }  # fmt: skip
    return client.transform("invoice", source, "creditMemo", sent)


def confirm(client: Wire, record: str, one: Write, id: str | None) -> str:
    """Read back what was written and compare it with the document; returns the internal id."""
    # what is new is read by our reference, which proves that a look-up would find it
    key = one.external_id or f"eid:{external(one.reference)}"
    try:
        seen = client.get(record, key)
    except ConnectorError as error:
        # whatever stopped the reading, the write itself may be done: the outcome is unknown
        raise Transient(f"written, not confirmed: {error}", code=error.code) from error
    if id and (seen is None or str(seen["id"]) != id):
        raise Rejected(f"{record} {id} was written but does not carry external id {key}", code="echo")
    if seen is None:
        raise Transient(f"{record} {key} was written but cannot be found", code="unconfirmed")
    expected: Mapping[str, Any] = one.record.get("expected") or {}
    translate.echo(record, expected, seen)
    return str(seen["id"])

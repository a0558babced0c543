"""Pure conversions: error codes to our error tree, document lines to NetSuite's sublist lines, queries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from hub.sdk import (
    AuthFailed,
    Conflict,
    ConnectorError,
    Invalid,
    RateLimited,
    Record,
    Rejected,
    Reply,
    Transient,
    retry_after,
    verdict,
)

LINE_ID = "custcol_o2c_line_id"  # custom transaction column that carries our line id
BUSY_SECONDS = 2.0  # NetSuite sends no Retry-After; a slot is free as soon as another call ends
IN_MAX = 1000  # Oracle's limit for one IN list
_STAMP = "%Y-%m-%d %H:%M:%S"
_MASK = "YYYY-MM-DD HH24:MI:SS"

# Codes: platform.faultTypes.xsd; 429 body and RESTlet disguise: "Web Services and RESTlet Concurrency
# Governance"; sentences: what the record service really answers for a used external id.
_BUSY = frozenset(
    {
        "CONCURRENCY_LIMIT_EXCEEDED",
        "EXCEEDED_MAX_CONCUR_RQST",
        "SSS_REQUEST_LIMIT_EXCEEDED",
        "WS_CONCUR_SESSION_DISALLWD",
        "WS_REQUEST_BLOCKED",
    }
)
_CHANGED = frozenset({"RCRD_HAS_BEEN_CHANGED", "RCRD_EDITED_SINCE_RETRIEVED", "DUP_RCRD"})
_TAKEN = ("this record already exists", "this entity already exists")
_UNSURE = frozenset({"UNEXPECTED_ERROR"})


class _Told(NamedTuple):
    codes: Sequence[str]
    text: str


def _told(reply: Reply) -> _Told:
    try:
        body = json.loads(reply.body)
        details = [d for d in body["o:errorDetails"] if isinstance(d, dict)]
    except (ValueError, KeyError, TypeError):
        return _Told((), reply.excerpt())
    texts = []
    for one in details:
        where = one.get("o:errorPath") or one.get("o:errorQueryParam") or one.get("o:errorHeader")
        texts.append(f"{one.get('detail', '')}" + (f" [{where}]" if where else ""))
    return _Told([str(one.get("o:errorCode", "")) for one in details], "; ".join(texts))


def classify(reply: Reply) -> ConnectorError | None:
    """What an answer means for us; None for a success."""
    if reply.ok:
        return None
    codes, text = _told(reply)
    code = codes[0] if codes else ""
    request_id = reply.headers.get("x-n-operationid", "")
    kind = _kind(reply.status, codes, text)
    if kind is None:
        return verdict(reply, _hint(reply, text), code=code, request_id=request_id)
    wait = (retry_after(reply.headers) or BUSY_SECONDS) if kind is RateLimited else None
    sent = kind is not RateLimited
    return kind(text, code=code, status=reply.status, request_id=request_id, retry_after=wait, sent=sent)


def _kind(status: int, codes: Sequence[str], text: str) -> type[ConnectorError] | None:
    if status == 429 or _BUSY.intersection(codes):
        return RateLimited
    if any(code.startswith("INVALID_LOGIN") for code in codes):
        return AuthFailed
    if _CHANGED.intersection(codes) or any(sentence in text.lower() for sentence in _TAKEN):
        return Conflict
    if _UNSURE.intersection(codes):
        return Transient
    return None


def _hint(reply: Reply, text: str) -> str:
    if 300 <= reply.status < 400:
        return "NetSuite sent us to another host: check account_id and base_url"
    return text


def lines_of(record: Record, sublist: str = "item") -> Sequence[Mapping[str, Any]]:
    """The lines of a sublist in REST's shape; none where the sublist is missing or links only."""
    part = record.get(sublist)
    found = part.get("items") if isinstance(part, Mapping) else None
    return [line for line in found if isinstance(line, Mapping)] if isinstance(found, list | tuple) else ()


def _sku(line: Mapping[str, Any]) -> str:
    item = line.get("item")
    return str(item["sku"]) if isinstance(item, Mapping) and item.get("sku") else ""


def skus(record: Record) -> Sequence[str]:
    """The distinct SKUs that lines name instead of an item id, in order."""
    return list(dict.fromkeys(sku for line in lines_of(record) if (sku := _sku(line))))


def with_items(record: Record, ids: Mapping[str, str]) -> Record:
    """The record with every `item: {sku}` replaced by `item: {id}`."""
    lines = [{**line, "item": {"id": ids[sku]}} if (sku := _sku(line)) else line for line in lines_of(record)]
    return {**record, "item": {"items": lines}} if "item" in record else record


def literal(text: str) -> str:
    """A SuiteQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def item_queries(wanted: Sequence[str]) -> Iterable[str]:
    """Queries that find items by name, each within Oracle's limit for one list."""
    for start in range(0, len(wanted), IN_MAX):
        names = ", ".join(literal(sku) for sku in wanted[start : start + IN_MAX])
        yield f"SELECT id, itemid FROM item WHERE itemid IN ({names})"  # noqa: S608 - quoted by literal()


def item_ids(wanted: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Mapping[str, str]:
    """SKU to internal id. Raises Rejected for an unknown or ambiguous SKU, naming it."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(str(row.get("itemid")), []).append(str(row["id"]))
    unknown = [sku for sku in wanted if sku not in found]
    if unknown:
        raise _refusal(f"NetSuite has no item named {', '.join(unknown)}: create it or correct the SKU")
    double = [sku for sku in wanted if len(found[sku]) > 1]
    if double:
        raise _refusal(f"NetSuite has several items named {', '.join(double)}: rename all but one")
    return {sku: found[sku][0] for sku in wanted}


def _refusal(message: str, code: str = "mapping") -> Rejected:
    return Rejected(message, code=code, sent=False)


def merged_order(record: Record, known: Record | None) -> Record:
    """The order's body with NetSuite's line numbers, so that a repeat changes lines instead of adding some.

    To be sent with `replace=item`: lines of ours that are gone are removed, lines that people added in
    NetSuite are listed by key only and stay. The order's status is NetSuite's own after creation.
    """
    if known is None:
        return record
    numbers = {str(x[LINE_ID]): x.get("line") for x in lines_of(known) if x.get(LINE_ID)}
    ours = [_numbered(line, numbers) for line in lines_of(record)]
    theirs = [{"line": x.get("line")} for x in lines_of(known) if not x.get(LINE_ID)]
    body = {key: value for key, value in record.items() if key != "orderStatus"}
    return {**body, "item": {"items": [*ours, *theirs]}}


def _numbered(line: Mapping[str, Any], numbers: Mapping[str, Any]) -> Mapping[str, Any]:
    number = numbers.get(str(line.get(LINE_ID)))
    return line if number is None else {**line, "line": number}


def order_id(record: Record) -> str:
    """The sales order an invoice is made from. Raises Rejected where the record names none."""
    created_from = record.get("createdFrom")
    found = created_from.get("id") if isinstance(created_from, Mapping) else None
    if not found:
        raise _refusal("createdFrom.id is missing: an invoice is made from a sales order")
    return str(found)


_INHERITED = frozenset({"createdFrom", "entity", "currency", "subsidiary", "item"})


def header(record: Record) -> Record:
    """The fields of an invoice that are ours to set; the rest comes from the sales order."""
    return {key: value for key, value in record.items() if key not in _INHERITED}


def billing(record: Record, order: Record, reference: str) -> Record:
    """Body of the transform to an invoice: what to bill of each order line, and 0 for every other line.

    A line that is left out of the body is billed in full ("Use Case For Creating Invoices or Cash Sales
    from Your Sales Order"), hence the zeros; a line with nothing left to bill is not offered at all.
    Raises Rejected for a line the sales order does not have.
    """
    wanted: dict[str, Decimal] = {}
    for line in lines_of(record):
        key = str(line.get(LINE_ID) or "")
        wanted[key] = wanted.get(key, Decimal(0)) + decimal(line.get("quantity"), "quantity")
    known = {str(line.get(LINE_ID) or ""): line for line in lines_of(order)}
    missing = [key for key in wanted if not key or key not in known]
    if missing or not wanted:
        named = ", ".join(key or "without a line id" for key in missing) or "none"
        raise _refusal(f"sales order {order.get('id')} has no line for invoice line: {named}")
    billed = [(line.get("line"), wanted.get(str(line.get(LINE_ID) or ""))) for line in lines_of(order)]
    zeros = {line.get("line") for line in lines_of(order) if _left(line)}
    lines = [
        {"orderLine": number, "quantity": quantity or Decimal(0)}
        for number, quantity in billed
        if quantity is not None or number in zeros
    ]
    return {**header(record), "externalId": reference, "item": {"items": lines}}


def _left(line: Mapping[str, Any]) -> bool:
    if line.get("isClosed"):
        return False
    ordered, billed = (decimal(line.get(field) or 0, field) for field in ("quantity", "quantityBilled"))
    return billed < ordered


def differences(wanted: Record, seen: Record) -> Record:
    """The fields of `wanted` that NetSuite does not already have so."""
    return {key: value for key, value in wanted.items() if _plain(value) != _plain(seen.get(key))}


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("id", value))
    if isinstance(value, bool) or value is None:
        return str(value or "")
    if isinstance(value, int | Decimal):
        return f"{Decimal(value).normalize():f}"
    return str(value)


def decimal(value: Any, field: str) -> Decimal:
    """A number as NetSuite writes it. Raises Rejected naming the field for anything else."""
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise _refusal(f"{field} is {value!r}, not a number") from None


def echo(record: str, expected: Mapping[str, Any], seen: Record) -> None:
    """Compare what NetSuite made of a write with the document. Raises Rejected with both figures."""
    where = f"{record} {seen.get('id')}"
    if "total" in expected:
        ours, theirs = decimal(expected["total"], "expected.total"), decimal(seen.get("total"), "total")
        if ours != theirs:
            raise Rejected(f"{where} has total {theirs} in NetSuite, the document says {ours}", code="echo")
    if "currency" in expected:
        theirs_id, theirs_name = _reference(seen.get("currency"))
        if str(expected["currency"]) not in (theirs_id, theirs_name):
            raise Rejected(
                f"{where} has currency {theirs_name or theirs_id or 'none'} in NetSuite, "
                f"the document says {expected['currency']}",
                code="echo",
            )


def _reference(value: Any) -> tuple[str, str]:
    if isinstance(value, Mapping):
        return str(value.get("id", "")), str(value.get("refName", ""))
    return str(value or ""), ""


class Cursor(NamedTuple):
    """Where polling stands: all up to `since` is read; `after` and `until` are set amid a long sweep."""

    since: datetime | None = None
    until: datetime | None = None
    after: tuple[str, int] | None = None  # the account's local time as text, and the id


def load_cursor(text: str | None) -> Cursor:
    """Read a stored cursor. Raises Invalid for one that is not ours."""
    if text is None:
        return Cursor()
    try:
        told = json.loads(text)
        after = (str(told["after"][0]), int(told["after"][1])) if told.get("after") else None
        if after:
            datetime.strptime(after[0], _STAMP)  # noqa: DTZ007 - only its form is checked
        return Cursor(_moment(told.get("since")), _moment(told.get("until")), after)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        raise Invalid("not a NetSuite cursor: clear it to read everything again", field="cursor") from None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def dump_cursor(cursor: Cursor) -> str:
    """The cursor as text to store."""
    moments = {"since": cursor.since, "until": cursor.until}
    told: dict[str, Any] = {key: at.isoformat() for key, at in moments.items() if at}
    return json.dumps({**told, "after": cursor.after} if cursor.after else told)


def stamp(at: datetime, zone: tzinfo) -> str:
    """A moment as SuiteQL compares it: the account's local time, to the second."""
    return at.astimezone(zone).strftime(_STAMP)


def window_start(since: datetime, zone: tzinfo) -> str:
    """Local time from which everything since a moment can be found, even when clocks go back after it.

    In the hour that is repeated in autumn a later change carries an earlier local time.
    """
    offsets = [at.astimezone(zone).utcoffset() or timedelta(0) for at in (since, since + timedelta(hours=2))]
    return stamp(since - max(offsets[0] - offsets[1], timedelta(0)), zone)


def moment(text: Any) -> datetime | None:
    """UTC from a record's own ISO 8601 time; None for what is no time or has no zone."""
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def unstamp(text: str, zone: tzinfo) -> datetime:
    """UTC from a time SuiteQL gave. Raises ValueError for another form."""
    return datetime.strptime(text, _STAMP).replace(tzinfo=zone).astimezone(UTC)


def shipments_query(since: str | None, until: str, after: tuple[str, int] | None) -> str:
    """Item fulfilments changed in a window, in a total order, so that pages neither overlap nor skip."""
    where = ["type = 'ItemShip'", f"lastmodifieddate < {_time(until)}"]
    if after:
        at, last = _time(after[0]), after[1]
        where.append(f"(lastmodifieddate > {at} OR (lastmodifieddate = {at} AND id > {last}))")
    elif since:
        where.append(f"lastmodifieddate >= {_time(since)}")
    # unformatted, SuiteQL gives the date alone, in the user's own date format
    columns = f"id, TO_CHAR(lastmodifieddate, '{_MASK}') AS lastmodified"
    return f"SELECT {columns} FROM transaction WHERE {' AND '.join(where)} ORDER BY lastmodifieddate, id"  # noqa: S608 - parts are our own times and ids


def _time(text: str) -> str:
    return f"TO_TIMESTAMP({literal(text)}, '{_MASK}')"

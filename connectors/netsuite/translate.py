"""Document lines and NetSuite's sublist lines: line keys for changes, quantities for transforms, the echo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.netsuite.answers import refusal
from connectors.netsuite.suiteql import LINE_ID
from hub.sdk import Record, Rejected


def lines_of(record: Record, sublist: str = "item") -> Sequence[Mapping[str, Any]]:
    """The lines of a sublist in REST's shape; none where the sublist is missing or links only."""
    part = record.get(sublist)
    found = part.get("items") if isinstance(part, Mapping) else None
    return [line for line in found if isinstance(line, Mapping)] if isinstance(found, list | tuple) else ()


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


def source_id(record: Record) -> str:
    """The record this one is made from; empty where it names none."""
    created_from = record.get("createdFrom")
    found = created_from.get("id") if isinstance(created_from, Mapping) else None
    return str(found or "")


_INHERITED = frozenset({"createdFrom", "entity", "currency", "subsidiary", "item", "apply"})


def header(record: Record) -> Record:
    """The fields of a transformed record that are ours to set; the rest comes from its source."""
    return {key: value for key, value in record.items() if key not in _INHERITED}


def portion(record: Record, source: Record, what: str) -> Sequence[Mapping[str, Any]]:
    """Lines of a transform: how much of each line of the source, and 0 for every other line.

    A line that is left out of the body is taken in full ("Use Case For Creating Invoices or Cash Sales
    from Your Sales Order"), hence the zeros; a line with nothing left is not offered at all.
    Raises Rejected for a line the source does not have. `what` names the source in messages.
    """
    wanted: dict[str, Decimal] = {}
    for line in lines_of(record):
        key = str(line.get(LINE_ID) or "")
        wanted[key] = wanted.get(key, Decimal(0)) + decimal(line.get("quantity"), "quantity")
    known = {str(line.get(LINE_ID) or ""): line for line in lines_of(source)}
    missing = [key for key in wanted if not key or key not in known]
    if missing or not wanted:
        named = ", ".join(key or "without our line id" for key in missing) or "none"
        raise refusal(f"{what} {source.get('id')} has no line {named}")
    taken = [(line.get("line"), wanted.get(str(line.get(LINE_ID) or ""))) for line in lines_of(source)]
    zeros = {line.get("line") for line in lines_of(source) if _left(line)}
    return [
        {"orderLine": number, "quantity": quantity or Decimal(0)}
        for number, quantity in taken
        if quantity is not None or number in zeros
    ]


def _left(line: Mapping[str, Any]) -> bool:
    if line.get("isClosed"):
        return False
    ordered, billed = (decimal(line.get(field) or 0, field) for field in ("quantity", "quantityBilled"))
    return billed < ordered


def fits(record: Record, source: Record) -> bool:
    """Does each line of ours stand on the source, so that it can be made from it?"""
    known = {str(line.get(LINE_ID)) for line in lines_of(source) if line.get(LINE_ID)}
    ours = [str(line.get(LINE_ID) or "") for line in lines_of(record)]
    return bool(ours) and all(key in known for key in ours)


def applied(record: Record) -> Mapping[tuple[str, int], tuple[Decimal, Decimal]]:
    """Amount and discount of each application of a record, keyed by document and its line."""
    found: dict[tuple[str, int], tuple[Decimal, Decimal]] = {}
    for line in lines_of(record, "apply"):
        if line.get("apply") is True:
            doc = line.get("doc")
            id = str(doc.get("id", "")) if isinstance(doc, Mapping) else str(doc or "")
            parts = (decimal(line.get(name) or 0, name) for name in ("amount", "disc"))
            found[(id, int(line.get("line") or 0))] = tuple(parts)  # type: ignore[assignment]  # two of them
    return found


def reapplied(record: Record, seen: Record) -> Sequence[Mapping[str, Any]]:
    """Apply lines that bring what NetSuite has to what we want: ours, and the others taken back."""
    ours = applied(record)
    gone = [key for key in applied(seen) if key not in ours]
    return [
        *lines_of(record, "apply"),
        *({"doc": {"id": doc}, "line": line, "apply": False} for doc, line in gone),
    ]


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
        raise refusal(f"{field} is {value!r}, not a number") from None


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

"""Which item of NetSuite a line means: by its name (SKU), else by its GTIN."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.netsuite.answers import refusal
from connectors.netsuite.client import Wire
from connectors.netsuite.suiteql import LINE_ID
from connectors.netsuite.translate import lines_of
from hub.sdk import Record


class Asked(NamedTuple):
    """An item as a line of ours names it."""

    sku: str
    gtin: str
    line: str  # our line id, or its place


def _asked(line: Mapping[str, Any], place: int) -> Asked | None:
    item = line.get("item")
    if not isinstance(item, Mapping) or item.get("id"):
        return None
    sku, gtin = str(item.get("sku") or ""), str(item.get("gtin") or "")
    return Asked(sku, gtin, str(line.get(LINE_ID) or place)) if sku or gtin else None


def with_items(client: Wire, record: Record) -> Record:
    """The record with every `item: {sku, gtin}` replaced by `item: {id}`.

    Raises Rejected for an unknown or ambiguous one, naming it and the line.
    """
    lines = lines_of(record)
    asked = [_asked(line, place) for place, line in enumerate(lines, 1)]
    wanted = [one for one in asked if one]
    if not wanted:
        return record
    known = _Known(_rows(client, wanted))
    _refuse(wanted, known)
    made = [
        {**line, "item": {"id": known.of(one)[0]}} if one else line
        for line, one in zip(lines, asked, strict=True)
    ]
    return {**record, "item": {"items": made}}


def _rows(client: Wire, wanted: Sequence[Asked]) -> Iterable[Mapping[str, Any]]:
    skus = list(dict.fromkeys(one.sku for one in wanted if one.sku))
    gtins = list(dict.fromkeys(one.gtin for one in wanted if one.gtin))
    return client.item_rows(skus, gtins)


class _Known:
    """Items found, by name and by GTIN. An inactive one counts only where no active one has the name."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        found = list({str(row["id"]): row for row in rows}.values())
        self._by = {column: _active(found, column) for column in ("itemid", "upccode")}

    def of(self, one: Asked) -> Sequence[str]:
        """Ids of the items a line may mean."""
        named = self._by["itemid"].get(one.sku, ()) if one.sku else ()
        return named or (self._by["upccode"].get(one.gtin, ()) if one.gtin else ())


def _active(rows: Sequence[Mapping[str, Any]], column: str) -> Mapping[str, Sequence[str]]:
    found: dict[str, tuple[list[str], list[str]]] = {}
    for row in rows:
        if row.get(column):
            active, retired = found.setdefault(str(row[column]), ([], []))
            (retired if row.get("isinactive") == "T" else active).append(str(row["id"]))
    return {name: active or retired for name, (active, retired) in found.items()}


def _refuse(wanted: Sequence[Asked], known: _Known) -> None:
    unknown = [one for one in wanted if not known.of(one)]
    if unknown:
        text = f"NetSuite has no item named {_named(unknown)}: create it or correct the SKU"
        raise refusal(text, code="item")
    double = [one for one in wanted if len(known.of(one)) > 1]
    if double:
        text = f"NetSuite has several items named {_named(double)}: rename all but one, or make them inactive"
        raise refusal(text, code="item")


def _named(which: Sequence[Asked]) -> str:
    return ", ".join(f"{one.sku or f'GTIN {one.gtin}'} (line {one.line})" for one in which[:20])

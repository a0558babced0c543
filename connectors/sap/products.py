"""Which material of SAP an order line means: by SKU, then by GTIN."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.sap.client import PRODUCTS, Client
from connectors.sap.translate import any_of
from hub.sdk import Rejected

KEPT_SECONDS = 600.0
KEPT_MAX = 10_000
ASKED_MAX = 40  # names in one filter: addresses over some 8,000 characters are refused
_SELECT = "Product,BaseUnit,ProductStandardID,IsMarkedForDeletion,CrossPlantStatus"


class Wanted(NamedTuple):
    """What a line calls its material."""

    sku: str
    gtin: str = ""


class Products:
    """Look-ups of materials, remembered for ten minutes: they hardly ever change."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[Wanted, tuple[float, str]] = {}

    def find(self, wanted: Iterable[Wanted]) -> Mapping[Wanted, str]:
        """The material of each. Raises Rejected naming those SAP does not have, has twice or has deleted."""
        asked = list(dict.fromkeys(wanted))
        now = time.monotonic()
        fresh = [one for one in asked if one not in self._known or self._known[one][0] < now]
        if len(self._known) > KEPT_MAX:
            self._known.clear()
            fresh = asked
        found = self._ask(fresh) if fresh else {}
        self._known.update((one, (now + KEPT_SECONDS, material)) for one, material in found.items())
        missing = [one.sku for one in fresh if one not in found]
        if missing:
            raise Rejected(
                f"SAP has no material {', '.join(missing)}: create it, or correct SKU or GTIN",
                code="product", sent=False,
            )  # fmt: skip
        return {one: found.get(one) or self._known[one][1] for one in asked}

    def _ask(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, str]:
        by_sku = {str(row.get("Product")): row for row in self._rows("Product", [one.sku for one in wanted])}
        found = {one: _usable(by_sku[one.sku]) for one in wanted if one.sku in by_sku}
        codes = [one.gtin for one in wanted if one not in found and one.gtin]
        by_gtin: dict[str, list[Mapping[str, Any]]] = {}
        for row in self._rows("ProductStandardID", codes):
            by_gtin.setdefault(str(row.get("ProductStandardID")), []).append(row)
        for one in wanted:
            rows = by_gtin.get(one.gtin, []) if one.gtin and one not in found else []
            if len(rows) > 1:
                names = ", ".join(str(row.get("Product")) for row in rows)
                raise Rejected(
                    f"GTIN {one.gtin} belongs to several materials: {names}", code="product", sent=False
                )
            if rows:
                found[one] = _usable(rows[0])
        return found

    def _rows(self, field: str, values: Sequence[str]) -> Iterable[Mapping[str, Any]]:
        for start in range(0, len(values), ASKED_MAX):
            part = values[start : start + ASKED_MAX]
            query = {"$filter": any_of(field, part), "$select": _SELECT}
            yield from self._client.rows(PRODUCTS, "A_Product", query)


def _usable(row: Mapping[str, Any]) -> str:
    material = str(row.get("Product"))
    if row.get("IsMarkedForDeletion"):
        raise Rejected(f"material {material} is marked for deletion in SAP", code="product", sent=False)
    return material

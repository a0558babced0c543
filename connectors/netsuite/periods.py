"""Accounting periods: which one a posting goes to when that of its date is closed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.netsuite import suiteql
from connectors.netsuite.client import Wire

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MONTHS = "isquarter = 'F' AND isyear = 'F' AND isinactive = 'F'"
_OPEN = f"{_MONTHS} AND closed = 'F' AND arlocked = 'F' AND alllocked = 'F'"


def _query(where: str) -> str:
    return suiteql.select("id, periodname", "accountingperiod", where, "startdate, id")


def next_open(client: Wire, day: str) -> Mapping[str, Any] | None:
    """The first period at or after a business date that is open for receivables, as a reference."""
    if not _DAY.fullmatch(day):
        return None
    rows = client.query(_query(f"{_OPEN} AND enddate >= TO_DATE('{day}', 'YYYY-MM-DD')"), limit=1).items
    return {"id": str(rows[0]["id"])} if rows else None


def is_open(client: Wire, day: str) -> bool:
    """May something be posted on this day? A day without any period counts as closed."""
    within = f"startdate <= TO_DATE('{day}', 'YYYY-MM-DD') AND enddate >= TO_DATE('{day}', 'YYYY-MM-DD')"
    return bool(client.query(_query(f"{_OPEN} AND {within}"), limit=1).items)

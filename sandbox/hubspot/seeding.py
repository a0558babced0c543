"""Fills an account with very many deals at once, for measurements: in seconds, and in little memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sandbox.hubspot import catalog
from sandbox.hubspot.portal import OBJECTS_MAX, Portal
from sandbox.hubspot.records import Layout, Stored, iso

_COMPANY = ("name", "domain", "country", "city")
_DEAL = (
    "dealname",
    "amount",
    "dealstage",
    "pipeline",
    "closedate",
    "deal_currency_code",
    "hs_is_closed",
    "hs_is_closed_won",
)
_LINE = ("name", "hs_sku", "quantity", "price", "amount", "hs_position_on_quote")


class Seeded(NamedTuple):
    """Ids of what was seeded, in the order it was created."""

    companies: Sequence[str]
    deals: Sequence[str]
    lines: int


def fill(
    portal: Portal, *, deals: int, companies: int, lines_per_deal: int, won: float, apart: float
) -> Seeded:
    """Companies, deals and lines. Raises ValueError for more than the account holds."""
    counts = (deals, companies, deals * lines_per_deal)
    if max(counts) > OBJECTS_MAX or min(counts) < 0:
        raise ValueError(f"between 0 and {OBJECTS_MAX} objects of each type")
    now = portal.now().replace(microsecond=0)
    start = now - timedelta(seconds=deals * apart)
    owned = _companies(portal, companies, start)
    made = _deals(portal, deals, start, won=won, apart=apart, each=lines_per_deal)
    lines = _lines(portal, deals, lines_per_deal, start)
    ends = [[lines[at * lines_per_deal + n].id for n in range(lines_per_deal)] for at in range(deals)]
    pairs = list(zip((one.id for one in made), ends, strict=True))
    if lines_per_deal:
        portal.links.fill("deals", "line_items", pairs, primary=False)
    if owned:
        ties = [(one.id, (owned[at % len(owned)].id,)) for at, one in enumerate(made)]
        portal.links.fill("deals", "companies", ties, primary=True)
    return Seeded([one.id for one in owned], [one.id for one in made], len(lines))


def _keep(
    portal: Portal, kind: str, times: Sequence[datetime], rows: Sequence[tuple[str, ...]]
) -> list[Stored]:
    names = {"companies": _COMPANY, "deals": _DEAL, "line_items": _LINE}[kind]
    own = catalog.TYPES[kind]
    layout = Layout(own.created, own.changed, {name: at for at, name in enumerate(names)})
    made = []
    for at, row in zip(times, rows, strict=True):
        one = Stored(str(next(portal.ids)), kind, at, at)
        one.pack(layout, row)
        made.append(one)
    portal.objects[kind].update((one.id, one) for one in made)
    portal.indexes[kind].fill(made)
    return made


def _companies(portal: Portal, count: int, start: datetime) -> list[Stored]:
    rows = [(f"Company {n}", f"c{n}.test", "Germany", "Berlin") for n in range(1, count + 1)]
    return _keep(portal, "companies", [start] * count, rows)


def _deals(
    portal: Portal, count: int, start: datetime, *, won: float, apart: float, each: int
) -> list[Stored]:
    closed = iso(start)
    amount = f"{sum(10 * n * n for n in range(1, each + 1)) or 100}.00"  # what its lines come to
    done = ("closedwon", "default", closed, "USD", "true", "true")
    open_ = ("appointmentscheduled", "default", "", "USD", "false", "false")
    rows = [
        (f"Deal {n}", amount, *(done if n * won // 1 > (n - 1) * won // 1 else open_))
        for n in range(1, count + 1)
    ]
    return _keep(portal, "deals", [start + timedelta(seconds=n * apart) for n in range(1, count + 1)], rows)


def _lines(portal: Portal, deals: int, each: int, start: datetime) -> list[Stored]:
    places = [
        (f"Item {n}", f"SKU-{n}", str(n), f"{10 * n}.00", f"{10 * n * n}", str(n)) for n in range(1, each + 1)
    ]
    return _keep(portal, "line_items", [start] * (deals * each), [*places] * deals)

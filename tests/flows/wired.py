"""How a hub of the small world is wired to ERPs: their mappings and routes as they are shipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hub.catalog import files
from hub.mapping import compile_mapping, load, loads
from hub.process import REACTIONS
from hub.registry import Live
from hub.routes import Route, load_routes, target
from tests.world import MAPPINGS, ROOT

SELLERS = {"netsuite": "US", "sap": "WEST"}


def with_seller(live: dict[str, Any]) -> None:
    """The CRM of the small world says who sells, where it is asked to."""
    text = MAPPINGS["crm", "order", "in"].replace(
        "  customer: {", "  seller: { from: seller, optional: true }\n  customer: {", 1
    )
    crm = live["crm"]
    ways = {"order": text, "customer": _of_customers()}
    made = {kind: compile_mapping(loads(one, name="crm")) for kind, one in ways.items()}
    live["crm"] = replace(crm, inbound={**crm.inbound, **made})


def _of_customers() -> str:
    """The mapping of the small world, with the currency a customer buys in."""
    text = MAPPINGS["crm", "customer", "in"].replace('"USD")', 'COALESCE(currency, "USD"))')
    named = "  name: { from: name }\n"
    return text.replace(named, f"{named}  currency: {{ from: currency, optional: true }}\n", 1)


def routes_for(small: Mapping[str, Sequence[Any]], names: Sequence[str], *, several: bool) -> dict[str, Any]:
    """The routes as they are shipped, for these ERPs; with several, each hears of its own seller's."""
    shipped = load_routes(ROOT / "config" / "routes.yaml", list(REACTIONS))
    routes: dict[str, Any] = {event: [one for one in told if one == "crm"] for event, told in small.items()}
    for event, told in shipped.items():
        mine = [name for name in map(target, told) if name in names]
        if several and event == "customer.received":
            continue
        if several and not event.startswith("customer."):
            mine = [Route(name, frozenset({SELLERS[name]})) for name in mine]
        routes[event] = [*routes.get(event, ()), *mine]
    return routes


def live_with(name: str, connector: Any, tables: Mapping[str, Mapping[str, str]]) -> Live:
    """A connection with the mappings that are shipped."""
    ways: dict[str, dict[str, Any]] = {"in": {}, "out": {}}
    for slot, path in files(ROOT / "mappings", name, name).items():
        ways[slot.direction][slot.kind] = compile_mapping(load(path).with_tables(tables))
    return Live(name, connector, ways["in"], ways["out"], 1, 0.0, True)

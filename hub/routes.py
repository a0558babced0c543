"""Who hears of what: config/routes.yaml, checked against the process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from hub.errors import Invalid


class Route(NamedTuple):
    """A connection that hears only of documents of some sellers."""

    to: str
    sellers: frozenset[str]


Routes = Mapping[str, Sequence["str | Route"]]
"""Event name to connections: a plain name hears of every seller's documents."""


def load_routes(path: Path, events: Sequence[str], sellers: Sequence[str] = ()) -> Routes:
    """Event name to connections. Raises Invalid naming the event that does not exist, or what is wrong in it.

    `sellers`: the codes of policies.yaml; empty: any code is taken.
    """
    try:
        found = yaml.safe_load(path.read_text("utf-8")) or {}
    except FileNotFoundError:
        raise Invalid(f"{path} is missing; copy it from the distribution's config folder") from None
    except yaml.YAMLError as error:
        raise Invalid(f"{path} is not YAML: {error}") from None
    if not isinstance(found, dict):
        raise Invalid(f"{path} must map event names to lists of connections")
    for event, entries in found.items():
        if event not in events:
            raise Invalid(
                f"{path}: no event is called {event!r}; known are {', '.join(events)}", field=str(event)
            )
        if not isinstance(entries, list):
            raise Invalid(f"{path}: {event} must be a list of connection names", field=event)
    return {
        event: [_entry(one, f"{path}: {event}", event, sellers) for one in entries]
        for event, entries in found.items()
    }


def _entry(one: Any, place: str, event: str, sellers: Sequence[str]) -> str | Route:
    if isinstance(one, str):
        return one
    if not isinstance(one, dict) or set(one) != {"to", "seller"} or not isinstance(one["to"], str):
        raise Invalid(
            f"{place}: {one!r} is neither a connection's name nor {{to: name, seller: [codes]}}", field=event
        )
    codes = [one["seller"]] if isinstance(one["seller"], str) else one["seller"]
    if not isinstance(codes, list) or not codes or not all(isinstance(code, str) for code in codes):
        raise Invalid(
            f"{place}: seller of {one['to']} must be a list of codes; put codes such as NO in quotes",
            field=event,
        )
    unknown = [code for code in codes if sellers and code not in sellers]
    if unknown:
        known = ", ".join(sellers)
        raise Invalid(f"{place}: no seller is called {unknown[0]!r}; policies.yaml has {known}", field=event)
    return Route(one["to"], frozenset(codes))


def target(entry: str | Route) -> str:
    """The connection of an entry."""
    return entry if isinstance(entry, str) else entry.to


def lets_through(entry: str | Route, seller: str) -> bool:
    """Does the connection hear of this seller's documents? Those without a seller it does not."""
    return isinstance(entry, str) or seller in entry.sellers

"""Lists: newest first, in pages by starting_after or ending_before, filtered by time and by fields."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sandbox.stripe.account import Account, Thing
from sandbox.stripe.refusals import invalid, missing

DEFAULT = 10
_COMPARE = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def within(span: Mapping[str, int] | None, value: int | None) -> bool:
    """Is a time within `created[gte]=...`?"""
    if not span:
        return True
    return value is not None and all(_COMPARE[name](value, bound) for name, bound in span.items())


def page(
    account: Account,
    kind: str,
    given: Mapping[str, Any],
    url: str,
    *,
    fits: Callable[[Any], bool] = lambda thing: True,
    look: Callable[[str], Any] | None = None,
    among: list[Thing] | None = None,
) -> Thing:
    """One page of a kind; `among` the objects an index has found, oldest first, where it could."""
    limit = given.get("limit", DEFAULT)
    after, until = given.get("starting_after"), given.get("ending_before")
    if after and until:
        raise invalid("You may only specify one of these parameters: starting_after, ending_before.")
    try:
        if among is not None:
            source = _among(among, after, until)
        else:
            source = map(look or account.things.__getitem__, _shelf(account, kind, after, until))
    except KeyError:
        param = "starting_after" if after else "ending_before"
        raise missing(kind, after or until or "", param, status=400) from None
    found = _first(source, fits, limit + 1)
    shown = found[:limit]
    return {
        "object": "list",
        "data": shown[::-1] if until else shown,
        "has_more": len(found) > limit,
        "url": url,
    }


def _shelf(account: Account, kind: str, after: str | None, until: str | None) -> Iterator[str]:
    shelf = account.shelves[kind]
    return shelf.newer_than(until) if until else shelf.older_than(after or "")


def _among(things: list[Thing], after: str | None, until: str | None) -> Iterator[Thing]:
    places = {one["id"]: at for at, one in enumerate(things)}
    if until:
        return iter(things[places[until] + 1 :])
    return reversed(things[: places[after]] if after else things)


def _first(things: Iterable[Any], fits: Callable[[Any], bool], count: int) -> list[Any]:
    found: list[Any] = []
    for one in things:
        if fits(one):
            found.append(one)
            if len(found) == count:
                break
    return found

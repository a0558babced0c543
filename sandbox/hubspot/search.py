"""The search endpoint's language: filter groups, one sort, offsets as text, and its limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.hubspot import catalog
from sandbox.hubspot.portal import Stored, moment
from sandbox.hubspot.refusals import invalid

CAP = 10_000
Comparable = Decimal | datetime | str


class Filter(BaseModel):
    """One condition (`Filter` of the object specifications)."""

    model_config = ConfigDict(extra="forbid")
    propertyName: str
    operator: str
    value: str | None = None
    highValue: str | None = None
    values: list[str] | None = None


class Group(BaseModel):
    """Conditions that must all hold."""

    model_config = ConfigDict(extra="forbid")
    filters: list[Filter] = Field(max_length=6)


class Sort(BaseModel):
    """The form of a sort that the documentation shows; the specification has plain names."""

    propertyName: str
    direction: str = "ASCENDING"


class Question(BaseModel):
    """A search request (`PublicObjectSearchRequest`)."""

    model_config = ConfigDict(extra="forbid")
    filterGroups: list[Group] = Field(default=[], max_length=5)
    sorts: list[str | Sort] = Field(default=[], max_length=1)
    query: str = Field(default="", max_length=3000)
    properties: list[str] = []
    limit: int = Field(default=10, ge=0, le=200)
    after: str = "0"


def parse(body: Any) -> Question:
    """Raises Refused 400 for too many filters, too large a page, or an offset over 10,000."""
    try:
        question = Question.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise invalid(f"Invalid input JSON, {where}: {first['msg']}") from None
    if sum(len(group.filters) for group in question.filterGroups) > 18:
        raise invalid("Too many filters: at most 18 in all filter groups")
    if not question.after.isdigit():
        raise invalid("after must be an integer offset")
    if int(question.after) + question.limit > CAP:
        raise invalid("The maximum number of results that can be paged through is 10000")
    return question


def run(
    question: Question, objects: Sequence[Stored], known: Mapping[str, catalog.Property]
) -> tuple[int, list[Stored], str | None]:
    """Total, the page, and the offset of the next page as text."""
    tests = [[_test(one, known) for one in group.filters] for group in question.filterGroups]
    found = [one for one in objects if not tests or any(all(t(one) for t in group) for group in tests)]
    if question.query:
        found = [one for one in found if question.query.lower() in " ".join(one.properties.values()).lower()]
    for sort in question.sorts:
        name, descending = _direction(sort)
        found.sort(key=partial(_rank, known=_known(known, name)), reverse=descending)
    start = int(question.after)
    end = start + question.limit
    return len(found), found[start:end], str(end) if end < len(found) else None


def _direction(sort: str | Sort) -> tuple[str, bool]:
    if isinstance(sort, Sort):
        return sort.propertyName, sort.direction == "DESCENDING"
    return sort.removeprefix("-"), sort.startswith("-")


def _known(known: Mapping[str, catalog.Property], name: str) -> catalog.Property:
    if name not in known:
        raise invalid(f"There was a problem with the request: property {name} does not exist")
    return known[name]


def _rank(one: Stored, known: catalog.Property) -> tuple[bool, Any]:
    value = _value(one.properties.get(known.name), known)
    return (value is not None, value)


def _value(text: str | None, known: catalog.Property) -> Comparable | None:
    if not text:
        return None
    if known.type == "number":
        return Decimal(text)
    if known.type in ("date", "datetime"):
        return moment(text)
    return text.lower()


def _test(one: Filter, known: Mapping[str, catalog.Property]) -> Callable[[Stored], bool]:
    definition = _known(known, one.propertyName)
    if one.operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return lambda stored: bool(stored.properties.get(definition.name)) == (one.operator == "HAS_PROPERTY")
    if one.operator in ("IN", "NOT_IN"):
        wanted = {_value(value, definition) for value in one.values or ()}
        return lambda stored: (_own(stored, definition) in wanted) == (one.operator == "IN")
    limit, high = _value(one.value, definition), _value(one.highValue, definition)
    if limit is None or (one.operator == "BETWEEN" and high is None):
        raise invalid(f"operator {one.operator} on {one.propertyName} requires a value")
    return partial(_compare, definition=definition, operator=one.operator, limit=limit, high=high)


def _own(stored: Stored, definition: catalog.Property) -> Comparable | None:
    return _value(stored.properties.get(definition.name), definition)


def _compare(stored: Stored, definition: catalog.Property, operator: str, limit: Any, high: Any) -> bool:
    own: Any = _own(stored, definition)
    if own is None:
        return operator == "NEQ"
    answers = {
        "EQ": own == limit,
        "NEQ": own != limit,
        "GT": own > limit,
        "GTE": own >= limit,
        "LT": own < limit,
        "LTE": own <= limit,
        "BETWEEN": high is not None and limit <= own <= high,
        "CONTAINS_TOKEN": str(limit).strip("*") in str(own),
        "NOT_CONTAINS_TOKEN": str(limit).strip("*") not in str(own),
    }
    if operator not in answers:
        raise invalid(f"Invalid operator {operator}")
    return bool(answers[operator])

"""The search endpoint's language: filter groups, one sort, offsets as text, and its limits."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.hubspot.refusals import invalid

CAP = 10_000
FILTERS_MAX = 18  # in all groups together
VALUES_MAX = 100  # of one IN
_COMPARING = ("EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN")
_OTHERS = ("HAS_PROPERTY", "NOT_HAS_PROPERTY", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN")
OPERATORS = frozenset({*_COMPARING, *_OTHERS})


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
    direction: str = Field(default="ASCENDING", pattern="^(ASCENDING|DESCENDING)$")


class Question(BaseModel):
    """A search request (`PublicObjectSearchRequest`)."""

    model_config = ConfigDict(extra="forbid")
    filterGroups: list[Group] = Field(default=[], max_length=5)
    sorts: list[str | Sort] = Field(default=[], max_length=1)
    query: str = Field(default="", max_length=3000)
    properties: list[str] = []
    limit: int = Field(default=10, ge=0, le=200)
    after: str = "0"

    def order(self) -> tuple[str, bool] | None:
        """The property to sort by, and whether downwards."""
        for sort in self.sorts:
            if isinstance(sort, Sort):
                return sort.propertyName, sort.direction == "DESCENDING"
            return sort.removeprefix("-"), sort.startswith("-")
        return None

    def essence(self) -> str:
        """What decides which objects are found, without the page."""
        return self.model_dump_json(include={"filterGroups", "sorts", "query"})


def parse(body: Any) -> Question:
    """Raises Refused 400 for too many filters, too large a page, or an offset over 10,000."""
    try:
        question = Question.model_validate(_lenient(body))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise invalid(f"Invalid input JSON, {where}: {first['msg']}") from None
    filters = [one for group in question.filterGroups for one in group.filters]
    if len(filters) > FILTERS_MAX:
        raise invalid(f"Too many filters: at most {FILTERS_MAX} in all filter groups")
    for one in filters:
        _check(one)
    if not question.after.isdigit():
        raise invalid("after must be an integer offset")
    if int(question.after) + question.limit > CAP:
        raise invalid(f"The maximum number of results that can be paged through is {CAP}")
    return question


def _lenient(body: Any) -> Any:
    """Clients send null for what they leave out, and an empty `after` for the first page."""
    if not isinstance(body, dict):
        return body
    kept = {name: value for name, value in body.items() if value is not None}
    return kept if kept.get("after") != "" else {**kept, "after": "0"}


def _check(one: Filter) -> None:
    if one.operator not in OPERATORS:
        raise invalid(f"Invalid operator {one.operator}: one of {', '.join(sorted(OPERATORS))}")
    if one.operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return
    if one.operator in ("IN", "NOT_IN"):
        if not one.values or len(one.values) > VALUES_MAX:
            raise invalid(f"operator {one.operator} on {one.propertyName} takes 1 to {VALUES_MAX} values")
        return
    if not one.value or (one.operator == "BETWEEN" and not one.highValue):
        raise invalid(f"operator {one.operator} on {one.propertyName} requires a value")

"""What goes in and out of the API about mappings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from hub.api.shapes import Shape
from hub.versions import TEXT_MAX

TRIED_MAX = 1_000  # records of one back-test in one request; `o2c mapping backtest` takes more
PREVIEWED_MAX = 50  # a preview explains every field: the newest so many
Direction = Literal["in", "out"]
Reason = Annotated[str, Field(max_length=1_000)]
Text = Annotated[str, Field(min_length=1, max_length=TEXT_MAX, description="the YAML of the mapping")]


class FindingOut(Shape):
    """A fault: where, what, and what to do."""

    line: int
    column: int
    message: str
    remedy: str
    severity: Literal["error", "warning"]


class MappingOut(Shape):
    """A mapping in force."""

    connection: str
    kind: str
    direction: Direction
    mapping: str = Field(description="what it translates, and its version")
    origin: Literal["version", "file"]
    place: str
    version_id: str = Field(description="empty for a file")
    faults: int


class VersionOut(Shape):
    """A version of a mapping."""

    id: str
    connection: str
    kind: str
    direction: Direction
    version: int
    state: Literal["draft", "active", "retired"]
    author: str
    reason: str
    created_at: datetime
    activated_by: str | None
    activated_at: datetime | None
    retired_at: datetime | None


class VersionDetail(VersionOut):
    """A version with its text."""

    text: str
    content: Mapping[str, Any] | None = Field(description="the text as JSON; null where it cannot be read")
    findings: Sequence[FindingOut]
    notes: Sequence[str] = Field(description="what could not be checked, and why")


class MappingDetail(MappingOut):
    """A mapping in force with its text, and all its versions."""

    text: str
    content: Mapping[str, Any] | None
    findings: Sequence[FindingOut]
    notes: Sequence[str]
    versions: Sequence[VersionOut]


class DraftIn(Shape):
    """A new text, as YAML or as JSON; JSON is written into the text in force, whose comments stay."""

    text: Text | None = None
    content: Mapping[str, Any] | None = None
    reason: Reason = ""


class CheckIn(Shape):
    """A text to look at; nothing is kept."""

    text: Text


class CheckOut(Shape):
    """What is to be said about it."""

    sound: bool
    findings: Sequence[FindingOut]
    notes: Sequence[str]


class TryIn(Shape):
    """What to try: a text, or a version; else what is in force. On the last records, or on one given here."""

    text: Text | None = None
    version_id: Annotated[str, Field(max_length=36)] = ""
    last: Annotated[int, Field(ge=1, le=TRIED_MAX)] = 10
    record: Mapping[str, Any] | Annotated[str, Field(max_length=TEXT_MAX)] | None = Field(
        default=None,
        description="as JSON, or as a text that holds it, so that numbers keep every digit",
    )


class InputOut(Shape):
    """A value that was read."""

    path: str
    value: Any


class OriginOut(Shape):
    """Where one field comes from."""

    target: str
    value: Any
    rule: str
    inputs: Sequence[InputOut]
    formula: str
    via: Sequence[str]
    condition: str
    mapping: str
    file: str
    line: int


class FailedOut(Shape):
    """A field without a value, and why."""

    field: str
    reason: str
    inputs: Sequence[InputOut]
    line: int
    waits: bool = Field(description="what it refers to is not there yet; nothing is wrong")


class SkippedOut(Shape):
    """A field that was left out, and why."""

    target: str
    reason: str


class PreviewOut(Shape):
    """What a mapping makes of one record."""

    external_id: str
    document_id: str
    applies: bool
    record: Mapping[str, Any]
    document: Mapping[str, Any] | None
    problem: str
    origins: Sequence[OriginOut]
    skipped: Sequence[SkippedOut]
    failed: Sequence[FailedOut]


class ExampleOut(Shape):
    """One field of one record, before and after."""

    external_id: str
    before: Any
    after: Any


class FieldChange(Shape):
    """A field that differs."""

    field: str
    records: int
    examples: Sequence[ExampleOut]


class OutcomeOut(Shape):
    """How many records went from one outcome to another."""

    before: str
    after: str
    records: int


class BackTestOut(Shape):
    """What would change if the candidate were in force."""

    candidate: str
    current: str
    compared: int
    same: int
    different: int
    outcomes: Sequence[OutcomeOut]
    fields: Sequence[FieldChange]
    reasons: Mapping[str, int] = Field(description="why it refuses or waits where the other did not")
    systems: Mapping[str, int] = Field(description="who would be told, and of how many documents")
    too_late: Mapping[str, int] = Field(description="fields that are agreed already in so many documents")
    records: Sequence[str] = Field(description="the records that differ, the first thousand")


class ReplayIn(Shape):
    """Documents to be made or sent again with the version in force."""

    documents: Annotated[Sequence[str], Field(min_length=1, max_length=1_000)]


class Replayed(Shape):
    """How many will be; and those that nothing is known of."""

    replayed: int
    unknown: Sequence[str]


class RolledBack(Shape):
    """What is in force again."""

    now: str


class TableOut(Shape):
    """The entries of a table that belongs to this hub."""

    name: str
    entries: Mapping[str, Any]


class TableIn(Shape):
    """New entries."""

    entries: Annotated[Mapping[str, str | int | bool], Field(max_length=20_000)]


class SourceOut(Shape):
    """The record a value came from."""

    connection: str
    kind: str
    external_id: str
    delivery: str
    at: datetime
    mapping: str
    exact: bool = Field(description="false: its version is gone, the one in force explains")


class FieldLineage(Shape):
    """Where a field of a document comes from."""

    field: str
    value: Any
    how: Literal["mapped", "default", "hub"]
    source: SourceOut | None
    origin: OriginOut | None
    event: str
    actor: str
    at: datetime | None


class SentLineage(Shape):
    """What a connection is told of a document, field by field."""

    connection: str
    external_id: str
    version_sent: int
    version_now: int
    mapping: str
    fields: Sequence[OriginOut]
    problem: str


class LineageOut(Shape):
    """Where everything about a document comes from, and where it went."""

    document_id: str
    kind: str
    version: int
    fields: Sequence[FieldLineage]
    sent: Sequence[SentLineage]

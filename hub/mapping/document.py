"""The model of a mapping file: its header, its rules and its tables, each rule with its place in the YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, model_validator

from hub.mapping.conversions import Conversion, parse_conversion
from hub.mapping.finding import GrammarError, Place, nearest
from hub.mapping.language import parse_formula
from hub.mapping.nodes import Node, Path
from hub.mapping.source import parse_path
from hub.mapping.values import shown
from hub.model import KINDS

LEVELS_MAX = 10  # objects within objects in one dotted target

_HEADER = re.compile(r"([\w.\-/]+) -> ([\w.\-/]+)").fullmatch
_TARGET = re.compile(r"[^.\s\[\]{}'\"]+(\.[^.\s\[\]{}'\"]+)*").fullmatch
_ORIGINS = frozenset({"from", "formula", "value"})
RULE_KEYS = frozenset({"from", "formula", "value", "via", "default", "optional", "each", "fields", "when"})
MAPPING_KEYS = frozenset({"mapping", "version", "when", "fields", "tables", "local", "owns"})
_EACH_KEYS = frozenset({"each", "via", "fields", "optional", "when"})


def _formula(written: object) -> Node:
    return parse_formula("true" if written is True else "false" if written is False else written)


def _steps(written: object) -> tuple[Conversion, ...]:
    return tuple(parse_conversion(step) for step in (written if isinstance(written, list) else [written]))


def _target(written: object) -> str:
    if not isinstance(written, str) or not _TARGET(written):
        raise GrammarError(f"{shown(written)} is not a target field", remedy="write names joined by dots")
    if written.count(".") >= LEVELS_MAX:
        raise GrammarError(f"{shown(written)} is more than {LEVELS_MAX} levels deep")
    return written


def _scalar(written: object) -> Any:
    if isinstance(written, dict | list) or written is None:
        raise GrammarError("an entry of a table is a single value", remedy="write for example NET30")
    return written


Formula = Annotated[Node, PlainValidator(_formula)]
Target = Annotated[str, PlainValidator(_target)]


class Marks(NamedTuple):
    """Where a rule stands: its name, and each of its keys' values."""

    rule: Place
    keys: Mapping[str, Place]

    def at(self, key: str, offset: int = 0) -> Place:
        """Place of a key's value, `offset` characters into it; the rule's own where the key is not given."""
        place = self.keys.get(key)
        return Place(place.line, place.column + offset) if place else self.rule


class Rule(BaseModel):
    """How one target field gets its value, or, with `fields`, how an object or a list of them does."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    marks: Marks
    source: Annotated[Path | None, PlainValidator(parse_path)] = Field(default=None, alias="from")
    formula: Formula | None = None
    value: Any = None
    via: Annotated[tuple[Conversion, ...], PlainValidator(_steps)] = ()
    default: Any = None
    optional: Annotated[bool, Field(strict=True)] = False
    each: Annotated[Path | None, PlainValidator(parse_path)] = None
    fields: dict[Target, Rule] = {}
    when: Formula | None = None

    @property
    def place(self) -> Place:
        """Line and column of the rule."""
        return self.marks.rule

    @property
    def has_value(self) -> bool:
        """Does the rule give a constant?"""
        return "value" in self.model_fields_set

    @property
    def has_default(self) -> bool:
        """Does the rule say what to use where there is no value?"""
        return "default" in self.model_fields_set

    @property
    def certain(self) -> bool:
        """Does the field always get a value, or else the record fails?"""
        if self.each is not None:
            return not self.optional
        if self.fields:
            return self.when is None and any(rule.certain for rule in self.fields.values())
        return self.when is None and (self.has_default or not self.optional)

    @model_validator(mode="after")
    def _one_origin(self) -> Rule:
        given = self.model_fields_set - {"marks"}
        keys = {"from" if key == "source" else key for key in given}
        origins = sorted(keys & _ORIGINS)
        if "each" in keys or "fields" in keys:
            _check_group(keys)
        elif len(origins) != 1:
            told = f"{' and '.join(origins)} exclude each other" if origins else "no from, formula or value"
            remedy = (
                "keep one of them" if origins else "say where the value comes from, for example from: amount"
            )
            raise GrammarError(told, remedy=remedy)
        return self


def _check_group(keys: set[str]) -> None:
    extra = sorted(keys - _EACH_KEYS) if "each" in keys else sorted(keys - {"fields", "when"})
    if "fields" not in keys:
        raise GrammarError("each without fields", remedy="add fields: for the items of the list")
    if extra:
        raise GrammarError(f"'{extra[0]}' does not go with fields", remedy="put it on the fields themselves")


class MappingDocument(BaseModel):
    """One mapping file: from a vendor's record to a canonical kind (`in`), or the other way round (`out`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str = ""  # the file, for messages
    marks: Marks
    mapping: str
    version: Annotated[int, Field(ge=1, strict=True)] = 1
    when: Formula | None = None
    fields: Annotated[dict[Target, Rule], Field(min_length=1)]
    tables: dict[str, dict[str, Annotated[Any, PlainValidator(_scalar)]]] = {}
    local: tuple[str, ...] = ()  # tables whose entries belong to a hub: an import never overwrites them
    owns: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The mapping and its version, as documents remember them."""
        return f"{self.mapping} v{self.version}"

    def with_tables(self, entries: Mapping[str, Mapping[str, Any]]) -> MappingDocument:
        """The same mapping with the entries that a hub has for its local tables."""
        own = {name: dict(entries[name]) for name in self.local if name in entries}
        return self.model_copy(update={"tables": {**self.tables, **own}}) if own else self

    @property
    def source(self) -> str:
        """What is read: `hubspot.deal`, or a canonical kind."""
        return self.mapping.split(" -> ")[0]

    @property
    def target(self) -> str:
        """What is made: a canonical kind, or `netsuite.salesOrder`."""
        return self.mapping.split(" -> ")[1]

    @property
    def direction(self) -> Literal["in", "out"]:
        """`in` where the target is canonical; the canonical side is the one without a dot."""
        return "out" if "." in self.target else "in"

    @property
    def kind(self) -> str:
        """The canonical kind this mapping reads or makes."""
        return self.target if self.direction == "in" else self.source

    @model_validator(mode="after")
    def _known_sides(self) -> MappingDocument:
        if not _HEADER(self.mapping):
            remedy = "write for example hubspot.deal -> order, or order -> netsuite.salesOrder"
            raise GrammarError(f"'{self.mapping}' is not <source> -> <target>", remedy=remedy)
        if ("." in self.source) == ("." in self.target):
            raise GrammarError(
                f"'{self.mapping}': one side is vendor.object, the other a canonical kind",
                remedy=nearest("", KINDS),
            )
        if self.kind not in KINDS:
            raise GrammarError(f"unknown kind '{self.kind}'", remedy=nearest(self.kind, KINDS))
        return self

    def rules(self) -> Iterator[tuple[tuple[str, ...], Rule]]:
        """Every rule with the targets that lead to it, outer ones first."""
        yield from _rules((), self.fields)


def _rules(above: tuple[str, ...], fields: Mapping[str, Rule]) -> Iterator[tuple[tuple[str, ...], Rule]]:
    for target, rule in fields.items():
        yield (*above, target), rule
        yield from _rules((*above, target), rule.fields)

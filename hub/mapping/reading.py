"""Reading the YAML of a mapping: plain values, and for each of them the line and column it stands at.

Stricter than YAML 1.1 where that guesses: only `true` and `false` are bools (Norway's code NO stays text),
numbers with leading zeros and dates stay text, numbers with a point are Decimal. No tags, no aliases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import yaml

from hub.mapping.finding import Finding, Place, nearest

BYTES_MAX = 256 * 1024
DEPTH_MAX = 20

Location = tuple[str | int, ...]
"""Keys and positions from the top of the file to a value."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,99})").fullmatch
_EXACT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+").fullmatch
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "value")
)
_TAG_MAP, _TAG_SEQ = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"

_QUOTE = "put text with , : # [ ] { } in quotes"
# What YAML's parser says, in words for somebody who has never heard of it.
_PROBLEMS = {
    "tab": ("a tab is used to indent", "use spaces"),
    "found character that cannot start any token": (
        "text begins with a sign such as @ or %",
        "put it in quotes",
    ),
    "mapping values are not allowed in this context": (
        "there is a ':' too many, or the line is indented differently from the lines it belongs to",
        "align it with them; put text with ': ' in it in quotes",
    ),
    "did not find expected key": (
        "this does not belong here: a } or ] too many, or a line that is indented differently",
        "align the lines that belong together",
    ),
    "did not find expected ',' or '}'": (
        "a { is not closed with }, or a comma is missing before this",
        f"write {{ key: value, key: value }}; {_QUOTE}",
    ),
    "did not find expected ',' or ']'": (
        "a [ is not closed with ], or a comma is missing before this",
        f"write [one, two]; {_QUOTE}",
    ),
    "could not find expected ':'": (
        "there is no ': ' after the name, here or in the line before",
        "write key: value, with a space after the colon",
    ),
    "found unexpected end of stream": ("a quote is not closed", "close it"),
}


class Sheet:
    """A YAML file as plain values, with the place of every value and the faults found on the way."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.places: dict[Location, Place] = {(): Place(1, 1)}
        self.findings: list[Finding] = []
        self.content: Any = self._read(text)

    def at(self, location: Location) -> Place:
        """Where a value stands; for one that is not in the file, where its nearest owner stands."""
        while location not in self.places:
            location = location[:-1]
        return self.places[location]

    def find(self, location: Location, message: str, remedy: str = "", offset: int = 0) -> None:
        """Note a fault, `offset` characters into the value at this location."""
        place = self.at(location)
        self.findings.append(Finding(self.name, place.line, place.column + offset, message, remedy))

    def _read(self, text: str) -> Any:
        if len(text) > BYTES_MAX:
            self.find((), f"the file is longer than {BYTES_MAX} characters", "split it by kind")
            return None
        try:
            if not self._is_flat(text):
                return None
            node = yaml.compose(text, Loader=_Loader)
        except yaml.YAMLError as error:
            self._unreadable(text, error)
            return None
        return None if node is None else self._value(node, ())

    def _is_flat(self, text: str) -> bool:
        """Checked on the event stream, because composing a bomb of depth or aliases is already too late."""
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEPTH_MAX or getattr(event, "anchor", None):
                self.places[()] = _place(event)
                shared = "aliases" if isinstance(event, yaml.AliasEvent) else "anchors"
                told = (
                    f"{shared} are not allowed"
                    if depth <= DEPTH_MAX
                    else f"nested more than {DEPTH_MAX} deep"
                )
                self.find((), told, "write the value out")
                return False
        return True

    def _unreadable(self, text: str, error: yaml.YAMLError) -> None:
        mark = getattr(error, "problem_mark", None)
        if mark is not None:
            self.places[()] = Place(mark.line + 1, mark.column + 1)
        problem = getattr(error, "problem", None) or "unreadable characters"
        if "cannot start any token" in problem and mark is not None and _at(text, mark) == "\t":
            problem = "tab"
        told, remedy = _PROBLEMS.get(problem, (f"this cannot be read ({problem})", _QUOTE))
        self.find((), told, remedy)

    def _value(self, node: Any, location: Location) -> Any:
        self.places[location] = _place(node)
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG_MAP:
            return dict(self._entries(node, location))
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG_SEQ:
            return [self._value(item, (*location, position)) for position, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in _TAGS:
            return node.value if node.style else plain(node.value)
        self.find(location, f"the tag {node.tag} is not allowed", "write plain values")
        return None

    def _entries(self, node: yaml.MappingNode, location: Location) -> Iterator[tuple[str, Any]]:
        seen: dict[str, Place] = {}
        for key_node, value_node in node.value:
            place = _place(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self.places[*location, ""] = place
                self.find((*location, ""), "a key is plain text")
                continue
            key = key_node.value
            where = (*location, key)
            value = self._value(value_node, where)
            if key in seen:
                self.places[where] = place
                self.find(
                    where, f"'{key}' is given twice, first in line {seen[key].line}", "keep one of them"
                )
                continue
            seen[key] = place
            self.places[*where, ""] = place  # the key itself
            yield key, value


def _place(node: Any) -> Place:
    quoted = getattr(node, "style", None) in ("'", '"')
    mark = node.start_mark
    return Place(mark.line + 1, mark.column + 1 + quoted)


def _at(text: str, mark: Any) -> str:
    """The character the parser stopped at."""
    lines = text.splitlines()
    return lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""


def plain(text: str) -> Any:
    """An unquoted scalar: true, false, nothing, an int, a Decimal, or the text itself."""
    if text.lower() in _WORDS and text in (text.lower(), text.title(), text.upper()):
        return _WORDS[text.lower()]
    if _WHOLE(text):
        return int(text)
    return Decimal(text) if _EXACT(text) else text


def unknown_key(key: str, known: Mapping[str, Any] | frozenset[str]) -> tuple[str, str]:
    """Message and remedy for a key that the grammar does not have."""
    return f"unknown key '{key}'", nearest(key, known)

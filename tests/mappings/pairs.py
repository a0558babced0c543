"""Golden pairs: a record, and the document a person says it must become, for every mapping we ship.

Numbers are exact, dates without quotes are dates, everything else is as in any YAML file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from hub.errors import NotYet
from hub.mapping import Translator, compile_mapping, load
from hub.mapping.conversions import EXTRAS

FOLDER = Path(__file__).parent
MAPPINGS = FOLDER.parents[1] / "mappings"


class Pair(NamedTuple):
    """Where a pair is: bank / payment.in / reversed."""

    vendor: str
    mapping: str
    case: str

    def __str__(self) -> str:
        return f"{self.vendor}-{self.mapping}.{self.case}"


class Told(NamedTuple):
    """What a pair says. Without a document the record is not for us."""

    translator: Translator
    record: dict[str, Any]
    lookup: dict[str, dict[str, str]]
    document: dict[str, Any] | None


class Answers:
    """The cross-references of a pair, and no others."""

    def __init__(self, known: Mapping[str, Mapping[str, str]]) -> None:
        self.known = known

    def xref(self, kind: str, value: str) -> str:
        asked = kind.split("/")
        named = "/".join(one for one in asked if one not in EXTRAS)
        try:
            return self.known[named][value]
        except KeyError:
            if "nothing" in asked:
                return ""
            raise NotYet(f"{kind} {value} is not in the pair") from None


class _Loader(yaml.SafeLoader):
    """YAML with exact numbers; as safe as the loader it extends."""


_Loader.add_constructor("tag:yaml.org,2002:float", lambda _, node: Decimal(node.value))


def _pair(path: Path) -> Pair:
    kind, direction, case = path.stem.split(".")
    return Pair(path.parent.name, f"{kind}.{direction}", case)


PAIRS = [_pair(path) for path in sorted(FOLDER.glob("*/*.yaml"))]
SHIPPED = sorted((path.parent.name, path.stem) for path in MAPPINGS.glob("*/*.yaml"))


def pair_of(pair: Pair) -> Told:
    """Read a pair and compile its mapping."""
    path = FOLDER / pair.vendor / f"{pair.mapping}.{pair.case}.yaml"
    told = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    translator = compile_mapping(load(MAPPINGS / pair.vendor / f"{pair.mapping}.yaml"))
    return Told(translator, told["record"], told.get("lookup") or {}, told["document"])


def lines(value: Any, path: str = "") -> Iterator[str]:
    """A result as one line for every value, with what kind of value it is."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from lines(value[key], f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple) and value:
        for position, part in enumerate(value):
            yield from lines(part, f"{path}[{position}]")
    else:
        yield f"{path} = {_shown(value)}"


def _shown(value: Any) -> str:
    """12 and 12.00 are told apart, a whole Decimal and an int are not: YAML writes both the same way."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return f"date {value.isoformat()}" if isinstance(value, date) else repr(value)

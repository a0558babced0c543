"""What a request body means: field names and values checked, references resolved, sublist lines matched."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.netsuite.books import Body, Books
from sandbox.netsuite.fields import CUSTOM, REFS, RecordType, Sublist, table
from sandbox.netsuite.lists import LISTS
from sandbox.netsuite.refusals import Refusal, invalid_value, unknown_property

LINES_MAX = 10_000
_ADDRESS = frozenset(
    table(
        "internalId country attention addressee addrPhone addr1 addr2 addr3 city state zip addrText override"
    )
)
_OURS = ("externalId", "id", "links", "refName")


@dataclass(frozen=True)
class Strictness:
    """The validation headers: is a mistyped name an error, and a value that does not fit?"""

    names: bool = True
    values: bool = True


STRICT = Strictness()


class Parser:
    """Reads the bodies of one record type for one account."""

    def __init__(self, books: Books, kind: RecordType, strict: Strictness = STRICT) -> None:
        self.books, self.kind, self.strict = books, kind, strict

    def body(self, told: Any, *, replace: str = "") -> Body:
        """A whole body. Raises Refusal for bad values, and for unknown names where that is asked for."""
        if not isinstance(told, Mapping):
            raise Refusal("Invalid content in the request body.", "INVALID_CONTENT")
        values: dict[str, Any] = {}
        lines: dict[str, list[dict[str, Any]]] = {}
        external = told.get("externalId")
        for name, value in told.items():
            if name in self.kind.sublists:
                lines[name] = self._sublist(name, self.kind.sublists[name], value)
            elif name not in _OURS:
                self._field(values, self.kind.body, value, path=name)
        if external is not None and (not isinstance(external, str) or not external or "|" in external):
            raise invalid_value("externalId", external)
        return Body(values, lines, external, frozenset(filter(None, replace.split(","))))

    def _sublist(self, name: str, sublist: Sublist, told: Any) -> list[dict[str, Any]]:
        found = told.get("items", []) if isinstance(told, Mapping) else None
        if not isinstance(found, list) or len(found) > LINES_MAX:
            raise invalid_value(name, "")
        parsed = []
        for index, line in enumerate(found):
            values: dict[str, Any] = {}
            if not isinstance(line, Mapping):
                raise invalid_value(name, line, f"{name}.items[{index}]")
            for column, value in line.items():
                if column not in _OURS:
                    self._field(values, sublist.columns, value, path=f"{name}.items[{index}].{column}")
            parsed.append(values)
        return parsed

    def _field(self, into: dict[str, Any], fields: Mapping[str, str], value: Any, *, path: str) -> None:
        name = path.rsplit(".", 1)[-1]
        # the documentation's own samples write itemreceive and isclosed in lower case
        known = name if name in fields else next((k for k in fields if k.lower() == name.lower()), name)
        kind = fields.get(known, "") or self._custom(known, line="[" in path)
        if not kind or kind.endswith("!"):
            if self.strict.names:
                raise unknown_property(path)
            return  # the trap: at the default level a mistyped name changes nothing and answers 204
        try:
            into[known] = None if value is None else self._value(kind, known, value, path)
        except Refusal:
            if self.strict.values:
                raise

    def _custom(self, name: str, *, line: bool) -> str:
        field = self.books.custom_fields.get(name) if name.startswith(CUSTOM) else None
        return field.type if field and field.on(self.kind, line=line) else ""

    def _value(self, kind: str, name: str, value: Any, path: str) -> Any:
        if kind == "ref":
            return self._reference(name, value, path)
        if kind == "bool" and isinstance(value, bool):
            return value
        if kind == "number" and isinstance(value, int | Decimal) and not isinstance(value, bool):
            return Decimal(value)
        if kind == "text" and isinstance(value, str | int | Decimal) and not isinstance(value, bool):
            return str(value)
        if kind == "date" and isinstance(value, str):
            try:
                return date.fromisoformat(value).isoformat()
            except ValueError:
                raise invalid_value(name, value, path) from None
        if kind == "address" and isinstance(value, Mapping) and set(value) <= _ADDRESS:
            return copy.deepcopy(dict(value))
        raise invalid_value(name, value, path)

    def _reference(self, name: str, value: Any, path: str) -> str:
        told = value
        if isinstance(value, Mapping):
            external = value.get("externalId")
            told = (
                self.books.by_external(REFS.get(name, name), str(external)) if external else value.get("id")
            )
        if isinstance(told, bool) or not isinstance(told, str | int) or not self._exists(name, str(told)):
            raise invalid_value(name, told if not isinstance(told, dict) else "", path)
        return str(told)

    def _exists(self, name: str, id: str) -> bool:
        custom = self.books.custom_fields.get(name)
        if custom is not None:
            return not custom.options or id in dict(custom.options)
        target = REFS.get(name)
        if target is None or target == "transaction":
            return bool(id)  # whether it fits is the record's own rule, with a sentence of its own
        return id in LISTS.get(target, ()) or self.books.target(target, id) is not None


def merged(
    sublist: Sublist, known: Sequence[dict[str, Any]], sent: Sequence[dict[str, Any]], *, replace: bool
) -> list[dict[str, Any]]:
    """A sublist after a write ("Updating a Sublist", "Replacing a Sublist").

    A sent line whose key matches changes that line; any other sent line is added at the end, which is how
    a repeated PATCH without keys doubles an order.
    """
    lines = [dict(line) for line in known]
    index = {key: line for line in lines if (key := _key(sublist, line)) is not None}
    touched: list[dict[str, Any]] = []
    for line in sent:
        key = _key(sublist, line)
        match = index.get(key) if key is not None else None
        if match is None:
            touched.append(dict(line))
        else:
            match.update(line)
            touched.append(match)
    if replace:
        return touched
    known_lines = {id(line) for line in lines}
    return lines + [line for line in touched if id(line) not in known_lines]


def _key(sublist: Sublist, line: Mapping[str, Any]) -> tuple[Any, ...] | None:
    first = sublist.key[:1]
    if not first or line.get(first[0]) is None:
        return None
    return tuple(line.get(name) or 0 for name in sublist.key)

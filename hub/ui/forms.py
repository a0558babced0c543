"""The settings form of any connector, made from the JSON Schema of its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from starlette.datastructures import FormData

from hub.api.actions import is_secret
from hub.errors import Invalid
from hub.ui.render import humane

_PREFIX = "setting."


class Field(NamedTuple):
    """One input. `sort`: text, number, bool, choice, secret, json, lines (a list), pairs (name: value)."""

    name: str
    label: str
    sort: str
    meaning: str
    value: str
    options: Sequence[str] = ()
    required: bool = False
    is_set: bool = False  # of a secret: there is one

    @property
    def input_name(self) -> str:
        """The name of the input in the form."""
        return _PREFIX + self.name


def fields(
    schema: Mapping[str, Any], stored: Mapping[str, Any], secrets_set: Sequence[str], form: FormData
) -> Sequence[Field]:
    """The inputs in the connector's order; what was entered last stands before what is stored."""
    required = set(schema.get("required", ())) - set(secrets_set)
    return [
        _field(name, part, stored.get(name, part.get("default")), form)._replace(
            required=name in required, is_set=name in secrets_set
        )
        for name, part in schema.get("properties", {}).items()
    ]


def _field(name: str, part: Mapping[str, Any], value: Any, form: FormData) -> Field:
    sort = _sort(part)
    typed = form.get(_PREFIX + name)
    text = typed if isinstance(typed, str) else _text(sort, value)
    if sort == "bool" and form:
        text = "true" if typed else ""
    return Field(
        name=name,
        label=humane(name),
        sort=sort,
        meaning=_meaning(part),
        value="" if sort == "secret" else text,
        options=_plain(part).get("enum", ()),
    )


def _meaning(part: Mapping[str, Any]) -> str:
    text = str(part.get("description", "")).replace("`", "")
    return text[:1].upper() + text[1:]


def _plain(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the null that an optional setting may be."""
    kept = [one for one in part.get("anyOf", ()) if one.get("type") != "null"]
    return kept[0] if len(kept) == 1 else part


def _sort(part: Mapping[str, Any]) -> str:
    if is_secret(part):
        return "secret"
    plain = _plain(part)
    if "enum" in plain:
        return "choice"
    kind, within = plain.get("type"), plain.get("items") or plain.get("additionalProperties")
    if kind in ("array", "object"):
        of_text = isinstance(within, Mapping) and within.get("type") == "string"
        return {"array": "lines", "object": "pairs"}[kind] if of_text else "json"
    sorts = {"boolean": "bool", "integer": "number", "number": "number", "string": "text"}
    return sorts.get(str(kind), "json")


def _text(sort: str, value: Any) -> str:
    if value is None or value in ([], {}):
        return ""
    if sort == "lines":
        return "\n".join(str(one) for one in value)
    if sort == "pairs":
        return "\n".join(f"{name}: {one}" for name, one in value.items())
    if sort == "json":
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    if sort == "bool":
        return "true" if value else ""
    return str(value)


def entered(schema: Mapping[str, Any], form: FormData) -> Mapping[str, Any]:
    """Settings as a person entered them. An empty secret is left out: it keeps its value. Raises Invalid."""
    given: dict[str, Any] = {}
    for name, part in schema.get("properties", {}).items():
        sort, raw = _sort(part), form.get(_PREFIX + name, "")
        text = raw.strip() if isinstance(raw, str) else ""
        if sort == "secret":
            if form.get(f"remove.{name}"):
                given[name] = None
            elif text:
                given[name] = text.replace("\r\n", "\n")  # keys of several lines
        elif sort == "bool":
            given[name] = bool(text)
        elif text:
            given[name] = _value(name, sort, text)
        elif _PREFIX + name in form and isinstance(part.get("default"), str):
            given[name] = ""  # emptied on purpose
    return given


def _value(name: str, sort: str, text: str) -> Any:
    if sort == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if sort == "pairs":
        return dict(_pair(name, line) for line in text.splitlines() if line.strip())
    if sort == "json":
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Invalid(f"{humane(name)}: this is not JSON", field=name) from None
    return text


def _pair(name: str, line: str) -> tuple[str, str]:
    key, colon, value = line.partition(":")
    if not colon or not key.strip():
        raise Invalid(f"{humane(name)}: write each line as `name: value`, not {line.strip()!r}", field=name)
    return key.strip(), value.strip()

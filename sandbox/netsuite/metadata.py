"""The metadata catalogue: what fields a record type has in this account, custom ones included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.netsuite.fields import CustomField, RecordType

_LINK = "/services/rest/record/v1/metadata-catalog/"
_TYPES = {
    "number": {"type": "number", "format": "double"},
    "bool": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
}


def describe(kind: RecordType, custom: Mapping[str, CustomField]) -> dict[str, Any]:
    """A record type as JSON Schema ("Working with JSON Schema Metadata"); sublists are resources apart."""
    told = {
        "id": {"type": "string", "title": "Internal ID", "nullable": True},
        "externalId": {"type": "string", "title": "External ID", "nullable": True},
        **{name: _shape(name, type) for name, type in kind.body.items()},
        **_custom(kind, custom, line=False),
    }
    for name in kind.sublists:
        told[name] = {"type": "object", "$ref": f"{_LINK}{kind.name}-{name}Collection"}
    return _schema(told)


def lines(kind: RecordType, sublist: str, custom: Mapping[str, CustomField]) -> dict[str, Any]:
    """A sublist's element."""
    columns = kind.sublists[sublist].columns
    told = {name: _shape(name, type) for name, type in columns.items()}
    own = _custom(kind, custom, line=True) if sublist in ("item", "line") else {}
    return _schema({**told, **own})


def openapi(kind: RecordType, custom: Mapping[str, CustomField]) -> dict[str, Any]:
    """The same as an OpenAPI document, its paths and all sublists with it."""
    path, ref = f"/{kind.name}", {"$ref": f"#/components/schemas/{kind.name}"}
    schemas = {kind.name: describe(kind, custom)}
    for name in kind.sublists:
        schemas[f"{kind.name}-{name}Element"] = lines(kind, name, custom)
        element = {"$ref": f"#/components/schemas/{kind.name}-{name}Element"}
        items = {"items": {"type": "array", "items": element}}
        schemas[f"{kind.name}-{name}Collection"] = {"type": "object", "properties": items}
    found = {"200": {"description": "The record.", "content": {"application/json": {"schema": ref}}}}
    done = {"204": {"description": "Done."}}
    ids = {"get": {"responses": found}, "patch": {"responses": done}, "delete": {"responses": done}}
    return {
        "openapi": "3.0.1",
        "info": {"title": "NetSuite REST Record API", "version": "v1"},
        "paths": {path: {"post": {"responses": done}}, f"{path}/{{id}}": ids},
        "components": {"schemas": schemas},
    }


def _shape(name: str, type: str) -> dict[str, Any]:
    plain = type.rstrip("!")
    resource = {"type": "object", "$ref": f"{_LINK}nsResource"} if plain in ("ref", "address") else {}
    told = {"title": name, **(resource or _TYPES.get(plain, {"type": "string"})), "nullable": True}
    return {**told, "readOnly": True} if type.endswith("!") else told


def _custom(kind: RecordType, custom: Mapping[str, CustomField], *, line: bool) -> dict[str, Any]:
    return {
        field.id: {**_shape(field.id, field.type), "x-ns-custom-field": True}
        for field in sorted(custom.values(), key=lambda x: x.id)
        if field.on(kind, line=line)
    }


def _schema(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "$schema": "http://json-schema.org/draft-06/hyper-schema#",
    }

"""Holds answers of the simulator against the vendor's published schemas, of today and of earlier versions."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

SPECS = Path(__file__).resolve().parents[4] / "shared" / "specs" / "stripe"
NOW = SPECS / "derived-2026-10-28.endive"
OLD = {"2020-08-27": "spec3-2020-08-27.json", "2023-08-16": "spec3-2023-08-16.yaml"}
NAMES = {"line_item": "invoice_line_item", "invoiceitem": "invoice_item"}
# Objects that the derived schema leaves open or does not have.
OPEN = {"source", "subscription", "Charge.RadarOptions"}

needs_spec = pytest.mark.skipif(not NOW.is_dir(), reason="the vendor's schemas are not here (../shared)")


def _closed(node: Any) -> Any:
    """The schema without room for fields it does not know."""
    if isinstance(node, list):
        return [_closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {name: _closed(one) for name, one in node.items()}
    if isinstance(kept.get("properties"), dict) and kept.get("type") == "object":
        kept.setdefault("additionalProperties", False)
    return kept


@functools.cache
def _current() -> dict[str, Any]:
    root = json.loads((NOW / "resources.schema.json").read_text())
    closed: dict[str, Any] = _closed(root["$defs"])
    return closed


@functools.cache
def parameters() -> dict[str, Any]:
    """The published parameters, by the name of the operation."""
    found: dict[str, Any] = json.loads((NOW / "params.schema.json").read_text())["$defs"]
    return found


@functools.cache
def _validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": _current()})


def faults(thing: dict[str, Any]) -> list[str]:
    """What is wrong with an object, or with the objects of a list."""
    if thing["object"] in ("list", "search_result"):
        return [fault for one in thing["data"] for fault in faults(one)]
    kind = NAMES.get(thing["object"], thing["object"])
    assert kind in _current(), f"{kind} is in no schema"
    return [
        f"{kind} {'/'.join(map(str, e.path))}: {e.message[:200]}" for e in _validator(kind).iter_errors(thing)
    ]


def fixtures() -> dict[str, Any]:
    """The published examples, by kind."""
    found: dict[str, Any] = json.loads((SPECS / "fixtures3.json").read_text())["resources"]
    return found


def _plain(node: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {name: _plain(one) for name, one in node.items()}
    if kept.pop("nullable", None) is not True:
        return kept
    if "enum" in kept:
        kept["enum"] = [*kept["enum"], None]
    if isinstance(kept.get("type"), str):
        return kept | {"type": [kept["type"], "null"]}
    return {"anyOf": [kept, {"type": "null"}]}


@functools.cache
def _old(version: str) -> dict[str, Any]:
    text = (SPECS / OLD[version]).read_text()
    root = json.loads(text) if OLD[version].endswith("json") else yaml.load(text, Loader=yaml.CSafeLoader)
    plain: dict[str, Any] = _plain(root["components"])
    return plain


def old_faults(thing: dict[str, Any], version: str) -> list[str]:
    """What is wrong with an object as an earlier version has it. Fields added since then are no fault: Stripe
    adds fields to all versions; fields that are missing are."""
    parts = _old(version)
    schema = parts["schemas"][thing["object"]]
    validator = Draft202012Validator({"$ref": f"#/components/schemas/{thing['object']}", "components": parts})
    found = [f"{'/'.join(map(str, e.path))}: {e.message[:200]}" for e in validator.iter_errors(thing)]
    return found + [f"lacks {name}" for name in schema["properties"] if name not in thing]

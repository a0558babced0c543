"""Holds calls and answers against the vendor's published OpenAPI files."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import httpx
from jsonschema import Draft7Validator, FormatChecker

SPECS = Path(__file__).resolve().parents[4] / "shared" / "specs" / "hubspot"
FILES = (
    "CRM/{Deals,Companies,Contacts}/2026-09/*.json",
    "CRM/{Line_Items,Products,Invoices,Commerce_Payments,Orders,Objects}/2026-09/*.json",
    "CRM/{Associations,Associations_Schema,Pipelines,Properties,Crm_Owners}/2026-09/*.json",
    "CRM/Property_Validations/2026-09/*.json",
    "CRM/{Deals,Invoices,Commerce_Payments}/2026-03/*.json",
    "CRM/{Deals,Payments}/v3/*.json",
    "CRM/{Associations,Associations_Schema}/v4/*.json",
    "Account/Account_Info/*/*.json",
    "Auth/Oauth/*/*.json",
    "Settings/Multicurrency/2026-09/*.json",
)
FORM = "application/x-www-form-urlencoded"


class Operation(NamedTuple):
    """One operation of a specification."""

    method: str
    path: str
    pattern: re.Pattern[str]
    spec: dict[str, Any]
    root: dict[str, Any]


def _files() -> Iterator[Path]:
    for glob in FILES:
        found = re.search(r"\{(.*)\}", glob)
        for name in found.group(1).split(",") if found else [""]:
            yield from sorted(SPECS.glob(re.sub(r"\{.*\}", name, glob)))


@functools.cache
def operations() -> tuple[Operation, ...]:
    """All operations; fixed addresses go before those with placeholders, as a router has it."""
    found = []
    for file in _files():
        root = json.loads(file.read_text())
        for path, methods in root.get("paths", {}).items():
            pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) + "$")
            for method, spec in methods.items():
                found.append(Operation(method.upper(), path, pattern, spec, root))
    return tuple(sorted(found, key=lambda one: one.path.count("{")))


def plain(node: Any, *, request: bool) -> Any:
    """OpenAPI 3.0 as JSON Schema.

    `required` is over-strict for requests, so it is dropped there; instead a request may not have any field
    that the specification does not know. Only the files of 2026-09 say that a property can be null; all
    versions answer so.
    """
    if isinstance(node, list):
        return [plain(one, request=request) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {key: plain(value, request=request) for key, value in node.items() if key != "example"}
    inner = kept.get("properties")
    if isinstance(inner, dict) and {"links", "subCategory"} <= inner.keys():
        inner["subCategory"] = {}  # an object in the files, always text on the wire
    if isinstance(inner, dict) and "sorts" in inner:
        inner["sorts"] = {"type": "array"}  # text in the files, objects in the documentation
    if isinstance(inner, dict) and {"createdAt", "properties"} <= inner.keys():
        inner["properties"] = {"type": "object", "additionalProperties": {"type": ["string", "null"]}}
    if kept.pop("nullable", False) and isinstance(kept.get("type"), str):
        kept["type"] = [kept["type"], "null"]
    if request and isinstance(kept.get("required"), list):
        del kept["required"]
    if request and isinstance(inner, dict) and kept.get("type") == "object":
        kept.setdefault("additionalProperties", False)
    return kept


@functools.cache
def _components(at: int, *, request: bool) -> Any:
    return plain(operations()[at].root["components"], request=request)


def faults(operation: Operation, schema: Any, value: Any, *, request: bool) -> list[str]:
    """What is wrong with a value."""
    parts = _components(operations().index(operation), request=request)
    whole = {**plain(schema, request=request), "components": parts}
    validator = Draft7Validator(whole, format_checker=FormatChecker())
    return [f"{'/'.join(map(str, e.path))}: {e.message}" for e in validator.iter_errors(value)]


def check(answer: httpx.Response) -> str:
    """The address in the specification that a call and its answer fit. Fails where they fit none."""
    asked = answer.request
    path = asked.url.path
    found = [one for one in operations() if one.method == asked.method and one.pattern.match(path)]
    assert found, f"{asked.method} {path} is in no specification"
    operation = found[0]
    allowed = {one["name"] for one in operation.spec.get("parameters", ()) if one["in"] == "query"}
    assert {name for name, _ in parse_qsl(asked.url.query.decode())} <= allowed, asked.url
    _check_request(operation, asked)
    _check_answer(operation, answer)
    return f"{operation.method} {operation.path}"


def _check_request(operation: Operation, asked: httpx.Request) -> None:
    wanted = operation.spec.get("requestBody")
    assert bool(wanted) == bool(asked.content), operation.path
    if not wanted:
        return
    body = dict(parse_qsl(asked.content.decode())) if FORM in wanted["content"] else json.loads(asked.content)
    schema = next(iter(wanted["content"].values()))["schema"]
    assert faults(operation, schema, body, request=True) == [], operation.path


def _check_answer(operation: Operation, answer: httpx.Response) -> None:
    told = operation.spec["responses"]
    if answer.status_code >= 400:
        schema: Any = {"$ref": "#/components/schemas/Error"}
        assert faults(operation, schema, answer.json(), request=False) == [], answer.text
        return
    # 207 is what batches answer in practice; the specification of 2026-09 lists 200 only
    code = str(answer.status_code)
    code = code if code in told else {"207": "201" if "201" in told else "200"}.get(code, code)
    if code not in told:
        assert set(told) == {"default"}, f"{operation.path} answered {code}"
        return
    content = told[code].get("content")
    if not content:
        assert answer.content == b"", operation.path
        return
    schema = next(iter(content.values()))["schema"]
    assert faults(operation, schema, answer.json(), request=False) == [], (operation.path, answer.text)

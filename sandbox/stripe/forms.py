"""Reads form-encoded bodies and queries with bracket nesting: `lines[0][amount]=1`, `a[]=x`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from sandbox.stripe.refusals import invalid

PAIRS_MAX = 5000
DEPTH_MAX = 8
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_PART = re.compile(r"\[([^\[\]]*)\]")


def parsed(raw: str) -> dict[str, Any]:
    """Nested dicts with text at the leaves. Lists are dicts with the keys "0", "1"... until a field is known
    to be one (`metadata[0]` is not). Raises Refused for what cannot be read."""
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, strict_parsing=False, max_num_fields=PAIRS_MAX)
    except ValueError:
        raise invalid(f"Invalid request: more than {PAIRS_MAX} parameters.") from None
    found: dict[str, Any] = {}
    for name, value in pairs:
        _place(found, _path(name), value, name)
    return found


def _path(name: str) -> list[str]:
    met = _NAME.match(name)
    if met is None:
        raise invalid(f"Invalid request: cannot read the parameter name {name[:80]}.", param=name[:80])
    path = [met.group(1), *_PART.findall(met.group(2))]
    if len(path) > DEPTH_MAX:
        raise invalid(f"Invalid request: {path[0]} is nested too deeply.", param=path[0])
    return path


def _place(at: dict[str, Any], path: list[str], value: str, name: str) -> None:
    for depth, part in enumerate(path[:-1]):
        within = at.setdefault(_key(at, part, path[depth + 1]), {})
        if not isinstance(within, dict):
            raise invalid(f"Invalid {path[0]}: both a value and a hash.", param=path[0])
        at = within
    key = _key(at, path[-1], None)
    if isinstance(at.get(key), dict):
        raise invalid(f"Invalid {path[0]}: both a value and a hash.", param=path[0])
    at[key] = value


def _key(at: dict[str, Any], part: str, inner: str | None) -> str:
    """`[]` is the next element, or the last one where that lacks the inner key still."""
    if part != "":
        return part
    last = str(len(at) - 1)
    holds = at.get(last)
    if inner and isinstance(holds, dict) and inner not in holds:
        return last
    return str(len(at))

"""Values as YAML text that hub/mapping/reading.py reads back as the same values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hub.errors import Invalid
from hub.mapping.reading import plain as read_plain

KEY_MAX = 1_000  # characters; YAML reads no longer ones without ceremony

_BARE = re.compile(r"[A-Za-z_][\w.()/$+<>=-]*(?: [\w.()/$+<>=-]+)*").fullmatch
_PRINTABLE = re.compile("[ -~\xa1-\u167f\u1681-\u1fff\u2070-\ud7ff\ue000-\ufdcf\ufdf0-\ufefe]*").fullmatch
_SURROGATE = re.compile("[\ud800-\udfff]").search
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def scalar(value: Any, style: str = "") -> str:
    """One value. `style` is the quote to use where it can be used: `'`, `"` or none."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    if not isinstance(value, str):
        raise Invalid(f"a mapping file cannot hold a {type(value).__name__}; give text or a Decimal")
    return _text(value, style)


def _text(value: str, style: str) -> str:
    if _SURROGATE(value):
        raise Invalid("half a character (a lone surrogate) cannot be written")
    if style not in ("'", '"') and _BARE(value) and isinstance(read_plain(value), str):
        return value
    quoted = style if style in ("'", '"') else "'" if '"' in value or "\\" in value else '"'
    if quoted == "'" and _PRINTABLE(value):
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if _PRINTABLE(letter):
        return letter
    return f"\\x{ord(letter):02x}" if ord(letter) < 256 else f"\\U{ord(letter):08x}"


def key(name: str) -> str:
    """The name of an entry."""
    written = _text(name, "")
    if len(written) > KEY_MAX:
        raise Invalid(
            f"'{name[:60]}...' is too long for a key of YAML; keep names under {KEY_MAX} characters"
        )
    return written


def flow(value: Any) -> str:
    """A value in one line: `{ from: a, via: [text, decimal] }`."""
    if isinstance(value, Mapping):
        entries = ", ".join(f"{key(name)}: {flow(part)}" for name, part in value.items())
        return f"{{ {entries} }}" if entries else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    return scalar(value)


def exact(value: Any, at: str = "the mapping") -> Any:
    """The value as YAML can hold it: whole numbers as int, others exact. Raises Invalid naming the place."""
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise Invalid(f"the key {name!r} is not text", field=at)
        return {name: exact(part, f"{at}.{name}") for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [exact(part, f"{at}[{position}]") for position, part in enumerate(value)]
    if isinstance(value, float):
        raise Invalid("a binary float is not exact; give a Decimal or text", field=at)
    if isinstance(value, Decimal):
        return _number(value, at)
    if value is None or isinstance(value, bool | int | str):
        return value
    raise Invalid(f"a mapping file cannot hold a {type(value).__name__}", field=at)


def _number(value: Decimal, at: str) -> Any:
    _, _, exponent = value.as_tuple()
    if not isinstance(exponent, int) or abs(value.adjusted()) > 100 or abs(exponent) > 100:
        raise Invalid(f"{value} is no number a mapping file can hold", field=at)
    return int(value) if exponent >= 0 else value


def same(one: Any, other: Any) -> bool:
    """Are these the same to the letter? 1.5 and 1.50 are not, nor 1 and true, nor another order of keys."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and str(one) == str(other)

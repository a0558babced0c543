"""The tables of docs/mapping-language.md, written from the code so that they cannot be out of date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from hub.mapping.conversions import CONVERSIONS
from hub.mapping.functions import FUNCTIONS
from hub.mapping.language import FORMS

_DESCRIBED = re.compile(
    r"(?P<written>[A-Z_]+\(.*?\)): (?P<purpose>.*) Example: (?P<example>.*) -> (?P<gives>.*)"
)


class Entry(NamedTuple):
    """A function as the reference shows it."""

    written: str
    purpose: str
    example: str
    gives: str


def functions() -> Iterator[Entry]:
    """Every function of formulas, by name."""
    told = {**{name: function.call.__doc__ or "" for name, function in FUNCTIONS.items()}, **FORMS}
    for name in sorted(told):
        found = _DESCRIBED.fullmatch(" ".join(told[name].split()))
        assert found is not None, f"{name} is not described as `F(...): purpose Example: F(1) -> 1`"
        yield Entry(*found.groups())


def function_table() -> str:
    """The functions as a table in Markdown."""
    rows = [f"| `{e.written}` | {e.purpose} | `{e.example}` gives `{e.gives}` |" for e in functions()]
    return "\n".join(["| function | what it gives | example |", "|---|---|---|", *rows])


def conversion_table() -> str:
    """The conversions of `via` as a table in Markdown."""
    rows = []
    for name, form in CONVERSIONS.items():
        purpose = form.purpose or " ".join((form.convert.__doc__ or "").split() if form.convert else "")
        rows.append(f"| `{name}` | {purpose} |")
        if form.argument:
            written = f"{name}({form.argument.removesuffix('?')})"
            rows[-1] = (
                f"| `{name}`, `{written}` | {purpose} |"
                if "?" in form.argument
                else f"| `{written}` | {purpose} |"
            )
    return "\n".join(["| conversion | what it gives |", "|---|---|", *rows])


def rewritten(page: str) -> str:
    """The page with both tables as the code has them now."""
    for name, table in (("functions", function_table()), ("conversions", conversion_table())):
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"
    return page

"""The table of bank formats: files read, transactions, sums and balances right by an independent count.

`python -m bench.formats` writes it into docs/bank-formats.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import ParseError

from bench.counting import FORMATS, NONE, Count, Format, is_wrong
from connectors.bank import commands, csv_dialect, summary

SAMPLES = Path(__file__).parents[2] / "shared" / "samples" / "bank"
DOCUMENT = Path(__file__).parents[1] / "docs" / "bank-formats.md"
QUICK_MAX = 500_000
START, END = "<!-- formats -->", "<!-- end of formats -->"
HEAD = ("format", "files", "valid", "transactions right", "sums right", "balances right", "parked", "invalid",
        "invalid named", "transactions")  # fmt: skip


class Judged(NamedTuple):
    """One file: what `o2c bank read --json` tells of it against the independent count."""

    name: str
    valid: bool
    transactions: bool
    sums: bool
    balances: bool | None  # None where the counter knows of none
    parked: bool
    named: bool
    counted: int


def files(format_: Format, *, every: int = 1) -> Iterator[Path]:
    """The samples of a format; of CSV those whose dialect is declared.

    With `every` above 1 only so many of the bulk folders, and none of half a megabyte: for the quick tests.
    """
    for folder in format_.folders:
        step = every if folder.startswith("_bulk") else 1
        for path in sorted((SAMPLES / folder).glob("*"))[::step]:
            quick = every == 1 or path.stat().st_size < QUICK_MAX
            if quick and (folder != "csv" or csv_dialect.recognises(path.read_bytes()[:65_536])):
                yield path


def judged(path: Path, format_: Format) -> Judged:
    """What the reader says of a file, and whether it is so."""
    told = commands.as_json(summary.of_file(path))
    problems = told["problems"]
    parked = any(not one.get("advice") for one in problems)
    named = any(one["message"] for one in problems)
    if is_wrong(path, format_.wrong):
        return Judged(path.name, False, False, False, None, parked, named, 0)
    try:
        count = format_.count(path)
    except (ParseError, ArithmeticError, ValueError, KeyError):  # not even the counter can read it
        return Judged(path.name, False, False, False, None, parked, named, 0)
    own = _own(told["statements"])
    return Judged(
        path.name,
        True,
        own[:2] == count[:2],
        own[2:4] == count[2:4],
        _same(own.balances, count.balances) if any(one is not None for one in count.balances) else None,
        parked,
        named,
        count.transactions,
    )


def _own(statements: Sequence[dict[str, Any]]) -> Count:
    balances = [one[name] for one in statements for name in ("opening", "closing")]
    return Count(
        sum(one["entries"] for one in statements),
        sum(one["transactions"] for one in statements),
        sum((Decimal(one["credits"]) for one in statements), NONE),
        sum((Decimal(one["debits"]) for one in statements), NONE),
        tuple(None if one is None else Decimal(one) for one in balances),
    )


def _same(own: Sequence[Decimal | None], counted: Sequence[Decimal | None]) -> bool:
    """Where the counter knows a balance (it knows fewer kinds of them), the reader says the same."""
    if len(own) == len(counted):
        return all(theirs is None or mine == theirs for mine, theirs in zip(own, counted, strict=True))
    return [one for one in own if one is not None] == [one for one in counted if one is not None]


def rows() -> Iterator[tuple[str, list[Judged]]]:
    """Every format with its files."""
    for name, format_ in FORMATS.items():
        found = [judged(path, format_) for path in files(format_)]
        if found:
            yield name, found


def cells(name: str, found: Sequence[Judged]) -> list[str]:
    """One row of the table: counts, never content."""
    valid = [one for one in found if one.valid]
    wrong = [one for one in found if not one.valid]
    told = [one.balances for one in valid if one.balances is not None]
    return [
        name,
        f"{len(found):,}",
        f"{len(valid):,}",
        f"{sum(one.transactions for one in valid):,}",
        f"{sum(one.sums for one in valid):,}",
        f"{sum(told)} of {len(told)}" if told else "-",
        f"{sum(one.parked for one in valid):,}",
        f"{len(wrong):,}",
        f"{sum(one.named for one in wrong):,}",
        f"{sum(one.counted for one in valid):,}",
    ]


def write_document(told: Sequence[Sequence[str]]) -> None:
    """Puts the table into docs/bank-formats.md, between its marks."""
    text = DOCUMENT.read_text("utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    lines = [f"| {' | '.join(row)} |" for row in (HEAD, *told)]
    DOCUMENT.write_text(
        "\n".join([before + START, lines[0], "|---" * len(HEAD) + "|", *lines[1:], END]) + after
    )


if __name__ == "__main__":
    write_document([cells(name, found) for name, found in rows()])

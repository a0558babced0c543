"""The commands of this connector on the hub's command line: `o2c bank read FILE...`."""

from __future__ import annotations

import json as encoding
import os
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from connectors.bank import csv_dialect, summary
from connectors.bank.csv_dialect import Dialect
from connectors.bank.statement import Problem
from connectors.bank.summary import Summary, Told
from hub.sdk import Invalid

_COLUMNS = (
    "account",
    "ccy",
    "opening",
    "credits",
    "debits",
    "closing",
    "entries",
    "transactions",
    "balanced",
)
_LEFT = 2  # columns of words; the others are numbers


def read(files: list[Path], json: bool = False, dialect: Path | None = None) -> None:
    """Tell what bank files hold: format, accounts, balances, sums, and what is wrong with them.

    Reads camt.052/053/054, MT940/MT942, BAI2, NACHA, lockbox, OFX and CSV of declared dialects (--dialect: as
    CSV of the dialect in that file). Writes nothing anywhere. Ends with 0 whatever the files hold, because
    problems are a part of the answer; with 1 where the dialect itself cannot be read.
    """
    told = _dialect(dialect)
    for path in files:
        found = summary.of_file(path, told)
        words = encoding.dumps(as_json(found), ensure_ascii=False) if json else as_table(found)
        try:
            sys.stdout.buffer.write(f"{words}\n".encode("utf-8", "replace"))
            sys.stdout.flush()
        except BrokenPipeError:  # whoever reads this has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return


def _dialect(path: Path | None) -> Dialect | None:
    if path is None:
        return None
    try:
        return csv_dialect.declared(path.read_text("utf-8"))
    except (Invalid, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"the dialect {path} cannot be read: {error}\n")
        raise SystemExit(1) from None


def as_json(found: Summary) -> Mapping[str, Any]:
    """The answer for programs: amounts as text, counts as numbers."""
    return {
        "file": found.file,
        "format": found.format or None,
        "statements": [_statement(one) for one in found.statements],
        "problems": [
            *({"line": one.line or None, "message": one.message} for one in found.problems),
            *({"line": one.line or None, "message": one.message, "advice": True} for one in found.advice),
        ],
    }


def _statement(told: Told) -> dict[str, Any]:
    totals = told.totals
    rest = {"not_booked": totals.not_counted} if totals.not_counted else {}
    return {
        "account": told.account,
        "currency": told.currency,
        "opening": _amount(told.opening),
        "closing": _amount(told.closing),
        "entries": totals.entries,
        "transactions": totals.transactions,
        "credits": _amount(totals.credits),
        "debits": _amount(totals.debits),
        "balanced": told.balanced,
        **rest,
    }


def _amount(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def as_table(found: Summary) -> str:
    """The answer for people."""
    rows = [_row(one) for one in found.statements]
    widths = [max(len(row[at]) for row in (_COLUMNS, *rows)) for at in range(len(_COLUMNS))]
    lines = [f"{found.file}: {found.format or 'unknown format'}"]
    lines += [_line(row, widths) for row in ((_COLUMNS, *rows) if rows else ())]
    lines += [_problem(one, "!") for one in found.problems]
    return "\n".join([*lines, *(_problem(one, "advice:") for one in found.advice)])


def _row(told: Told) -> Sequence[str]:
    proof = {True: "yes", False: "NO", None: "-"}[told.balanced]
    amounts = told.opening, told.totals.credits, told.totals.debits, told.closing
    counts = told.totals.entries, told.totals.transactions
    words = [*(_amount(one) or "-" for one in amounts), *(str(one) for one in counts), proof]
    return [told.account or "-", told.currency or "-", *words]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        one.ljust(width) if at < _LEFT else one.rjust(width)
        for at, (one, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  " + "  ".join(cells).rstrip()


def _problem(problem: Problem, mark: str) -> str:
    place = f"line {problem.line}: " if problem.line else ""
    return f"  {mark} {place}{problem.message}"


COMMANDS = {"read": read}

"""Formulas that nobody would write, made from a seed, and what each costs to read and to work out.

As a program: python -m tests.hub.mapping.fuzz --count 100000
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hub.errors import Unmappable
from hub.mapping import MappingDocument, compile_mapping
from hub.mapping.document import Marks
from hub.mapping.finding import GrammarError, Place
from hub.mapping.functions import FUNCTIONS
from hub.mapping.language import parse_formula
from hub.mapping.loading import tables_used
from tests.hub.mapping.adversarial import ADVERSARIAL
from tests.hub.mapping.small import TABLES, Known

MARKS = Marks(Place(1, 1), {})
BUDGET_MS = 50  # CPU time of one formula, from its text to its value
MEMORY_MB = 16  # over the start

LINES = 2_000  # lines of the largest order
RECORDS: tuple[Mapping[str, Any], ...] = (
    {},
    {"a": "x", "b": "Net 30", "c": ["a", "b"], "d": {"e": "2026-01-31"}, "n": "12.50", "when": True},
    {"a": Decimal("19.90"), "b": 3, "c": [Decimal(1), 2, "3"], "d": {"e": date(2026, 1, 31)}, "n": 0},
    {"a": date(2026, 2, 28), "b": datetime(2026, 1, 1, tzinfo=UTC), "c": [date(2026, 12, 25)], "n": -5},
    {"a": None, "b": "", "c": [], "d": {}, "n": None},
    {"a": 0.1, "b": float("nan"), "c": [0.5, {"n": 0.25}], "n": float("inf")},
    {
        "a": Decimal("1E+999999999"),
        "b": Decimal("1E-999999999"),
        "c": [Decimal("NaN")],
        "n": Decimal("Infinity"),
    },
    {"a": 10**400, "b": -(10**60), "c": [10**50, "9" * 90], "n": Decimal("9" * 60)},
    {"a": "y" * 100_000, "b": "ä" * 4_000, "c": ["z" * 1_000] * 50, "n": "a" * 3_999 + "b"},
    {
        "a": "\ud800",
        "b": "\u202e\u0000\ufeff",
        "c": ["\U0001f600" * 99],
        "d": {"e": "\u0131\u0130ß"},
        "n": "١٢",
    },
    {"a": {"e": {"e": {}}}, "b": [[[[1]]]], "c": [{"n": [{"n": 1}]}], "d": [1], "n": True},
    {
        "a": "1,50",
        "b": "$1 $$ \\1",
        "c": [{"n": "1.10", "e": "x"}] * LINES,
        "d": {"e": "2026-02-30"},
        "n": "1e5",
    },
    {"a": date(9999, 12, 31), "b": datetime(1, 1, 1), "c": [date(1, 1, 1)] * 199, "n": 99_999},  # noqa: DTZ001
    {"a": "van der Berg, Anna", "b": "Europe/Berlin", "c": ["2026-12-25"], "d": {"e": "EUR"}, "n": "-0"},
)

PATHS = ("a", "b", "c", "n", "d.e", "a.b.c", "c[0]", "c[].n", "c[].e", "root", "root.a", "index", "c[].n[].n")
LITERALS = (
    '"x"',
    '""',
    '"Net 30"',
    '"2026-01-31"',
    '"Europe/Berlin"',
    '"EUR"',
    '"first"',
    '"last"',
    "0",
    "1",
    "2.5",
    "100000",
    "99999999999999999999",
    "0.00000001",
    "-1",
    "true",
    "false",
    "null",
    '"[a-z]+"',
    '"$1"',
    '"(a*)*b"',
    '"^([0-9]+)-(x|y)?$"',
    '"(a*b)|a"',
    '"((a?){9}){9}b"',
    '"."',
    '"\\\\pL+"',
    '"DD.MM.YYYY"',
)
OPERATORS = ("+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", "and", "or", "in", "not in")
ALPHABET = "ab._[]()0123456789'\"+-*/<>=, \\\n\tifelsnotandr{}:;#@~^&|%!$?é\u202e\u200b\ud800\x00\U0001f600"


class Maker:
    """Formulas from a seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def formula(self) -> str:
        kind = self.dice.random()
        if kind < 0.7:
            return self.grown(self.dice.randint(1, 6))
        if kind < 0.85:
            return self.broken(self.grown(3))
        if kind < 0.95:
            return "".join(self.dice.choices(ALPHABET, k=self.dice.randint(0, 60)))
        return self.broken(self.dice.choice(ADVERSARIAL)) if kind < 0.99 else self.deep()

    def grown(self, depth: int) -> str:
        """A formula the grammar allows, most of the time."""
        roll = self.dice.random()
        if depth == 0 or roll < 0.15:
            return self.dice.choice(PATHS if roll < 0.08 else LITERALS)
        if roll < 0.65:
            return self.call(depth - 1)
        if roll < 0.85:
            left, right = self.grown(depth - 1), self.grown(depth - 1)
            return f"({left} {self.dice.choice(OPERATORS)} {right})"
        if roll < 0.92:
            return f"({self.grown(depth - 1)} if {self.grown(depth - 1)} else {self.grown(depth - 1)})"
        shape = self.dice.choice(
            (
                "(-{})",
                "(not {})",
                "COALESCE({}, b)",
                "LOOKUP(terms, {})",
                "LOOKUP(terms, {}, n)",
                "IF({}, a, n)",
            )
        )
        return shape.format(self.grown(depth - 1))

    def call(self, depth: int) -> str:
        function = FUNCTIONS[self.dice.choice(sorted(FUNCTIONS))]
        most = 4 if function.repeats else len(function.parameters)
        wanted = function.parameters + function.parameters[-1:] * 4
        count = self.dice.randint(function.least, most)
        return f"{function.name}({', '.join(self.argument(wanted[at], depth) for at in range(count))})"

    def argument(self, kind: str, depth: int) -> str:
        """Of the kind that is asked for, often."""
        wraps = {"number": "DECIMAL({})", "text": "TEXT({})", "date": "DATE({})", "list": "LIST({}, c)"}
        if kind in wraps and self.dice.random() < 0.5:
            return wraps[kind].format(self.grown(max(depth - 1, 0)))
        return self.dice.choice(LITERALS) if self.dice.random() < 0.3 else self.grown(depth)

    def broken(self, formula: str) -> str:
        """With a few characters too many, too few or elsewhere."""
        for _ in range(self.dice.randint(1, 3)):
            at = self.dice.randint(0, len(formula))
            cut = at + self.dice.randint(0, 4)
            extra = self.dice.choice(
                ("", self.dice.choice(ALPHABET), self.dice.choice(PATHS), formula[at:cut] * 2)
            )
            formula = formula[:at] + extra + formula[cut:]
        return formula

    def deep(self) -> str:
        before, after = self.dice.choice(
            (("-(", ")"), ("ABS(", ")"), ("(a + ", ")"), ("IF(a, b, ", ")"), ("(", ")"))
        )
        depth = self.dice.randint(30, 250)
        return before * depth + self.grown(1) + after * depth


@dataclass
class Report:
    """What many formulas did."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_ms: float = 0.0
    slowest: str = ""
    faults: list[str] = field(default_factory=list)


def outcome(formula: str, record: Mapping[str, Any]) -> str:
    """What becomes of a formula: refused, no value, value, case. Raises what no formula may raise."""
    try:
        parse_formula(formula)
    except GrammarError:
        return "refused"
    rule = {"formula": formula, "optional": True, "marks": MARKS}
    document = MappingDocument.model_validate(
        {"mapping": "t.r -> message", "fields": {"x": rule}, "tables": TABLES, "marks": MARKS}
    )
    if any(name not in TABLES for _, name in tables_used(document)):
        return "refused"
    try:
        found = compile_mapping(document).apply(record, Known())
    except Unmappable as error:
        return "case" if error.field == "x" else f"case of {error.field}"
    assert not any(isinstance(value, float) for value in found.values())
    return "value" if found else "no value"


def run(formulas: Iterator[tuple[str, Mapping[str, Any]]]) -> Report:
    """Read and work out each formula, and keep the slowest and whatever should not have happened."""
    report = Report()
    for formula, record in formulas:
        before = time.process_time_ns()
        try:
            report.outcomes[outcome(formula, record)] += 1
        except Exception as error:  # noqa: BLE001 - whatever comes here is what we look for
            report.faults.append(f"{type(error).__name__}: {error} from {ascii(formula)[:300]}")
        took = (time.process_time_ns() - before) / 1e6
        if took > BUDGET_MS:
            took = min(took, *(_again(formula, record) for _ in range(3)))  # not the garbage of others
        if took > report.slowest_ms:
            report.slowest_ms, report.slowest = took, formula
    return report


def _again(formula: str, record: Mapping[str, Any]) -> float:
    before = time.process_time_ns()
    with suppress(Exception):
        outcome(formula, record)
    return (time.process_time_ns() - before) / 1e6


def every(count: int, seed: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The adversarial formulas on every record, then random ones."""
    yield from ((formula, record) for formula in ADVERSARIAL for record in RECORDS)
    maker = Maker(seed)
    for _ in range(count - len(ADVERSARIAL) * len(RECORDS)):
        yield maker.formula(), maker.dice.choice(RECORDS)


def megabytes() -> float:
    """The most memory this process has had."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> int:
    """Run and tell. 1 where a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    run(every(2_000, chosen.seed + 1))  # so that what is loaded once is not counted
    start = megabytes()
    began = time.process_time()
    report = run(every(chosen.count, chosen.seed))
    grown = megabytes() - start
    sys.stdout.write(
        f"{sum(report.outcomes.values())} formulas in {time.process_time() - began:.0f} s of CPU time\n"
        f"{', '.join(f'{name}: {count}' for name, count in report.outcomes.most_common())}\n"
        f"slowest: {report.slowest_ms:.1f} ms (limit {BUDGET_MS}): {ascii(report.slowest)[:200]}\n"
        f"memory: {grown:.1f} MB over the {start:.0f} MB at the start (limit {MEMORY_MB})\n"
        f"other exceptions: {len(report.faults)}\n" + "".join(f"{fault}\n" for fault in report.faults[:20])
    )
    return int(bool(report.faults) or report.slowest_ms > BUDGET_MS or grown > MEMORY_MB)


if __name__ == "__main__":
    sys.exit(main())

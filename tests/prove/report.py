"""The figures of a proof, for the terminal and for docs/durability.md."""

from __future__ import annotations

import platform
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from tests.prove.plan import ROOT
from tests.prove.proof import Result, percentile

DOCS = ROOT / "docs" / "durability.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def commit() -> str:
    """What was proven: the commit, and whether the tree differs from it."""
    asked = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    found = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def rows(result: Result) -> list[tuple[str, str]]:
    """Name and figure."""
    figures, findings = result.findings.figures, result.findings
    sent, refused = sum(result.answers.values()), _refused(result.answers)
    return [
        ("faults", str(sum(result.struck.values()))),
        ("misbehaviour of vendors", str(sum(result.vendor_faults.values()))),
        ("requests sent to the hub", f"{sent}, of these {refused} without a 2xx"),
        ("events and files acknowledged", str(figures.get("events", 0))),
        ("**lost**", f"**{len(findings.lost)}**"),
        ("**duplicated**", f"**{len(findings.duplicated)}**"),
        ("anything else wrong", str(len(findings.wrong))),
        ("orders / invoices / payments in NetSuite", _three(figures)),
        (
            "money in = money booked (USD)",
            f"{figures.get('money in', '-')} = {figures.get('money booked', '-')}",
        ),
        ("recovery, p50 / p99", _seconds(result.recoveries)),
        ("answer to a webhook, p50 / p99", _milliseconds(result.waits)),
        ("drained after the last fault", f"{result.drained:.1f} s"),
        ("most attempts of one delivery", str(figures.get("most attempts", 0))),
        ("duration", f"{result.seconds:.0f} s"),
        ("seed", str(result.scene.seed)),
    ]


def _refused(answers: dict[str, int]) -> int:
    return sum(n for status, n in answers.items() if not status.startswith("2"))


def _three(figures: dict[str, object]) -> str:
    return " / ".join(str(figures.get(name, 0)) for name in ("orders", "invoices", "payments"))


def _seconds(values: list[float]) -> str:
    return f"{percentile(values, 50):.1f} s / {percentile(values, 99):.1f} s"


def _milliseconds(values: list[float]) -> str:
    return f"{percentile(values, 50) * 1000:.0f} ms / {percentile(values, 99) * 1000:.0f} ms"


def table(results: Sequence[Result]) -> Table:
    """One column per form."""
    shown = Table(title=f"Durability proof of {commit()}", title_justify="left")
    shown.add_column("")
    for result in results:
        shown.add_column(f"{result.scene.form}, {result.scene.cycles} cycles", justify="right")
    columns = [rows(result) for result in results]
    for line in zip(*columns, strict=True):
        shown.add_row(line[0][0].strip("*"), *(figure.strip("*") for _, figure in line))
    for title, counters in _kinds(results):
        shown.add_section()
        for name in sorted({name for counter in counters for name in counter}):
            shown.add_row(f"{title}: {name}", *(str(counter[name]) for counter in counters))
    return shown


def _kinds(results: Sequence[Result]) -> Sequence[tuple[str, list[Counter[str]]]]:
    return (("hub", [r.struck for r in results]), ("vendor", [r.vendor_faults for r in results]))


def write_docs(results: Sequence[Result], mutations: Sequence[tuple[str, str]], points: str) -> Path:
    """Put the figures into their place in docs/durability.md."""
    heads = [f"{result.scene.form}, {result.scene.cycles} cycles" for result in results]
    lines = ["| | " + " | ".join(heads) + " |", "|---|" + "---|" * len(results)]
    columns = [rows(result) for result in results]
    lines += [
        f"| {line[0][0]} | " + " | ".join(figure for _, figure in line) + " |"
        for line in zip(*columns, strict=True)
    ]
    for title, counters in _kinds(results):
        names = sorted({name for counter in counters for name in counter})
        lines += [
            f"| {title}: {name} | " + " | ".join(str(c[name]) for c in counters) + " |" for name in names
        ]
    if points:
        lines += ["", points]
    if mutations:
        lines += ["", "| mistake put in on purpose | what the checker found |", "|---|---|"]
        lines += [f"| {name} | {found} |" for name, found in mutations]
    machine = (
        f"Python {platform.python_version()}, {platform.system()}, 2 cores shared by hub, vendors and load"
    )
    lines += ["", f"Commit {commit()}; {machine}."]
    text = DOCS.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    DOCS.write_text(f"{head}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{tail}", "utf-8")
    return DOCS

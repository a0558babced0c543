"""Figures: how they are printed, kept, and written into docs/performance.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.machine import Usage, describe

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "var" / "bench"
DOCUMENT = ROOT / "docs" / "performance.md"
NOISY = 0.25  # cores used by others above which a figure is marked


@dataclass
class Row:
    """One measurement: what, the figure, and who used the processor meanwhile."""

    what: str
    figure: str
    system: float = 0.0
    load: float = 0.0
    other: float = 0.0

    def cells(self) -> list[str]:
        """As a line of a table."""
        noisy = " (noisy)" if self.other > NOISY else ""
        shares = [f"{self.system:.2f}", f"{self.load:.2f}", f"{self.other:.2f}{noisy}"]
        return [self.what, self.figure, *(shares if self.system or self.load or self.other else ["", "", ""])]


@dataclass
class Verdict:
    """A ratio or limit the figures are judged by."""

    what: str
    found: str
    wanted: str
    met: bool | None  # None: not judged


@dataclass
class Report:
    """What one sub-command found."""

    name: str
    title: str
    method: str = ""
    quick: bool = False
    rows: list[Row] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    at: str = ""

    def add(self, what: str, figure: str, usage: Usage | None = None) -> None:
        """A measurement; printed at once, because runs are long."""
        row = Row(what, figure, *(usage[1:4] if usage else ()))
        self.rows.append(row)
        shares = f"   [cores: system {row.system:.2f}, load {row.load:.2f}, other_cpu {row.other:.2f}]"
        print(f"  {what}: {figure}{shares if usage else ''}", flush=True)

    def judge(self, what: str, found: str, wanted: str, met: bool | None) -> None:
        """A ratio, and whether it is what we promise."""
        self.verdicts.append(Verdict(what, found, wanted, met))
        print(f"  => {what}: {found} (wanted {wanted}){_mark(met)}", flush=True)

    def note(self, text: str) -> None:
        """Something a reader must know."""
        self.notes.append(text)
        print(f"  note: {text}", flush=True)

    def keep(self) -> None:
        """Remember it for `--write-docs`; quick runs are not worth remembering."""
        self.at = datetime.now(UTC).isoformat(timespec="seconds")
        if not self.quick:
            KEPT.mkdir(parents=True, exist_ok=True)
            (KEPT / f"{self.name}.json").write_text(json.dumps(asdict(self), indent=1), "utf-8")


def _mark(met: bool | None) -> str:
    return "" if met is None else ("  ok" if met else "  NOT MET")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return [*lines, *(f"| {' | '.join(cells)} |" for cells in rows)]


def _section(kept: dict[str, Any]) -> list[str]:
    rows = [Row(**row).cells() for row in kept["rows"]]
    verdicts = [
        [v["what"], v["found"], v["wanted"], _mark(v["met"]).strip() or "-"] for v in kept["verdicts"]
    ]
    lines = [f"### {kept['title']}", "", f"{kept['method']} Measured {kept['at']}.", ""]
    if verdicts:
        lines += [*_table(["ratio or limit", "found", "wanted", ""], verdicts), ""]
    if rows:
        lines += [*_table(["measurement", "figure", "system", "load", "other_cpu"], rows), ""]
    return [*lines, *(f"- {note}" for note in kept["notes"]), *([""] if kept["notes"] else [])]


def _between(text: str, name: str, lines: Sequence[str]) -> str:
    """Replace what stands between the marks of this name."""
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = text.partition(start)
    _, _, after = rest.partition(end)
    return "\n".join([before + start, *lines, end]) + after


def write_document(names: Sequence[str]) -> None:
    """Put the kept figures and this machine into docs/performance.md, between its marks."""
    text = DOCUMENT.read_text("utf-8")
    machine = _table(["", ""], [[key, value] for key, value in describe().items()])
    figures: list[str] = []
    for name in names:
        path = KEPT / f"{name}.json"
        if path.exists():
            figures += _section(json.loads(path.read_text("utf-8")))
    text = _between(_between(text, "machine", machine), "figures", figures)
    DOCUMENT.write_text(text, "utf-8")
    print(f"wrote {DOCUMENT.relative_to(ROOT)}")

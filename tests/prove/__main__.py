"""`make prove`: the durability proof. Exit code 0 only when everything holds and every mistake is found."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from tests.prove import breaking, report
from tests.prove.plan import Scene
from tests.prove.points import prove_points
from tests.prove.proof import Result, prove
from tests.prove.roles import Zygote

FORMS = ("embedded", "scaled")


def options(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description=__doc__)
    parser.add_argument("--cycles", type=int, default=60, help="faults per form (60)")
    parser.add_argument("--form", choices=[*FORMS, "both"], default="both")
    parser.add_argument("--seed", type=int, default=0, help="0: a fresh one, which is printed")
    parser.add_argument("--mutations", action="store_true", help="only the self-test of the checker")
    parser.add_argument("--failpoints", action="store_true", help="only the deterministic deaths")
    parser.add_argument("--only", default="", help="with --mutations or --failpoints: these, with commas")
    parser.add_argument("--write-docs", action="store_true", help="put the figures into docs/durability.md")
    return parser.parse_args(arguments)


class Session:
    """One call of the command: what was asked for, and what has come of it."""

    def __init__(self, asked: argparse.Namespace, console: Console) -> None:
        self.asked, self.console = asked, console
        self.seed = asked.seed or secrets.randbelow(1_000_000) + 1
        self.forms = FORMS if asked.form == "both" else (asked.form,)
        self.only = tuple(filter(None, asked.only.split(",")))
        self.results: list[Result] = []
        self.mutations: list[tuple[str, str]] = []
        self.points = ""
        self.failed: list[str] = []

    def say(self, text: str) -> None:
        """Progress, one line."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def cycles(self, zygote: Zygote) -> None:
        """The faults at random."""
        for form in self.forms:
            result = prove(Scene(form, self.asked.cycles, self.seed), zygote, self.say)
            self.results.append(result)
            self._judge(f"{form}, {self.asked.cycles} cycles", result)

    def _judge(self, what: str, result: Result) -> None:
        for line in result.findings.lines():
            self.say(f"  {line}")
        if not result.ok:
            self.failed.append(f"{what} with seed {self.seed}")

    def failpoints(self, zygote: Zygote) -> None:
        """The faults at every point."""
        told = []
        for form in self.forms:
            result, met = prove_points(form, self.seed, zygote, self.say, only=self.only)
            figures = result.findings.figures
            told.append(
                f"{form}: {met} deaths at failpoints, {figures.get('events', 0)} events acknowledged, "
                f"{len(result.findings.lost)} lost, {len(result.findings.duplicated)} duplicated"
            )
            self._judge(f"failpoints, {form}", result)
        self.points = "Deterministic deaths. " + "; ".join(told) + "."
        self.say(self.points)

    def self_test(self, zygote: Zygote) -> None:
        """Mistakes that must be found, and the same scenes without a mistake."""
        for name, scene in breaking.controls(self.seed).items():
            if not self.only or name in self.only:
                self._judge(f"control of {name}", prove(scene, zygote, _quietly))
                self.say(f"without a mistake, the scene of {name}: {'failed' if self.failed else 'holds'}")
        for name in self.only or breaking.NAMES:
            found, what = breaking.break_one(name, self.seed, zygote, _quietly)
            self.say(f"mistake {name}: {what}")
            self.mutations.append((name, what))
            if not found:
                self.failed.append(f"the mistake {name} was not found")

    def conclude(self) -> int:
        """Table, documents, exit code."""
        if self.results:
            self.console.print(report.table(self.results))
        if self.asked.write_docs and not self.failed:
            self.say(f"written to {report.write_docs(self.results, self.mutations, self.points)}")
        for what in self.failed:
            self.say(f"FAILED: {what}")
        self.say("proof failed" if self.failed else f"everything holds (seed {self.seed})")
        return 1 if self.failed else 0


def _quietly(text: str) -> None:
    """Progress that nobody needs to see."""


def main(arguments: list[str]) -> int:
    """Run what was asked for; everything when nothing in particular was."""
    asked = options(arguments)
    session = Session(asked, Console(width=160))
    began = time.monotonic()
    log = Path(tempfile.mkdtemp(prefix="o2c-prove-")) / "zygote.log"
    session.say(f"proof of commit {report.commit()}, seed {session.seed}")
    zygote = Zygote(log)
    some = asked.mutations or asked.failpoints
    try:
        if asked.failpoints or not some:
            session.failpoints(zygote)
        if asked.mutations or not some:
            session.self_test(zygote)
        if not some:
            session.cycles(zygote)
    finally:
        zygote.close()
    code = session.conclude()
    session.say(f"took {(time.monotonic() - began) / 60:.1f} minutes")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

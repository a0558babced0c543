"""`python -m bench`: measure the hub and print ratios; --write-docs puts them into docs/performance.md."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from bench.machine import cores, describe, pin
from bench.report import Report, write_document

COMMANDS = {
    "acceptance": "durable webhooks per second on one core, against storing nothing and against bare commits",
    "ipaas": "the integration job: 20-line deal in, computed order out; latency, outage, crash, repeats",
    "mapping": "a deal translated by the mapping, by hand-written code and in other languages; the cents",
    "loop": "won deals per second through the whole loop, embedded and scaled",
    "growth": "what an order costs with 1,000 and with 100,000 orders stored",
    "crm": "100,000 deals read in from HubSpot and from Salesforce, killed twice; a burst of 10,000 webhooks",
    "bank": "camt.053 against the bare XML parser, memory of 100 MB, MT940 against mt-940; table of formats",
    "statements": "a bank statement of 100,000 entries into the books, resumed once, against bare inserts",
    "edi": "X12 orders split, checked and named, against pyx12's plain reader in the same run; memory",
    "governor": "a vendor of 200 ms that bears five calls at once: how near to 25 calls/s, never a sixth",
    "peers": "the integration job on n8n and Node-RED (installed by npm into a temporary folder)",
}


PINS = {
    "acceptance": cores()[1:],
    "ipaas": cores()[1:],
    "peers": cores()[1:],
    "growth": cores()[:1],
    "mapping": cores()[:1],
    "bank": cores()[:1],
    "statements": cores()[:1],
    "edi": cores()[:1],
}


def _run(name: str) -> Callable[..., Report]:
    from importlib import import_module

    runner: Callable[..., Report] = import_module(f"bench.{name}").run
    return runner


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked; 1 when a promised ratio is not met."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("command", nargs="?", default="all", choices=[*COMMANDS, "all"], help="default: all")
    parser.add_argument(
        "--quick", action="store_true", help="seconds instead of minutes: does it run at all?"
    )
    parser.add_argument(
        "--write-docs", action="store_true", help="write kept figures into docs/performance.md"
    )
    parser.epilog = "  ".join(f"{name}: {what}." for name, what in COMMANDS.items())
    asked = parser.parse_args(arguments)
    names = list(COMMANDS) if asked.command == "all" else [asked.command]
    print("  ".join(f"{key}: {value};" for key, value in describe().items()))
    met = True
    for name in names:
        print(f"\n{name}: {COMMANDS[name]}", flush=True)
        start = time.monotonic()
        pin(*PINS.get(name, ()))
        report = _run(name)(quick=asked.quick)
        report.keep()
        met &= asked.quick or all(verdict.met is not False for verdict in report.verdicts)
        print(f"  ({time.monotonic() - start:.0f} s)", flush=True)
    if asked.write_docs:
        write_document(list(COMMANDS))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

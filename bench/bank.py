"""Reading bank files: camt against the bare XML parser, memory of a large file, MT940 against mt-940."""

from __future__ import annotations

import gc
import importlib
import io
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from types import ModuleType

from lxml import etree

from bench import formats
from bench.machine import wait_quiet
from bench.report import Report
from connectors.bank import camt_stream, mt940, summary
from connectors.bank.statement import Statement

CAMT_MIN = 30.0  # MB/s for the sums of a camt.053 on a machine whose bare parser does 50 or more
PARSER_MIN = 0.6  # of the speed of the bare parser, whatever the machine
GROWTH_MAX = 1.25  # memory of ten times the file
LIBRARY_MIN = 1.0  # times the mt-940 library
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
    "<BkToCstmrStmt><GrpHdr><MsgId>1</MsgId></GrpHdr><Stmt><Id>S</Id><Acct><Id><IBAN>DE89370400440532013000"
    "</IBAN></Id><Ccy>EUR</Ccy></Acct>\n"
)
FOOT = "</Stmt></BkToCstmrStmt></Document>\n"
Way = Callable[[], object]


def run(*, quick: bool = False) -> Report:
    """Speed of camt and MT940, memory, and the table of formats."""
    size, rounds = (1_000_000, 2) if quick else (20_000_000, 7)
    report = Report(
        "bank", "Reading bank statements",
        f"One process on one core, medians of {rounds} rounds taking turns, processor time. Synthetic "
        f"camt.053 of {size / 1e6:g} MB, entries of 0.8 KB with one transaction; the MT940 samples that the "
        "mt-940 library reads, one call per file for both.",
        quick,
    )  # fmt: skip
    if not quick:
        wait_quiet(60)
    _camt(report, size, rounds)
    _memory(report, (1, 5) if quick else (10, 100))
    _mt940(report, rounds)
    if not quick:
        _table(report)
    return report


def statement(size: int) -> Iterator[str]:
    """A camt.053 of about this many bytes, piece by piece."""
    yield HEAD
    made = number = 0
    while made < size:
        text = _entry(number)
        made, number = made + len(text), number + 1
        yield text
    yield FOOT


def _entry(number: int) -> str:
    amount, way = f"{number * 7919 % 100_000 / 100:.2f}", "CRDT" if number % 3 else "DBIT"
    day = f"2026-03-{number % 28 + 1:02d}"
    second = "<Ustrd>second line</Ustrd>" if number % 5 == 0 else ""
    return (
        f'<Ntry>\n<NtryRef>{number}</NtryRef><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>'
        f"<Sts><Cd>BOOK</Cd></Sts>\n<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>"
        f"<AcctSvcrRef>B{number:012d}</AcctSvcrRef>\n<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd>"
        f"<SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>\n<NtryDtls><TxDtls><Refs><EndToEndId>E2E-{number}"
        f'</EndToEndId><TxId>T{number}</TxId></Refs><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{way}'
        f"</CdtDbtInd>\n<RltdPties><Dbtr><Pty><Nm>Customer {number % 997} &amp; Sons Ltd</Nm></Pty></Dbtr>"
        f"<DbtrAcct><Id><IBAN>DE{number % 97:02d}37040044{number:010d}</IBAN></Id></DbtrAcct></RltdPties>\n"
        f"<RltdAgts><DbtrAgt><FinInstnId><BICFI>COBADEFFXXX</BICFI></FinInstnId></DbtrAgt></RltdAgts>\n"
        f"<RmtInf><Ustrd>Invoice INV-{number} thank you</Ustrd>{second}</RmtInf></TxDtls>"
        "</NtryDtls>\n</Ntry>\n"
    )


def _turns(ways: dict[str, Way], rounds: int) -> dict[str, float]:
    """Median seconds of processor time of each, taking turns."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            gc.collect()
            start = time.process_time()
            way()
            spent[name].append(time.process_time() - start)
    return {name: median(seconds) for name, seconds in spent.items()}


def _camt(report: Report, size: int, rounds: int) -> None:
    body = "".join(statement(size)).encode()
    ways: dict[str, Way] = {
        "bare lxml iterparse, elements cleared": lambda: _bare(body),
        "sums (o2c bank read)": lambda: list(summary.streamed(io.BytesIO(body))),
        "entries": lambda: _entries(body),
        "entries with every transaction": lambda: _entries(body, inside=True),
    }
    seconds = _turns(ways, rounds)
    rates = {name: len(body) / 1e6 / taken for name, taken in seconds.items()}
    for name, rate in rates.items():
        report.add(f"camt.053, {name}", f"{rate:.1f} MB/s")
    bare, *_ = rates.values()
    ours = rates["sums (o2c bank read)"]
    wanted = min(CAMT_MIN, PARSER_MIN * bare)
    report.judge("camt.053, sums", f"{ours:.0f} MB/s", f"at least {wanted:.0f}", ours >= wanted)
    report.judge(
        "of the bare parser", f"{ours / bare:.2f}", f"at least {PARSER_MIN}", ours / bare >= PARSER_MIN
    )


def _bare(body: bytes) -> None:
    for _, node in etree.iterparse(io.BytesIO(body), tag="{*}Ntry"):
        node.clear()


def _entries(body: bytes, *, inside: bool = False) -> int:
    count = 0
    for part in camt_stream.parts(body):
        if not isinstance(part, Statement):
            count += len(list(part.transactions)) if inside else 1
    return count


def _memory(report: Report, megabytes: tuple[int, int]) -> None:
    """Peak of a process of its own that reads a small and a ten times larger file."""
    peaks = []
    for size in megabytes:
        with tempfile.NamedTemporaryFile("w", suffix=".xml", delete=False) as file:
            file.writelines(statement(size * 1_000_000))
        try:
            command = [sys.executable, "-m", "bench.bank", file.name]
            told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
            peaks.append(float(told.stdout))
        finally:
            os.unlink(file.name)
        report.add(f"peak memory reading {size} MB of camt.053", f"{peaks[-1]:.0f} MB")
    ratio = peaks[1] / peaks[0]
    what = f"memory of {megabytes[1]} MB to that of {megabytes[0]} MB"
    report.judge(what, f"{ratio:.2f}", f"at most {GROWTH_MAX}", ratio <= GROWTH_MAX)


def _mt940(report: Report, rounds: int) -> None:
    library = _library()
    paths = sorted((formats.SAMPLES / "mt940").glob("*"))
    if library is None or not paths:
        report.note("MT940: the mt-940 library or the samples are missing here, nothing is compared")
        return
    bodies = [(body, body.decode("utf-8-sig", "replace")) for body in (path.read_bytes() for path in paths)]
    options = library.Options.all()
    logging.getLogger("mt940").disabled = True
    for name in (name for name in logging.root.manager.loggerDict if name.startswith("mt940")):
        logging.getLogger(name).disabled = True

    def theirs(text: str) -> bool:
        try:
            library.parse_statements(text, options=options)
        except (RuntimeError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError):
            return False
        return True

    read = [(body, text) for body, text in bodies if theirs(text)]  # the others are left out for both
    size = sum(len(body) for body, _ in read) / 1e6
    ways: dict[str, Way] = {
        "mt-940": lambda: [theirs(text) for _, text in read],
        "hub": lambda: [list(mt940.read(body)) for body, _ in read],
    }
    seconds = _turns(ways, rounds)
    for name, taken in seconds.items():
        report.add(f"MT940, {name}, {len(read)} of {len(bodies)} files", f"{size / taken:.2f} MB/s")
    ratio = seconds["mt-940"] / seconds["hub"]
    report.judge("MT940, times mt-940", f"{ratio:.2f}", f"at least {LIBRARY_MIN}", ratio >= LIBRARY_MIN)


def _library() -> ModuleType | None:
    try:
        return importlib.import_module("mt940")
    except ImportError:
        return None


def _table(report: Report) -> None:
    """Printed, not kept: docs/bank-formats.md has it."""
    lines = [formats.HEAD, *(formats.cells(name, found) for name, found in formats.rows())]
    for line in lines:
        print("  " + " | ".join(line))
    if len(lines) == 1:
        report.note("no samples beside the checkout: no table of formats")


if __name__ == "__main__":
    found = summary.of_file(Path(sys.argv[1]))
    assert found.statements, found.problems
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)

"""Translating one won deal: the hub's mapping against code written by hand and against other languages."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from bench import cents, handwritten
from bench.acceptance import scratch
from bench.languages import JSONATA, PACKAGES, Engine, ready
from bench.machine import Meter, Usage, wait_quiet
from bench.peers import Missing
from bench.report import Report
from bench.running import HERE, IN, prepare
from bench.shots import LARGE, deal
from hub.mapping import Translator, check_mapping, compile_mapping, load

HAND_MAX = 1.6  # of the time of code written by hand
JSONATA_MIN = 3.0  # times the quickest JSONata
MAPPING = HERE / "mappings" / "deals" / "message.in.yaml"
OURS, HAND = "O2C Hub, the mapping", "written by hand in Python, Decimal"
Way = Callable[[], object]
Rates = dict[str, list[float]]  # documents per second, by what is measured, for every round


class _NoLookup:
    """This mapping has no cross-references."""

    def xref(self, kind: str, value: str) -> str:
        raise AssertionError((kind, value))


def run(*, quick: bool = False) -> Report:
    """Rates taking turns, the cents, and what a mapping costs before its first record."""
    rounds, seconds, invoices, records = (3, 0.02, 10, 50) if quick else (15, 0.2, 500, 1_000)
    report = Report(
        "mapping", "Translating a won deal of 20 lines",
        f"One process on one core, {rounds} rounds taking turns, {seconds:g} s of processor time each; "
        "medians. The same record and the same result for all; the one written by hand is equal to the last "
        "digit.",
        quick,
    )  # fmt: skip
    translator = compile_mapping(load(MAPPING))
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=scratch()))
    try:
        engines = _engines(report, folder)
        if not quick:
            wait_quiet(60)
        _speed(report, translator, engines, (rounds, seconds))
        _cents(report, translator, engines, invoices)
        _faults(report, translator, engines)
        _costs(report, folder, records)
        for label, engine in engines.items():
            report.note(f"{label}: {engine.cannot}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report


def record() -> dict[str, Any]:
    """The deal, as it is handed to a mapping."""
    made: dict[str, Any] = json.loads(deal(20, LARGE, "EID000000000001"))
    return made


def _engines(report: Report, folder: Path) -> dict[str, Engine]:
    if report.quick and not os.environ.get("BENCH_PEERS"):
        report.note("other languages left out: installing them takes a minute")
        return {}
    installed = Path(os.environ.get("BENCH_PEERS") or folder)
    found = {}
    for package in PACKAGES:
        try:
            found[package.label] = ready(package, installed / f"{package.name}-{package.version}")
        except Missing as problem:
            report.note(f"{package.label}: left out, {problem}")
    return found


# -- speed ------------------------------------------------------------------------
def _speed(
    report: Report, translator: Translator, engines: Mapping[str, Engine], how: tuple[int, float]
) -> None:
    given, lookup = record(), _NoLookup()
    wanted = translator.apply(given, lookup)
    assert handwritten.translate(given) == wanted
    ways: dict[str, Way] = {
        HAND: lambda: handwritten.translate(given),
        OURS: lambda: translator.apply(given, lookup),
    }
    for label, engine in engines.items():
        if differs := unlike(wanted, engine.translate(given)):
            report.note(f"{label}: its result differs at {differs}")
        ways[label] = partial(engine.translate, given)
    ways |= _of_text(translator, engines)
    rates, usage = _turns(ways, *how)
    for label, seen in rates.items():
        report.add(label, f"{median(seen):,.0f} documents/s, {1e6 / median(seen):,.0f} µs each", usage)
    _judge(report, rates, engines)


def _of_text(translator: Translator, engines: Mapping[str, Engine]) -> dict[str, Way]:
    """From JSON text to JSON text, for the engines that do this by themselves, and for us."""
    text = json.dumps(record())
    able = {label: engine.of_text for label, engine in engines.items() if engine.of_text}
    if not able:
        return {}

    def ours() -> bytes:
        parsed = json.loads(text, parse_float=Decimal)
        return orjson.dumps(translator.apply(parsed, _NoLookup()), default=str)

    ways: dict[str, Way] = {_text(OURS): ours}
    return ways | {_text(label): partial(way, text) for label, way in able.items()}


def _text(label: str) -> str:
    return f"{label}; JSON text in and out"


def _turns(ways: Mapping[str, Way], rounds: int, seconds: float) -> tuple[Rates, Usage]:
    """Every round measures each way once; the first round only warms up."""
    rates: Rates = {label: [] for label in ways}
    meter = Meter(())
    for turn in range(rounds + 1):
        for label, way in ways.items():
            rate = _rate(way, seconds)
            if turn:
                rates[label].append(rate)
    return rates, meter.stop()


def _rate(way: Way, seconds: float) -> float:
    """Calls per second of processor time."""
    done, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds:
        for _ in range(5):
            way()
        done += 5
    return done / spent


def _judge(report: Report, rates: Rates, engines: Mapping[str, Engine]) -> None:
    def times(one: str, other: str) -> float:
        """Of neighbours in the same round, so that a slow moment of the machine does not count."""
        return median(a / b for a, b in zip(rates[one], rates[other], strict=True))

    hand = times(HAND, OURS)
    report.judge(
        "time of the mapping / of code written by hand",
        f"{hand:.2f}", f"at most {HAND_MAX}", None if report.quick else hand <= HAND_MAX,
    )  # fmt: skip
    labels = {package.label for package in PACKAGES if package.name in JSONATA} & set(engines)
    if labels:
        best = max(labels, key=lambda label: median(rates[label]))
        found = times(OURS, best)
        met = None if report.quick else found >= JSONATA_MIN
        report.judge(f"O2C Hub / quickest JSONata, {best}", f"{found:.1f}", f"at least {JSONATA_MIN:g}", met)
        if _text(best) in rates:  # half of our time goes into reading and writing JSON, which is no mapping
            ratio = times(_text(OURS), _text(best))
            report.judge(f"O2C Hub / {_text(best)}", f"{ratio:.1f}", "-", None)
    for label in engines:
        if label not in labels:
            report.judge(f"O2C Hub / {label}", f"{times(OURS, label):.1f}", "-", None)


def unlike(ours: Any, theirs: Any, path: str = "") -> str:
    """Where two results differ by more than how they write numbers and days; empty where nowhere."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if ours.keys() != theirs.keys():
            return f"{path}: {', '.join(sorted(ours.keys() ^ theirs.keys()))}"
        return next(filter(None, (unlike(ours[key], theirs[key], f"{path}.{key}") for key in ours)), "")
    if isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"{path}: {len(theirs)} items"
        pairs = enumerate(zip(ours, theirs, strict=True))
        return next(filter(None, (unlike(a, b, f"{path}[{at}]") for at, (a, b) in pairs)), "")
    if isinstance(ours, Decimal | int) and isinstance(theirs, Decimal | int | float):
        return "" if abs(float(ours) - float(theirs)) < 0.011 else f"{path}: {theirs}"
    written = ours.isoformat() if isinstance(ours, date) else ours
    return "" if written == theirs else f"{path}: {theirs!r}"


# -- cents ------------------------------------------------------------------------
def _cents(report: Report, translator: Translator, engines: Mapping[str, Engine], invoices: int) -> None:
    formulas = {OURS: _our_formula, **{label: engine.formula for label, engine in engines.items()}}
    for what, formula, exact in cents.CASES:
        told: dict[str, list[str]] = defaultdict(list)
        for label, evaluate in formulas.items():
            found = evaluate(formula)
            told["exact" if cents.is_exact(found, exact) else cents.shown(found)].append(_short(label))
        right = f"{exact}: {', '.join(told.pop('exact', ['nobody']))}"
        report.add(what, "; ".join([right, *(f"{wrong}: {', '.join(who)}" for wrong, who in told.items())]))
    lookup, sample = _NoLookup(), list(cents.invoices(record(), invoices))
    ways: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
        HAND: handwritten.translate,
        OURS: lambda given: translator.apply(given, lookup),
    }
    ways |= {label: engine.translate for label, engine in engines.items()}
    for label, way in ways.items():
        tally = cents.count(way, sample)
        report.add(
            f"amounts that are not exact: {label}",
            f"{tally.wrong_lines:,} of {tally.lines:,} lines, "
            f"{tally.wrong_totals:,} of {tally.invoices:,} invoice totals",
        )
        if label == OURS:
            wrong = tally.wrong_lines + tally.wrong_totals
            report.judge("wrong amounts of the mapping", str(wrong), "0", wrong == 0)


def _short(label: str) -> str:
    return "the hub" if label == OURS else label.split(maxsplit=1)[0]


def _our_formula(formula: str) -> Any:
    from hub.mapping import loads

    told = formula.replace("NUMBER(", "DECIMAL(").replace("CENTS(", "ROUND(").replace(";", ", 2")
    text = f"mapping: bench.case -> message\nversion: 1\nfields:\n  body.x: {{ formula: '{told}' }}\n"
    return compile_mapping(loads(text)).apply({}, _NoLookup())["body"]["x"]


# -- faults -----------------------------------------------------------------------
def _faults(report: Report, translator: Translator, engines: Mapping[str, Engine]) -> None:
    """What each says of a record that cannot be translated."""
    lookup = _NoLookup()
    ways: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
        OURS: lambda given: translator.apply(given, lookup)
    }
    ways |= {label: engine.translate for label, engine in engines.items()}
    for what, field, value in (
        ("price '12,50'", "price", "12,50"),
        ("tax group 'exempt'", "tax_group", "exempt"),
    ):
        given = record()
        given["items"][3]["properties"][field] = value
        for label, way in ways.items():
            report.add(f"{what} in line 4: {label}", _said(way, given))


def _said(way: Callable[[Mapping[str, Any]], Mapping[str, Any]], given: Mapping[str, Any]) -> str:
    try:
        line = way(given)["body"]["lines"][3]
    except Exception as problem:  # noqa: BLE001 - each engine has its own
        told = " ".join(str(problem).replace("|", "/").split())
        return f"says: {told[:160]}"
    missing = sorted(
        {"unit_price", "tax_amount", "tax_code"} - {key for key in line if line[key] is not None}
    )
    return f"says nothing, leaves out {', '.join(missing)}" if missing else "says nothing"


# -- costs ------------------------------------------------------------------------
def _costs(report: Report, folder: Path, records: int) -> None:
    document = load(MAPPING)
    for what, way in (
        ("reading the mapping (YAML and grammar)", lambda: load(MAPPING)),
        ("compiling it", lambda: compile_mapping(document)),
        ("checking it (check_mapping)", lambda: check_mapping(document)),
    ):
        report.add(what, f"{_milliseconds(way, 3 if report.quick else 30):.1f} ms")
    meter = Meter(())
    spent, compared = backtested(folder / "hub", records)
    assert compared == records
    report.add(
        f"back-test of {records:,} records, two versions side by side, merged and compared",
        f"{spent:.2f} s of processor time", meter.stop(),
    )  # fmt: skip


def _milliseconds(way: Way, times: int) -> float:
    spent = []
    for _ in range(times):
        start = time.process_time()
        way()
        spent.append(time.process_time() - start)
    return median(spent) * 1e3


def backtested(folder: Path, count: int) -> tuple[float, int]:
    """Seconds of processor time for a back-test, and how many records were compared."""
    from hub import trying
    from hub.main import build
    from hub.mapping import loads
    from hub.settings import Settings
    from hub.store.mappings import Slot

    prepare(folder, 1)
    settings = Settings(
        data_dir=folder, config_dir=HERE / "config", mappings_dir=HERE / "mappings", database_url="",
        redis_url=None, log_level="ERROR",
    )  # fmt: skip
    text = MAPPING.read_text("utf-8")
    changed = text.replace("version: 1", "version: 2").replace("reduced: 7", "reduced: 8")
    pair = trying.Pair(*(compile_mapping(loads(version)) for version in (changed, text)))
    given = record()
    tried = [
        trying.Sample(str(n), "", {**given, "deal": {**given["deal"], "id": f"D{n}"}}) for n in range(count)
    ]
    parts = build(settings)
    try:
        start = time.process_time()
        found = trying.backtest(parts.hub, Slot(IN, "message", "in"), pair, tried)
        return time.process_time() - start, found.compared
    finally:
        parts.close()

"""No formula, however strange, does anything but give a value, give none, or be refused in our own words."""

from __future__ import annotations

import warnings

import pytest

from tests.hub.mapping import fuzz
from tests.hub.mapping.adversarial import REACHING


def _report(count: int, seed: int) -> fuzz.Report:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Python's parser thinks of a formula is not for the log
        return fuzz.run(fuzz.every(count, seed))


@pytest.mark.parametrize("seed", [1, 2])
def test_thousands_of_formulas_raise_nothing_but_our_own_errors_and_stay_quick(seed: int) -> None:
    report = _report(4_000, seed)
    assert report.faults == []
    # five times the limit that the long run proves: here other tests share the machine's cores and caches
    assert report.slowest_ms < 5 * fuzz.BUDGET_MS, report.slowest


def test_the_formulas_reach_every_outcome() -> None:
    report = _report(4_000, 3)
    assert set(report.outcomes) == {"refused", "case", "value", "no value"}
    assert min(report.outcomes.values()) > 100


def test_the_fuzzer_sees_an_exception_that_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(formula: str) -> None:
        raise KeyError(formula)

    monkeypatch.setattr(fuzz, "parse_formula", fails)
    report = fuzz.run(iter([("a", {})]))
    assert report.faults == ["KeyError: 'a' from 'a'"]


@pytest.mark.parametrize("formula", REACHING)
def test_reaching_into_python_is_refused_while_the_formula_is_read(formula: str) -> None:
    assert fuzz.outcome(formula, fuzz.RECORDS[1]) == "refused"

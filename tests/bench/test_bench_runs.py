"""Every sub-command of the benchmark works; no figure of these short runs is judged.

What takes long also in its quick form is run by `make prove`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = ("acceptance", "ipaas", "mapping", "loop", "growth", "statements", "crm", "governor", "peers")
pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="pinning needs Linux")


@cache
def shown(name: str, seconds: float = 110) -> str:
    """What the quick form of a sub-command prints."""
    command = [sys.executable, "-m", "bench", name, "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_help_names_every_sub_command() -> None:
    command = [sys.executable, "-m", "bench", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert all(name in done.stdout for name in (*COMMANDS, "all", "--quick", "--write-docs"))


def test_peers_says_why_it_is_skipped() -> None:
    assert "skipped" in shown("peers")


@pytest.mark.prove
@pytest.mark.timeout(400)
def test_growth_compares_two_histories() -> None:
    assert "cost at 24 / cost at 6" in shown("growth", seconds=380)


@pytest.mark.prove
def test_statements_are_absorbed_and_resumed() -> None:
    told = shown("statements")
    assert "nothing lost, nothing twice: 540 payments" in told
    assert "it broke off after 499 entries" in told
    assert "NOT MET" not in told


def test_mapping_is_compared_with_code_written_by_hand_and_loses_no_cent() -> None:
    told = shown("mapping")
    assert "time of the mapping / of code written by hand" in told
    assert "wrong amounts of the mapping: 0" in told
    assert "other languages left out" in told
    assert "back-test of 50 records" in told


@pytest.mark.prove
@pytest.mark.timeout(400)
def test_crm_reads_two_histories_through_a_death_each() -> None:
    told = shown("crm", seconds=380)  # leases of the dead end by the clock, however busy the machine is
    assert told.count("nothing lost, nothing twice") == 2
    assert told.count("deaths: 1") == 2
    assert "burst: orders at their deal's newest state" in told
    assert "NOT MET" not in told


@pytest.mark.prove
@pytest.mark.timeout(400)
def test_governor_never_lets_a_sixth_call_through() -> None:
    told = shown("governor", seconds=220)
    assert "embedded" in told
    assert "NOT MET" not in told
    assert "us per call" in told


@pytest.mark.prove
@pytest.mark.timeout(400)
def test_loop_carries_deals_to_invoices() -> None:
    assert "deals/s" in shown("loop", seconds=380)


@pytest.mark.prove
def test_acceptance_compares_durable_with_storing_nothing_and_with_bare_commits() -> None:
    told = shown("acceptance")
    assert "durable / storing nothing (a)" in told
    assert "durable / single commits (b)" in told
    assert "other_cpu" in told
    assert "0 refused" in told


def test_ipaas_delivers_and_in_a_crash_loses_and_repeats_nothing() -> None:
    told = shown("ipaas")
    assert "delivered at full load" in told
    assert "lost / repeated (kill): 0 / 0" in told

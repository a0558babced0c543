"""Every bank sample is read with the right counts, sums and balances, or is told to be wrong.

What is right is counted by bench/counting.py, which shares no code with the readers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from importlib.metadata import EntryPoint

import pytest
import typer
from typer.testing import CliRunner

from bench import formats
from bench.counting import FORMATS, Format
from bench.formats import Judged
from hub import cli_extra

pytestmark = pytest.mark.skipif(
    not formats.SAMPLES.is_dir(), reason=f"no {formats.SAMPLES.name} samples beside the checkout"
)
# Share of the valid samples that must be right, and share that may be parked for what does not add up.
RIGHT = {"MT940, MT942": Fraction(98, 100), "NACHA": Fraction(98, 100)}
PARKED = {"camt.052": Fraction(4, 100), "camt.054": Fraction(4, 100), "NACHA": Fraction(2, 100),
          "lockbox": Fraction(0), "OFX": Fraction(0), "CSV": Fraction(0)}  # fmt: skip


def samples(name: str, every: int) -> Sequence[Judged]:
    found = [formats.judged(path, FORMATS[name]) for path in formats.files(FORMATS[name], every=every)]
    if not found:
        pytest.skip(f"no samples of {name}")
    return found


@pytest.mark.parametrize("name", FORMATS)
def test_samples_are_read_right_and_those_made_wrong_are_named(name: str) -> None:
    holds(name, samples(name, 8))


@pytest.mark.prove
@pytest.mark.parametrize("name", ["camt.052", "camt.053", "camt.054", "NACHA"])
def test_all_bulk_samples_are_read_right(name: str) -> None:
    holds(name, samples(name, 1))


def holds(name: str, found: Sequence[Judged]) -> None:
    valid = [one for one in found if one.valid]
    wrong = [one for one in valid if not (one.transactions and one.sums) or one.balances is False]
    assert Fraction(len(valid) - len(wrong), len(valid)) >= RIGHT.get(name, Fraction(1)), wrong
    parked = [one.name for one in valid if one.parked]
    assert Fraction(len(parked), len(valid)) <= PARKED.get(name, Fraction(1)), parked
    assert [one.name for one in found if not one.valid and not one.named] == []


def test_every_real_statement_balances() -> None:
    bulk = Format(("_bulk_camt053",), FORMATS["camt.053"].count, "camt")
    found = [formats.judged(path, bulk) for path in formats.files(bulk, every=4)]
    if not found:
        pytest.skip("no bulk samples")
    assert [one.name for one in found if one.parked or not one.valid] == []


def test_the_command_prints_one_object_per_file_whatever_the_files_are() -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    cli_extra.mount(app, EntryPoint("bank", "connectors.bank.commands:COMMANDS", cli_extra.GROUP))
    paths = [
        str(sorted(folder.iterdir())[0])
        for folder in sorted(formats.SAMPLES.iterdir())
        if folder.is_dir() and folder.name != "openapi"
    ]
    told = CliRunner().invoke(app, ["bank", "read", "--json", *paths])
    assert told.exit_code == 0, told.output
    objects = [json.loads(line) for line in told.output.splitlines()]
    assert [one["file"] for one in objects] == paths
    assert all(one["statements"] or one["problems"] for one in objects)

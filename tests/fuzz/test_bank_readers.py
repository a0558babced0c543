"""The fuzzer finds nothing in half a minute. Longer: python -m tests.fuzz.bank_readers SECONDS."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("atheris", reason="atheris is not installed")


@pytest.mark.prove
def test_no_reader_fails_under_the_fuzzer() -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.fuzz.bank_readers", "30"]
    told = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=110, check=False)
    assert told.returncode == 0, told.stderr[-3_000:]
    assert "Done" in told.stderr

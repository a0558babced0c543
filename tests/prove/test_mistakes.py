"""Every mistake of the proof can still be made: the hub has the places that they change."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.prove.mutations import MUTATIONS
from tests.world import ROOT


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mistake_changes_something_that_is_there(name: str) -> None:
    told = f"from tests.prove.mutations import break_it; break_it({name!r})"  # in a process of its own
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")

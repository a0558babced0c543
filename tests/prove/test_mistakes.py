"""Every mistake of the proof can still be made: the hub has the places that they change."""

from __future__ import annotations

import subprocess
import sys

from tests.prove.mutations import MUTATIONS
from tests.world import ROOT

# Each in a process of its own, because a mistake stays; forked, because imports take longer than the rest.
MAKE_EACH = """
import os
from tests.prove.mutations import MUTATIONS, break_it
for name in MUTATIONS:
    child = os.fork()
    if not child:
        break_it(name)
        os._exit(0)
    print(name, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_every_mistake_changes_something_that_is_there() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MAKE_EACH], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"{name} 0" for name in MUTATIONS]

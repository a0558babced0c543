"""Deterministic deaths: the hub ends itself at every failpoint, at the 1st, 2nd and 5th pass."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.prove.plan import Load, Scene, fault
from tests.prove.proof import DEAD, Result, Say, Stage, conclude, figures, staged
from tests.prove.roles import Role, Zygote

REACH_SECONDS = 90.0
PASSES = (1, 2, 5)
AT_THE_DOOR = (
    "webhook.before_commit", "webhook.after_commit", "file.before_commit", "file.after_commit",
    "poll.before_commit", "sweep.before_ring",
)  # fmt: skip
AT_WORK = (
    "process.claimed", "process.before_settle", "deliver.claimed", "push.before", "call.before_send",
    "call.after_send", "push.after", "settle.before_commit", "failure.before_commit", "ring.before",
)  # fmt: skip
# enough trouble to pass the failpoints of failure; every death is an attempt, and each doubles the next wait
FAULTS = (fault("lost_reply", 0.05), fault("refuse", 0.02, status=503))
LOAD = Load(orders_per_second=1.5, late_seconds=5.0)
FIRST = "migrate.before_commit"
EVERYWHERE = ("commit.before", "commit.after")


def points(form: str, role: str) -> Sequence[str]:
    """The failpoints that this role passes."""
    if form == "embedded":
        return (*AT_THE_DOOR, *AT_WORK, *EVERYWHERE)
    return (*(AT_THE_DOOR if role == "web" else AT_WORK), *EVERYWHERE)


def prove_points(
    form: str, seed: int, zygote: Zygote, say: Say, *, passes: Sequence[int] = PASSES,
    only: Sequence[str] = (),
) -> tuple[Result, int]:  # fmt: skip
    """Die at each point while orders come in; then drain and count. Returns also how many points were met."""
    folder = Path(tempfile.mkdtemp(prefix="o2c-points-"))
    began = time.monotonic()
    scene = Scene(form, 0, seed, load=LOAD, erp_faults=FAULTS, crm_faults=(), env={"O2C_PROCESSES": "1"})
    met, missed = 0, []
    with staged(scene, zygote, folder, first=FIRST) as stage:
        stage.market.start()
        met += 1
        for role in stage.hub.roles.values():
            chosen = [p for p in points(form, role.name) if not only or p in only]
            wanted = [f"{point}:{nth}" for nth in passes for point in chosen]
            for point, reached in die_at(stage, role, wanted):
                met += reached
                missed += [] if reached else [point]
                say(f"{form} {role.name}: {point} {'met' if reached else 'NOT MET'}")
        stage.hub.await_alive()
        result = conclude(stage, say)
        figures(stage, result)
    result.findings.wrong += [f"failpoint {point} was never reached" for point in missed]
    result.seconds = time.monotonic() - began
    if result.ok:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        say(f"what is left of it is in {folder}")
    return result, met


def die_at(stage: Stage, role: Role, wanted: Sequence[str]) -> list[tuple[str, bool]]:
    """Each process that dies at its point is followed by one that is to die at the next."""
    found = []
    role.next_start(O2C_FAILPOINT=wanted[0])
    starts = role.starts
    role.kill()
    for n, point in enumerate(wanted):
        role.await_start(starts + 1)
        starts = role.starts
        ends = len(role.ends)
        role.next_start(**({"O2C_FAILPOINT": wanted[n + 1]} if n + 1 < len(wanted) else {}))
        until = time.monotonic() + REACH_SECONDS
        while len(role.ends) == ends and time.monotonic() < until:
            time.sleep(0.02)
        reached = len(role.ends) > ends and role.ends[ends] == DEAD
        found.append((point, reached))
        if len(role.ends) == ends:
            role.kill()
    return found

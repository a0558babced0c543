"""The self-test of the proof: with each mistake put into the hub, the checker must find what it leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.prove.mutations import MUTATIONS
from tests.prove.plan import HANG_SECONDS, Load, Scene, fault
from tests.prove.proof import Result, Say, prove
from tests.prove.roles import Zygote

KILL = ("kill -9 web",)
TRANSFORM = {"method": "POST", "path": "!transform/invoice"}
STORM = {"status": 429, "headers": {"retry-after": "1"}, "body": {"status": "error", "message": "slow down"}}
BUSY = Load(orders_per_second=3.0, goods=0.0, late_seconds=4.0)


@dataclass(frozen=True)
class Trial:
    """A scene that brings the mistake to light, and which list of findings must tell of it."""

    scene: Scene
    sees: str  # lost | duplicated | wrong


def trials(seed: int) -> Mapping[str, Trial]:
    """One per mutation."""

    def scene(cycles: int, **facts: object) -> Scene:
        plain = {
            "between": (0.8, 2.2),
            "erp_faults": (),
            "crm_faults": (),
            "actions": KILL,
            "load": BUSY,
            "drain_seconds": 30.0,
        }
        return Scene(**{"form": "embedded", "cycles": cycles, "seed": seed, **plain, **facts})  # type: ignore[arg-type] # by name

    lost = (fault("lost_reply", 0.3, **TRANSFORM),)
    slow = (fault("slow", 0.15, seconds=HANG_SECONDS, **TRANSFORM),)
    late = (fault("hang_after", 0.7, seconds=1.0, **TRANSFORM),)
    reading = (fault("hang_after", 0.9, seconds=1.0, method="GET", path="record/v1/salesOrder"),)
    upsert = (fault("lost_reply", 0.3, method="PUT", path="eid:"),)
    nothing = ("nothing",)
    return {
        "ack_before_commit": Trial(scene(8), "lost"),
        "no_sweep": Trial(scene(5, erp_faults=lost), "wrong"),
        "no_fence": Trial(
            scene(
                6, erp_faults=reading, actions=("freeze web, nobody else protects",), between=(4.0, 6.0),
                load=Load(orders_per_second=1.0, goods=0.0, late_seconds=4.0),
            ),
            "duplicated",
        ),
        "new_reference": Trial(scene(12, erp_faults=upsert, actions=nothing), "duplicated"),
        "no_quiesce": Trial(scene(25, erp_faults=slow, actions=nothing), "duplicated"),
        "unknown_is_undone": Trial(scene(12, erp_faults=lost, actions=nothing), "duplicated"),
        "forgotten_crash": Trial(scene(12, erp_faults=late), "duplicated"),
        "counted_429": Trial(
            scene(
                # few rows for long enough that one of them is refused again and again
                30, erp_faults=(fault("refuse", 1.0, path="record/v1", **STORM),), actions=nothing,
                load=Load(orders_per_second=0.07, goods=0.0, late_seconds=2.0), between=(2.0, 3.0),
                env={"O2C_ATTEMPTS_MAX": "2"},
            ),
            "wrong",
        ),
    }  # fmt: skip


def break_one(name: str, seed: int, zygote: Zygote, say: Say) -> tuple[bool, str]:
    """Run the hub with one mistake; was it found, and what was found?"""
    from dataclasses import replace

    trial = trials(seed)[name]
    scene = replace(trial.scene, mutation=name)
    result = prove(scene, zygote, say, hasty=trial.sees == "duplicated")
    found: list[str] = getattr(result.findings, trial.sees)
    return bool(found), f"{len(found)} {trial.sees}: {found[0]}" if found else _nothing(result)


def _nothing(result: Result) -> str:
    return "NOT FOUND; instead: " + ("; ".join(result.findings.lines()) or "nothing at all")


def controls(seed: int) -> Mapping[str, Scene]:
    """The scenes whose settings differ from the proof's, for a hub without a mistake: it must pass them."""
    return {name: trials(seed)[name].scene for name in ("counted_429", "no_quiesce", "forgotten_crash")}


NAMES = tuple(MUTATIONS)

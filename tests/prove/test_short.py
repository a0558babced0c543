"""The durability proof in small, for every run of the tests. `make prove` is the long one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import failpoints
from tests.prove import breaking
from tests.prove.plan import Load, Scene
from tests.prove.points import FIRST, die_at
from tests.prove.proof import conclude, cycles, staged
from tests.prove.roles import Zygote

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="freezes and kills process groups as Linux does"
)
SEED = 11
CALM = Load(orders_per_second=2.0, late_seconds=2.0)
POINTS = ("webhook.after_commit:1", "process.before_settle:1", "push.after:1", "settle.before_commit:1")


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """A process with the hub imported, to fork hubs from."""
    started = Zygote(tmp_path_factory.mktemp("prove") / "zygote.log")
    yield started
    started.close()


def test_kills_and_deaths_between_two_steps_lose_nothing_and_write_nothing_twice(
    zygote: Zygote, tmp_path: Path
) -> None:
    scene = Scene("embedded", 3, SEED, load=CALM, actions=("kill -9 web",), between=(0.5, 1.2))
    with staged(scene, zygote, tmp_path, first=FIRST) as stage:
        stage.market.start()
        assert cycles(stage, print_nothing, hasty=True) == []
        died = die_at(stage, stage.hub.roles["web"], POINTS)
        stage.hub.await_alive()
        result = conclude(stage, print_nothing)
        assert stage.nemesis.counted()["kill -9 web"] == 3
    assert died == [(point, True) for point in POINTS]
    assert list(result.findings.lines()) == []
    figures = result.findings.figures
    assert figures["orders"] == figures["invoices"] >= figures["payments"] > 0


def test_the_checker_finds_a_mistake_that_is_put_in_on_purpose(zygote: Zygote) -> None:
    found, what = breaking.break_one("unknown_is_undone", SEED, zygote, print_nothing)
    assert found, what


def test_no_failpoint_is_armed_unless_the_environment_asks_for_it() -> None:
    assert failpoints._wanted == ""
    failpoints.failpoint("")
    failpoints.failpoint("push.after")


def print_nothing(text: str) -> None:
    """Progress that nobody reads."""

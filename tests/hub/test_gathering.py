"""How long deliveries of a busy connection gather: a lone one waits for nothing, a storm two seconds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.pace import BATCH_MAX, CROWD_FIRST, CROWD_MAX, Pace
from tests.hub.test_crowd import Crowd, note, swap
from tests.world import World


def rest(pace: Pace, at: float) -> float:
    """Seconds from `at` until the connection is read again, in hundredths."""
    return next(n / 100 for n in range(1_000) if not pace.gathering(at + n / 100))


def test_a_lone_delivery_makes_the_next_wait_for_a_hundredth_of_a_second_only() -> None:
    pace = Pace()
    assert not pace.gathering(0.0)
    pace.read("crm", 1, now=10.0)
    assert rest(pace, 10.0) <= 0.01


@pytest.mark.parametrize(("each_second", "seconds"), [(1, 0.08), (10, 0.71), (100, 2.0), (1_000, 2.0)])
def test_the_busier_a_connection_the_longer_its_deliveries_gather(each_second: int, seconds: float) -> None:
    pace = Pace()
    for second in range(60):
        pace.read("crm", each_second, now=float(second))
    assert rest(pace, 59.0) == pytest.approx(seconds, abs=0.03)
    assert pace.gathering(59.0) == ["crm"]
    assert rest(pace, 159.0) == 0.0, "and when the storm is over, nothing waits"


def test_another_connection_does_not_wait_with_it() -> None:
    pace = Pace()
    pace.read("crm", 10_000, now=5.0)
    pace.read("shop", 1, now=5.0)
    assert pace.gathering(5.5) == ["crm"]


def test_what_gathers_is_read_in_one_go(world: World) -> None:
    crowd: Crowd = swap(world, "crm", Crowd("crm"))
    world.hub.pace = Pace(rest_max=1e6)
    for n in range(150):
        world.send("crm", note(1, f"change {n}"))
    assert world.hub.process() == 150
    world.hub.pace.read("crm", 10**9)  # so busy that it gathers however slow this machine is
    for n in range(20):
        world.send("crm", note(1, f"later {n}"))
    assert world.hub.process() == 0, "it gathers"
    world.send("bank", world.credit("b1", "10.00"))
    assert world.hub.process() == 1, "others do not"
    world.hub.pace._traffic.clear()  # two seconds later
    assert world.hub.process() == 20
    assert crowd.asked == [150, 20]


def test_a_system_nobody_has_asked_yet_is_asked_about_a_moderate_crowd(world: World) -> None:
    crowd: Crowd = swap(world, "crm", Crowd("crm"))
    world.hub.pace = Pace(rest_max=0.0)
    for n in range(CROWD_FIRST + 50):
        world.send("crm", note(1, f"change {n}"))
    world.work()
    assert crowd.asked == [CROWD_FIRST, 50]


def test_a_crowd_is_as_large_as_its_system_is_quick() -> None:
    pace = Pace()
    pace.note_crowd("quick", 200, 0.2)
    pace.note_crowd("slow", 200, 20.0)
    pace.note_crowd("dead slow", 200, 2_000.0)
    sizes = [pace.crowd(name) for name in ("quick", "slow", "dead slow")]
    assert sizes == [CROWD_MAX, 100, BATCH_MAX]


def test_what_a_slow_system_told_is_absorbed_before_it_is_asked_again(world: World) -> None:
    """Reading took the time in which deliveries are read; absorbing calls nobody and goes on."""
    crowd: Crowd = swap(world, "crm", Crowd("crm"))
    world.hub.bounds = replace(
        world.hub.bounds, call=world.hub.bounds.lease
    )  # no time to begin a second read
    for n in range(150):
        world.send("crm", note(n))
    assert world.hub.process() == 150
    assert len(world.documents("message")) == 150
    assert crowd.asked == [150]


def test_crowds_become_smaller_while_they_fail_and_larger_when_they_do_not() -> None:
    pace = Pace()
    sizes = []
    for failed in (True, True, True, False, False, False, False, False, False, False):
        size = pace.crowd("erp")
        sizes.append(size)
        (pace.crowd_failed("erp", size) if failed else pace.note_crowd("erp", size, size / 1_000))
    assert sizes == [CROWD_FIRST, 50, 12, 3, 6, 12, 24, 48, 96, 192]

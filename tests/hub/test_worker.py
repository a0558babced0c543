"""Who works on which queue, and when."""

from __future__ import annotations

import threading
import time

import pytest

from hub.worker import PAUSE, Turns


def test_quick_work_on_a_queue_is_done_by_one_at_a_time() -> None:
    turns = Turns()
    assert turns.take("inbox", quick=True)
    assert not turns.take("inbox", quick=True)
    assert turns.take("erp", quick=True)


def test_whoever_came_in_vain_is_answered_by_another_look() -> None:
    turns = Turns()
    turns.take("inbox", quick=True)
    turns.take("inbox", quick=True)
    assert turns.give_back("inbox")
    turns.take("inbox", quick=True)
    assert not turns.give_back("inbox")


def test_slow_systems_are_waited_for_by_several_at_once() -> None:
    turns = Turns()
    assert [turns.take("erp", quick=False) for _ in range(4)] == [True] * 4


def test_rows_gather_between_two_batches_of_a_quick_queue() -> None:
    turns = Turns()
    turns.take("inbox", quick=True)
    turns.give_back("inbox")
    began = time.monotonic()
    turns.take("inbox", quick=True)
    assert time.monotonic() - began >= PAUSE / 2  # a lower bound: sleep never returns early


def test_nobody_waits_for_a_queue_that_rested() -> None:
    turns = Turns()
    turns.take("inbox", quick=True)
    turns.give_back("inbox")
    threading.Event().wait(PAUSE)
    assert turns.take("inbox", quick=True)


def test_no_look_is_lost_however_the_workers_interleave() -> None:
    turns, rung, looked = Turns(), threading.Semaphore(0), []

    def come() -> None:
        if not turns.take("inbox", quick=True):
            return
        looked.append(threading.get_ident())
        if turns.give_back("inbox"):
            rung.release()

    workers = [threading.Thread(target=come) for _ in range(16)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    # everybody either looked, or made the one who was at it look again
    assert len(looked) == 16 or rung.acquire(blocking=False)


def test_a_pause_that_is_cut_short_gives_the_turn_back() -> None:
    turns, inside = Turns(), []

    class Cut(BaseException):
        pass

    def cut(seconds: float) -> None:
        inside.append(seconds)
        raise Cut

    turns.take("inbox", quick=True)
    turns.give_back("inbox")
    turns.sleep = cut
    with pytest.raises(Cut):
        turns.take("inbox", quick=True)
    assert inside
    turns.sleep = time.sleep
    assert turns.take("inbox", quick=True)


def test_two_work_for_a_quick_system_and_one_on_the_inbox() -> None:
    """One waits for the system's answers while the other prepares; the inbox waits for nobody."""
    turns = Turns()
    assert [turns.take("erp", quick=True) for _ in range(3)] == [True, True, False]
    assert [turns.take("inbox", quick=True) for _ in range(2)] == [True, False]


def test_a_queue_that_was_full_does_not_rest() -> None:
    turns = Turns()
    waited: list[float] = []
    turns.sleep = waited.append  # type: ignore[assignment] # writes down what it would have slept
    turns.take("inbox", quick=True)
    turns.give_back("inbox", 0.0)
    turns.take("inbox", quick=True)
    assert waited == []

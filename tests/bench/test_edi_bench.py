"""The quick form of `bench edi` works and keeps what is promised of pace."""

from __future__ import annotations

from bench import edi


def test_made_up_orders_are_sound_and_the_same_every_time() -> None:
    text = edi.interchange(orders=3)
    assert text == edi.interchange(orders=3)
    assert edi.checked(text) == 3
    assert edi.split(text) == edi.plain_reader(text) - 4  # ISA, GS, GE and IEA stand in no set


def test_pace_is_far_above_what_is_promised() -> None:
    text = edi.interchange(orders=40)
    edi.checked(text)
    plain = edi._seconds(lambda: edi.plain_reader(text), 3)
    assert plain / edi._seconds(lambda: edi.split(text), 3) > 2
    assert plain / edi._seconds(lambda: edi.checked(text), 3) > 0.15

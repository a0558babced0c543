"""A simulated Stripe account on a real port, a fresh one for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.kit import serve
from sandbox.stripe import StripeSandbox
from tests.sandbox.stripe.place import Clock, Inbox, Place, Switchboard, inbox


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def stripe_board() -> Iterator[Switchboard]:
    board = Switchboard()
    with serve(board) as board.url:
        yield board


@pytest.fixture(scope="session")
def _mail() -> Iterator[Inbox]:
    with inbox() as box:
        yield box


@pytest.fixture
def mail(_mail: Inbox) -> Inbox:
    _mail.status, _mail.got = 200, []
    return _mail


@pytest.fixture
def place(clock: Clock, stripe_board: Switchboard) -> Iterator[Place]:
    box = StripeSandbox(now=clock, auto=False)
    stripe_board.app = box.app
    found = Place(box, stripe_board.url, clock)
    yield found
    found.http.close()

"""A simulated HubSpot account on a real port, a fresh one for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.hubspot import HubSpotSandbox
from sandbox.kit import serve
from tests.sandbox.hubspot.place import SECRET, TOKEN, Clock, Place, Switchboard


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def hubspot_board() -> Iterator[Switchboard]:
    board = Switchboard()
    with serve(board) as board.url:
        yield board


@pytest.fixture
def place(clock: Clock, hubspot_board: Switchboard) -> Iterator[Place]:
    box = HubSpotSandbox(now=clock, token=TOKEN, client_secret=SECRET)
    hubspot_board.app = box.app
    found = Place(box, hubspot_board.url, clock)
    yield found
    found.http.close()

"""A simulated HubSpot account on a real port, a fresh one for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.hubspot import HubSpotSandbox
from tests.connectors.hubspot.account import SECRET, TOKEN, Account, Clock, Switchboard, switchboard


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def hubspot_server() -> Iterator[Switchboard]:
    with switchboard() as board:
        yield board


@pytest.fixture(scope="session")
def hub_server() -> Iterator[Switchboard]:
    with switchboard() as board:
        yield board


@pytest.fixture
def account(clock: Clock, hubspot_server: Switchboard) -> Account:
    sandbox = HubSpotSandbox(now=clock, token=TOKEN, client_secret=SECRET)
    hubspot_server.app = sandbox.app
    return Account(sandbox, hubspot_server.url, clock)

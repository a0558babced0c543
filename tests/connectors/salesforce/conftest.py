"""A simulated Salesforce org on a real port, a fresh one for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.salesforce.simulator import SalesforceSandbox
from tests.connectors.salesforce.company import Clock, Company, Switchboard, switchboard


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def salesforce_server() -> Iterator[Switchboard]:
    with switchboard() as board:
        yield board


@pytest.fixture
def company(clock: Clock, salesforce_server: Switchboard) -> Company:
    """An org with one currency, our package and two products."""
    made = Company(SalesforceSandbox(now=clock), salesforce_server.url, clock)
    salesforce_server.app = made.sandbox.app
    made.furnish()
    return made

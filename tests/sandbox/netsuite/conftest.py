"""A NetSuite account on a real port, and plain clients written from the vendor's documentation."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from sandbox.kit import serve
from sandbox.netsuite import NetSuiteSandbox
from tests.sandbox.netsuite.wire import Desk, Stage, Tba


@pytest.fixture
def account() -> NetSuiteSandbox:
    """An account that sells two goods and a service."""
    sandbox = NetSuiteSandbox()
    sandbox.add_item("BOLT-1", upc="4006381333931")
    sandbox.add_item("NUT-1")
    sandbox.add_item("SETUP", "serviceSaleItem")
    return sandbox


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Stage, str]]:
    """One port where each test's own account appears: starting a server costs more than a test."""
    made = Stage()
    with serve(made) as base:
        yield made, base


@pytest.fixture
def url(account: NetSuiteSandbox, stage: tuple[Stage, str]) -> str:
    """The address of this test's account."""
    stage[0].app = account.app
    return stage[1]


@pytest.fixture
def desk(account: NetSuiteSandbox, url: str) -> Iterator[Desk]:
    """A client of the REST service, and the sandbox's controls."""
    with (
        httpx.Client(base_url=url, auth=Tba(account), timeout=20) as signed,
        httpx.Client(base_url=url) as plain,
    ):
        yield Desk(account, signed, plain)

"""A company with content behind its API on a real port."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.ui import company as companies
from tests.ui.company import Company

Call = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Three weeks of business; shared by the tests of a module."""
    with companies.busy(tmp_path_factory.mktemp("busy")) as made:
        yield made


@pytest.fixture(scope="module")
def url(company: Company) -> Iterator[str]:
    """Where it is served."""
    with companies.served(company) as base:
        yield base


@pytest.fixture(scope="module")
def call(company: Company, url: str) -> Iterator[Call]:
    """call("GET", "/cases", role="viewer", json=...): one request to the API."""
    with httpx.Client(base_url=f"{url}/api/v1", timeout=20) as client:

        def ask(
            method: str, path: str, *, role: str = "admin", token: str = "", **more: object
        ) -> httpx.Response:
            sent = token or company.tokens.get(role, "")
            headers = {"authorization": f"Bearer {sent}"} if sent else {}
            return client.request(method, path, headers=headers, **more)

        yield ask

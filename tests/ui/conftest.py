"""A company with content behind its console on a real port, and visitors to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.ui import company as companies
from tests.ui.company import Company


class Visitor(httpx.Client):
    """A browser without scripts: keeps cookies, sends the form token of the session it is in."""

    def token(self, path: str = "/login") -> str:
        """The form token of a page."""
        found = re.search(r'name="form_token" value="([0-9a-f]+)"', self.get(path).text)
        assert found, path
        return found.group(1)

    def login(self, secret: str) -> httpx.Response:
        """Fill in the login form."""
        return self.post("/login", data={"form_token": self.token(), "token": secret, "next": "/"})

    def submit(self, path: str, page: str = "/", **fields: Any) -> httpx.Response:
        """Send a form of a page."""
        return self.post(path, data={"form_token": self.token(page), **fields})


Visit = Callable[..., Visitor]


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


@pytest.fixture
def visit(company: Company, url: str) -> Iterator[Visit]:
    """visit("operator"): somebody who is logged in; visit(): somebody who is not."""
    opened: list[Visitor] = []

    def come(role: str = "", base: str = url) -> Visitor:
        visitor = Visitor(base_url=base, timeout=20)
        opened.append(visitor)
        if role:
            assert visitor.login(company.tokens[role]).status_code == 303
        return visitor

    yield come
    for visitor in opened:
        visitor.close()

"""A running org and a plain HTTP client for it, as the tests of the REST side use them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

from sandbox.kit import serve
from sandbox.salesforce.simulator import SalesforceSandbox

START = datetime(2026, 11, 22, 9, 0, 0, tzinfo=UTC)


class Clock:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def move(self, **span: float) -> None:
        """Let time pass."""
        self.at += timedelta(**span)


class Running:
    """One org on a port. `get`, `post` ... take paths below /services/data/v68.0."""

    def __init__(self, sandbox: SalesforceSandbox, clock: Clock, base: str, client: httpx.Client) -> None:
        self.sandbox, self.org, self.clock, self.base, self.client = sandbox, sandbox.org, clock, base, client

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.sandbox.access_token}", **more.pop("headers", {})}
        version = more.pop("version", "68.0")
        url = f"{self.base}/services/data/v{version}{path}"
        return self.client.request(method, url, headers=headers, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any, **more: Any) -> httpx.Response:
        return self.call("POST", path, json=body, **more)

    def patch(self, path: str, body: Any, **more: Any) -> httpx.Response:
        return self.call("PATCH", path, json=body, **more)

    def query(self, soql: str, **more: Any) -> Any:
        """Records of a query that must succeed, numbers exact."""
        answer = self.get("/query", params={"q": soql}, **more)
        assert answer.status_code == 200, answer.text
        return answer.json(parse_float=Decimal)["records"]

    def refusal(self, soql: str) -> tuple[str, str]:
        """(errorCode, message) of a query that must fail with 400."""
        answer = self.get("/query", params={"q": soql})
        assert answer.status_code == 400, answer.text
        return answer.json()[0]["errorCode"], answer.json()[0]["message"]


@contextmanager
def running(**options: Any) -> Iterator[Running]:
    """A new org on a port of its own."""
    clock = Clock()
    sandbox = SalesforceSandbox(now=clock, **options)
    with serve(sandbox.app) as base, httpx.Client(timeout=20) as client:
        yield Running(sandbox, clock, base, client)


def error(answer: httpx.Response) -> tuple[int, str]:
    """(status, errorCode) of a single call that was refused."""
    return answer.status_code, answer.json()[0]["errorCode"]

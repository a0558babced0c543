"""Where the tests of the simulated Stripe play: account, clock, plain HTTP, the official library."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import stripe
from starlette.requests import Request
from starlette.responses import Response

from sandbox.kit import serve
from sandbox.stripe import KEY, StripeSandbox


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 10, 5, 9, 30, tzinfo=UTC)  # a Monday

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **amount: float) -> None:
        self.time += timedelta(**amount)


class Switchboard:
    """One server for all tests: starting and stopping one takes longer than most tests do."""

    def __init__(self) -> None:
        self.app: Any = None
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class Inbox:
    """A receiver of webhooks; `status` is what it answers."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.lock = threading.Lock()
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        body = await request.body()
        with self.lock:
            self.got.append((dict(request.headers), body))
        await Response(status_code=self.status)(scope, receive, send)


@contextmanager
def inbox() -> Iterator[Inbox]:
    """An inbox that listens."""
    box = Inbox()
    with serve(box) as box.url:
        yield box


class Place:
    """An account that listens."""

    def __init__(self, box: StripeSandbox, url: str, clock: Clock) -> None:
        self.box, self.url, self.clock = box, url, clock
        self.http = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {KEY}"}, verify=False, trust_env=False
        )
        self.client = self.official()

    def official(self, key: str = KEY, **settings: Any) -> stripe.StripeClient:
        """The official library, talking to this account."""
        http = stripe.HTTPXClient(allow_sync_methods=True, verify_ssl_certs=False)
        return stripe.StripeClient(
            key,
            base_addresses={"api": self.url},
            max_network_retries=settings.pop("retries", 0),
            http_client=http,
            **settings,
        )

    def call(self, method: str, path: str, form: Any = None, *, status: int = 200, **headers: str) -> Any:
        """The JSON that a call is answered."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.http.request(method, path, data=form, headers=sent)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.json()

    def customer(self, **fields: Any) -> str:
        """A customer; its id."""
        return str(
            self.call("POST", "/v1/customers", {"name": "Bolt AG", "email": "ap@bolt.example", **fields})[
                "id"
            ]
        )

    def draft(self, *amounts: int, customer: str = "", **fields: Any) -> Any:
        """An invoice with a line for each amount."""
        customer = customer or self.customer()
        base = {
            "customer": customer,
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "currency": "usd",
        }
        made = self.call("POST", "/v1/invoices", {**base, **fields})
        for amount in amounts:
            item = {"customer": customer, "invoice": made["id"], "currency": "usd", "amount": amount}
            self.call("POST", "/v1/invoiceitems", {**item, "description": f"Item of {amount}"})
        return self.get(f"/v1/invoices/{made['id']}")

    def invoice(self, *amounts: int, customer: str = "", **fields: Any) -> Any:
        """A finalized invoice."""
        made = self.draft(*amounts, customer=customer, **fields)
        return self.call("POST", f"/v1/invoices/{made['id']}/finalize", {})

    def reported(self, amount: int) -> str:
        """A payment reported from outside; its record's id."""
        sent = {
            "amount_requested[currency]": "usd", "amount_requested[value]": amount,
            "initiated_at": 1_790_000_000,
            "outcome": "guaranteed",
            "guaranteed[guaranteed_at]": 1_790_000_000,
            "payment_method_details[type]": "custom",
            "payment_method_details[custom][display_name]": "Bank transfer",
        }  # fmt: skip
        return str(self.call("POST", "/v1/payment_records/report_payment", sent)["id"])

    def get(self, path: str, **headers: str) -> Any:
        """What is read at an address."""
        return self.call("GET", path, **headers)

    def listed(self, path: str) -> list[Any]:
        """All elements of a list, page by page."""
        found: list[Any] = []
        join = "&" if "?" in path else "?"
        while True:
            after = f"&starting_after={found[-1]['id']}" if found else ""
            page = self.get(f"{path}{join}limit=100{after}")
            found += page["data"]
            if not page["has_more"]:
                return found

    def types(self) -> list[str]:
        """The types of all events, oldest first."""
        return [one["type"] for one in self.listed("/v1/events")][::-1]

"""How customers pay in the story: by bank transfer, by card at Stripe, by ACH with an 820 in its addenda."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
from starlette.types import ASGIApp

from sandbox.bank.ach import Paid, Receipt, render
from sandbox.stripe import KEY, StripeSandbox

# What can be asked for -> what is on stage besides the bank.
PAY: Mapping[str, str] = {
    "bank": "everybody pays by bank transfer",
    "all": "also a card at Stripe, and an ACH receipt with the payer's 820 in its addenda",
}
ROUTING, ACCOUNT = "123456780", "000123456789"  # no bank has this number


class Desk:
    """An account at Stripe. Its webhooks go to the hub; its payouts arrive on our bank account."""

    title, connection = "Stripe", "stripe"

    def __init__(self, now: Callable[[], datetime], bank_account: str) -> None:
        self._account = StripeSandbox(now=now)
        platform = self._account.platform
        platform.things[platform.bank]["last4"] = bank_account[-4:]
        self.app: ASGIApp = self._account.app
        self._told = 0

    def settings(self, url: str, hub: str) -> Mapping[str, Any]:
        """The key, and the secret of an endpoint that was made in the dashboard."""
        endpoint = self._account.add_endpoint(f"{hub}/webhooks/{self.connection}")
        return {"base_url": url, "api_key": KEY, "webhook_secrets": endpoint["_secret"], "public_url": hub}

    def pay(self, invoice: str) -> None:
        """The customer opens the page of an invoice, by its id there, and pays all of it by card."""
        self._account.pay(invoice)

    def days_passed(self) -> None:
        """The story's clock has moved: balances become available, payouts leave and arrive."""
        self._account.advance()

    def arrived(self) -> list[tuple[Decimal, str, str]]:
        """What has come to our bank account since the last time: amount, text and trace of each line."""
        lines = self._account.bank_lines()[self._told :]
        self._told += len(lines)
        return [(Decimal(one["amount"]) / 100, one["text"], one["trace_id"] or "") for one in lines]

    def balance(self) -> Decimal:
        """What Stripe holds for us: the sum of everything it ever booked."""
        return self._sum("net")

    def fees(self) -> Decimal:
        """What Stripe kept."""
        return self._sum("fee")

    def _sum(self, field: str) -> Decimal:
        with self._account.kit.lock:
            booked = self._account.platform.things.values()
            total = sum(int(one[field]) for one in booked if one["object"] == "balance_transaction")
        return Decimal(total) / 100


class AchBank:
    """Another bank of ours, which sends a Nacha file of the day's receipts instead of a statement."""

    connection = "ach"

    def __init__(self, now: Callable[[], datetime], key: str) -> None:
        self._now, self._key = now, key

    def settings(self) -> Mapping[str, Any]:
        """Only Nacha files, handed over by HTTP."""
        return {"upload_key": self._key, "format": "nacha"}

    def upload(self, url: str, payer: str, trace: str, items: list[Paid]) -> int:
        """A day's file with one receipt; the status of the answer."""
        moment: datetime = self._now()
        body = render([Receipt(payer, trace, items)], routing=ROUTING, account=ACCOUNT, now=moment)
        headers = {"authorization": f"Bearer {self._key}"}
        return httpx.post(url, content=body, headers=headers, timeout=10).status_code

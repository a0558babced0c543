"""The simulated Stripe as tests and stories use it: its app, its accounts, what people and banks do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sandbox.kit import Fault, Kit, build
from sandbox.stripe import accounts, endpoints, payouts, people, versions
from sandbox.stripe.account import Account, Thing, World
from sandbox.stripe.api import Api
from sandbox.stripe.clock import DAY, Clock
from sandbox.stripe.control import Control
from sandbox.stripe.gate import Gate, Key
from sandbox.stripe.hosted import Hosted
from sandbox.stripe.idempotency import Answers
from sandbox.stripe.methods import SUCCEEDS, Fate
from sandbox.stripe.refusals import Refused, rate_limited
from sandbox.stripe.shapes import snapshot
from sandbox.stripe.troubles import Trouble, Troubles
from sandbox.stripe.webhooks import RETRIES, Receipt, Sender

T = TypeVar("T")
KEY = "sk_test_51SandboxSecretKey000000"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class StripeSandbox:
    """A platform account and those connected to it. What the hub does comes over the API; what customers,
    banks and the passing of time do are methods here, and routes under /_sandbox."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = _utc_now,
        key: str = KEY,
        name: str = "Acme Instruments",
        country: str = "US",
        currency: str = "usd",
        version: str = versions.LATEST,
        auto: bool = True,
        retries: Sequence[int] = RETRIES,
    ) -> None:
        self.kit = Kit()
        self.world = World(self.kit, Clock(now))
        self.webhooks = Sender(self.world, auto=auto, retries=retries)
        self.platform = self.connect(name, country, currency)
        self.platform.version = versions.known(version)
        self.webhooks.platform = self.platform
        self.world.told = self.webhooks.queue
        self.gate = Gate(self.world, self.platform, time.monotonic)
        self.answers = Answers()
        self.troubles = Troubles(self.kit.lock)
        self.key = key
        self.add_key(key)
        self.api = Api(self.kit, self.world, self.gate, self.answers, self.troubles)
        routes = [*Control(self).routes(), *Hosted(self.kit, self.world).routes(), *self.api.routes()]
        self.app = build(self.kit, routes)

    def connect(self, name: str, country: str = "US", currency: str = "usd") -> Account:
        """One more account; all but the first are connected to the first."""
        with self.kit.lock:
            made = Account(self.world, name=name, country=country, currency=currency)
            made.snapshot = snapshot
            accounts.add_bank(made)
            payouts.every_day(made)
            return made

    def account(self, id: str = "") -> Account:
        """The account with this id, or the platform."""
        return self.world.accounts[id] if id else self.platform

    def add_key(self, key: str, rights: dict[str, str] | None = None) -> None:
        """One more API key; with `rights` (resource to none, read or write) a restricted one."""
        with self.kit.lock:
            self.gate.keys[key] = Key(key, rights)

    def roll_key(self, keep_seconds: int = 0) -> str:
        """A new secret key; the old one is good for so long still."""
        with self.kit.lock:
            self.gate.keys[self.key].expires = self.world.clock() + keep_seconds
            self.key = f"sk_test_51{self.world.token(24)}"
            self.gate.keys[self.key] = Key(self.key)
            return self.key

    def add_endpoint(
        self, url: str, events: Sequence[str] = ("*",), *, version: str | None = None, connect: bool = False
    ) -> Thing:
        """A webhook endpoint as made in the dashboard; `_secret` is what it signs with."""
        given = {"url": url, "enabled_events": list(events), "api_version": version, "connect": connect}
        with self.kit.lock:
            return endpoints.new_endpoint(self.platform, given)

    def roll_secret(self, endpoint: str, keep_seconds: int = DAY) -> str:
        """A new secret for an endpoint; both sign for `keep_seconds`."""
        with self.kit.lock:
            found = next(
                one.things[endpoint] for one in self.world.accounts.values() if endpoint in one.things
            )
            secret = f"whsec_{self.world.token(32)}"
            return endpoints.roll(found, secret, self.world.clock(), keep_seconds)

    def advance(self, seconds: int = 0, *, days: int = 0) -> None:
        """Time passes: debits arrive or fail, balances become available, payouts are made and arrive."""
        with self.kit.lock:
            self.world.clock.advance(seconds + days * DAY)
        self.webhooks.stir()

    def pay(
        self,
        invoice: str,
        amount: int | None = None,
        *,
        method: str = "card",
        fate: Fate = SUCCEEDS,
        account: str = "",
    ) -> Thing:
        """A customer pays an open invoice on its hosted page, all or a part; returns the payment intent."""
        return self._do(
            account, lambda one: people.pay(one, invoice, amount=amount, method=method, fate=fate)
        )

    def pay_freely(self, amount: int, currency: str = "usd", *, account: str = "", **more: Any) -> Thing:
        """Somebody pays without an invoice; returns the payment intent."""
        return self._do(account, lambda one: people.pay_freely(one, amount, currency, **more))

    def fail_debit(self, id: str, code: str = "insufficient_funds", *, account: str = "") -> Thing:
        """The bank refuses the debit of a charge, a payment intent or an invoice; returns the charge."""
        return self._do(account, lambda one: people.fail_debit(one, id, code))

    def dispute(
        self,
        id: str,
        reason: str = "fraudulent",
        *,
        amount: int | None = None,
        inquiry: bool = False,
        account: str = "",
    ) -> Thing:
        """A customer disputes a payment; returns the dispute."""
        return self._do(
            account, lambda one: people.dispute(one, id, reason=reason, amount=amount, inquiry=inquiry)
        )

    def decide(self, dispute: str, outcome: str, *, account: str = "") -> Thing:
        """The bank decides: won, lost, or escalate for an inquiry."""
        return self._do(account, lambda one: people.decide(one, dispute, outcome))

    def refund(self, id: str, amount: int | None = None, *, account: str = "") -> Thing:
        """Somebody refunds a payment in the dashboard; returns the refund."""
        return self._do(account, lambda one: people.refund(one, id, amount))

    def fail_refund(self, refund: str, *, account: str = "") -> Thing:
        """The customer's bank sends a refund back."""
        return self._do(account, lambda one: people.fail_refund(one, refund))

    def book(
        self, type: str, amount: int, described: str, currency: str = "usd", *, account: str = ""
    ) -> Thing:
        """Stripe books something by itself, such as stripe_fee or reserve_transaction; `amount` is signed."""
        return self._do(account, lambda one: people.book(one, type, amount, currency, described))

    def payout_day(self, *, account: str = "") -> list[Thing]:
        """Pay out now what is available."""
        return self._do(account, people.payout_day)

    def fail_payout(self, payout: str, code: str = "account_closed", *, account: str = "") -> Thing:
        """The bank refuses a payout, or returns it after it had arrived."""
        return self._do(account, lambda one: people.fail_payout(one, payout, code))

    def bank_lines(self, account: str = "") -> list[Thing]:
        """What the owner's bank has booked for payouts: signed amounts in the smallest unit."""
        with self.kit.lock:
            return list(self.account(account).lines)

    def trouble(self, kind: str, **facts: Any) -> None:
        """Misbehaviour to come, see sandbox.stripe.troubles."""
        with self.kit.lock:
            self.troubles.coming.append(Trouble(kind=kind, **facts))

    def rate_limit(self, times: int = 1, path: str = "", reason: str = "global-rate") -> None:
        """Answer the next calls with a 429 of this reason."""
        self._refuse(rate_limited(reason), times, path)

    def outage(self, status: int = 503, times: int = 1, path: str = "") -> None:
        """Answer the next calls with an error of the server; nothing is carried out or kept."""
        self._refuse(Refused(status, "Stripe is unavailable.", type="api_error"), times, path)

    def _refuse(self, refused: Refused, times: int, path: str) -> None:
        fault = Fault(
            kind="refuse",
            status=refused.status,
            body=refused.body,
            headers=refused.headers,
            times=times,
            path=path,
        )
        with self.kit.lock:
            self.kit.faults.append(fault)

    def set(
        self,
        account: str = "",
        *,
        version: str = "",
        schedule: str = "",
        per_second: int | None = None,
        **terms: Any,
    ) -> None:
        """An admin changes the account. Raises AttributeError for unknown terms."""
        with self.kit.lock:
            found = self.account(account)
            found.version = versions.known(version) if version else found.version
            found.schedule = schedule or found.schedule
            if per_second is not None:
                self.gate.per_second = per_second
            for name, value in terms.items():
                getattr(found.terms, name)
                setattr(found.terms, name, value)

    def send_pending(self) -> list[Receipt]:
        """Deliver webhooks that are due now."""
        return self.webhooks.send_pending()

    def _do(self, account: str, action: Callable[[Account], T]) -> T:
        with self.kit.lock:
            self.world.clock.tick()
            return action(self.account(account))

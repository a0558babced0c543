"""Stripe: invoices go out with a page to pay them on; payments, refunds, disputes and payouts come in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import ClassVar

from connectors.stripe import schema as fields
from connectors.stripe.backfill import backfill
from connectors.stripe.check import examine
from connectors.stripe.client import Client
from connectors.stripe.events import Event, parse_event
from connectors.stripe.finding import SEARCH_LAG_SECONDS
from connectors.stripe.install import install
from connectors.stripe.poll import poll
from connectors.stripe.reading import Reader
from connectors.stripe.settings import Settings
from connectors.stripe.signatures import check_signature
from connectors.stripe.sink import Scribe
from connectors.stripe.wire import Wire
from hub.sdk import (
    AuthFailed,
    Change,
    Delivery,
    Health,
    Idempotency,
    Kind,
    Limits,
    Manifest,
    Page,
    Schema,
    Step,
    Write,
)

__all__ = ["Settings", "Stripe"]

CONCURRENCY = 8  # Stripe limits calls per second and endpoint; this stays well below 25


class Stripe:
    """Source of payments, refunds, disputes and payouts; sink of customers, invoices and their settlement."""

    manifest: ClassVar[Manifest] = Manifest(
        name="stripe",
        title="Stripe",
        settings=Settings,
        kinds={
            "customer": Kind(outbound=True, idempotency=Idempotency.LOOKUP, quiesce=SEARCH_LAG_SECONDS),
            "invoice": Kind(
                inbound=True, outbound=True, idempotency=Idempotency.LOOKUP, quiesce=SEARCH_LAG_SECONDS
            ),
            # these look at the invoice itself before they write: the same call may be repeated any time
            "credit_memo": Kind(outbound=True, idempotency=Idempotency.NATIVE, only_with="customer"),
            "adjustment": Kind(outbound=True, idempotency=Idempotency.NATIVE, only_with="customer"),
            "payment": Kind(
                inbound=True, outbound=True, idempotency=Idempotency.NATIVE, only_with="customer"
            ),
            "refund": Kind(inbound=True),
            "dispute": Kind(inbound=True),
            "payout": Kind(inbound=True),
        },
        docs="connectors/stripe/README.md",
        limits=Limits(concurrency=CONCURRENCY),
        tier="gold",
        repeats_vary=True,  # pending_webhooks counts down, and polls bring events without their snapshot
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = Client(Wire(settings))
        self._reader = Reader(self._client, settings)
        self._scribe = Scribe(self._client, settings)

    def check(self) -> Health:
        """Tries the key, its mode, every permission, and looks at the webhook endpoint."""
        return examine(self._client, self._settings)

    def install(self, *, dry: bool) -> Iterator[Step]:
        """Makes the webhook endpoint at `public_url`."""
        return install(self._client, self._settings, dry=dry)

    def schema(self, kind: str) -> Schema:
        """The fields that matter of Stripe's objects; it has no fields of an account's own but metadata."""
        return fields.schema(kind)

    def verify(self, delivery: Delivery) -> Sequence[str]:
        """Signature first, then the body. Raises AuthFailed or Invalid."""
        check_signature(delivery, self._settings.secrets())
        event = parse_event(delivery.body)
        if self._is_foreign(event) and not self._settings.account:
            raise AuthFailed(
                "the event is of another account, or of the other of test and live mode", code="other_account"
            )
        return [event.id]

    def _is_foreign(self, event: Event) -> bool:
        """Is it about another account or mode? An endpoint of a platform gets events of all of them."""
        mode = event.livemode if event.livemode is not None else self._settings.livemode
        return event.account != self._settings.account or mode != self._settings.livemode

    def read(self, delivery: Delivery) -> Iterable[Change]:
        """Reads the object again that the event names: events are hints, unordered and repeated.

        Payments come before refunds and disputes of them. What has no form here is a change with a problem.
        """
        event = parse_event(delivery.body)
        if event.subject is None or self._is_foreign(event):
            return ()
        return self._reader.changes(event.subject)

    def poll(self, cursor: str | None) -> Page:
        """Events since the last one known, a hundred a page; after a month, objects by their lists."""
        return poll(self._client, self._settings, cursor)

    def backfill(self, since: datetime, cursor: str | None) -> Page:
        """Invoices, charges, refunds, disputes and payouts made since then, a hundred a page."""
        return backfill(self._client, self._settings, since, cursor)

    def push(self, write: Write) -> str:
        """Writes a customer, an invoice, a credit memo, or what was paid elsewhere of invoices."""
        return self._scribe.push(write)

    def find(self, kind: str, reference: str) -> str | None:
        """The customer or invoice that carries our reference, by lists and search. Raises Conflict."""
        return self._scribe.find(kind, reference)

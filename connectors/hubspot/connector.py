"""HubSpot: deals become orders, companies customers; orders, invoices and payments show in HubSpot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import ClassVar

from connectors.hubspot.backfill import backfill
from connectors.hubspot.check import examine
from connectors.hubspot.client import Client
from connectors.hubspot.events import asked, event_id, parse_events
from connectors.hubspot.install import install
from connectors.hubspot.poll import Walks, step, utc_now
from connectors.hubspot.reading import read_all
from connectors.hubspot.schema import BASELINE, PLACES, TYPE_IDS, assemble, present
from connectors.hubspot.settings import Settings
from connectors.hubspot.signatures import check_signature
from connectors.hubspot.sink import Scribe
from connectors.hubspot.translate import milliseconds
from connectors.hubspot.wire import Wire
from connectors.hubspot.writing import Writing
from hub.sdk import (
    AuthFailed,
    Change,
    ConnectorError,
    Delivery,
    Door,
    Field,
    Health,
    Idempotency,
    Kind,
    Limits,
    Manifest,
    Page,
    Record,
    Schema,
    Step,
    Write,
)

__all__ = ["HubSpot", "Settings"]

CONCURRENCY = 4  # HubSpot limits requests per ten seconds, not calls in flight
BATCH = 100  # inputs of one batch call


class HubSpot:
    """Source of customers and orders, sink of order progress, invoices and payments."""

    manifest: ClassVar[Manifest] = Manifest(
        name="hubspot",
        title="HubSpot",
        settings=Settings,
        kinds={
            "customer": Kind(inbound=True),
            "order": Kind(inbound=True, outbound=True, idempotency=Idempotency.NATIVE, only_with="order"),
            "invoice": Kind(outbound=True, idempotency=Idempotency.NATIVE, only_with="order"),
            "payment": Kind(outbound=True, idempotency=Idempotency.NATIVE, only_with="customer"),
        },
        docs="connectors/hubspot/README.md",
        limits=Limits(concurrency=CONCURRENCY, batch=BATCH),
        tier="gold",
        repeats_vary=True,  # attemptNumber; event_id() covers all that an event says
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        access = settings.access()
        door = Door(
            settings.base_url.rstrip("/"),
            auth=access,
            deadline=settings.deadline,
            connections=CONCURRENCY,
        )
        wire = Wire(door, settings.crm_version, access.secrets)
        self._client, self._writing = Client(wire), Writing(wire)
        self._scribe = Scribe(self._client, self._writing, notes=settings.notes)

    def check(self) -> Health:
        """Tries the token, every scope and the custom properties."""
        return examine(
            self._client,
            self._writing,
            portal_id=self._settings.portal_id,
            webhooks=bool(self._settings.secrets()),
        )

    def install(self, *, dry: bool) -> Iterator[Step]:
        """Makes the group `o2c` and the properties that mappings read and write."""
        return install(self._client, self._writing, notes=self._settings.notes, dry=dry)

    def schema(self, kind: str) -> Schema:
        """The properties we read and write, as HubSpot defines them now; else as shipped."""
        if kind not in PLACES:
            return Schema(fields=())
        try:
            found = {one: self._fields(one) for one in PLACES[kind].values()}
        except ConnectorError:
            return assemble(kind, BASELINE, complete=False)
        return assemble(kind, found, complete=True)

    def _fields(self, kind: str) -> Sequence[Field]:
        definitions = self._client.properties(kind)
        try:
            rules: Sequence[Record] = self._client.validations(TYPE_IDS[kind])
        except ConnectorError:  # rules are of some subscriptions only
            rules = ()
        return present(kind, definitions, self._settings.wanted(kind), rules)

    def verify(self, delivery: Delivery) -> Sequence[str]:
        """Signature first, then the body. Raises AuthFailed or Invalid."""
        settings = self._settings
        address = settings.public_url or delivery.url
        check_signature(delivery, address, settings.secrets(), settings.signature_versions)
        events = parse_events(delivery.body)
        portal = settings.portal_id
        if portal is not None and any(event.get("portalId") != portal for event in events):
            raise AuthFailed(f"an event is not from HubSpot account {portal}", code="other_portal")
        return [event_id(event) for event in events]

    def read(self, delivery: Delivery) -> Iterable[Change]:
        """Reads every object again that the events name: pushes are hints, unordered and repeated.

        Customers come before orders. A deal that cannot be expressed is a change with a problem.
        """
        return self.read_many([delivery])[0]

    def read_many(self, deliveries: Sequence[Delivery]) -> Sequence[Sequence[Change]]:
        """The same for many deliveries: what several of them name is read once."""
        return read_all(self._client, self._settings.wanted, [asked(one) for one in deliveries])

    def poll(self, cursor: str | None) -> Page:
        """Deals by time of last change, 200 a page; every ten minutes companies, contacts and deletions."""
        now = utc_now()
        here = Walks.parse(cursor) if cursor else Walks.start(self._settings.poll_from, milliseconds(now))
        return step(self._client, here, self._settings.base_url, now)

    def backfill(self, since: datetime, cursor: str | None) -> Page:
        """All deals changed since then, oldest first, then all companies; up to 1,000 a page."""
        url, wanted = self._settings.base_url, self._settings.wanted
        return backfill(self._client, wanted, since, cursor, url=url, now=utc_now())

    def push(self, write: Write) -> str:
        """Writes properties to the deal an order came from, or an invoice or payment under our own id."""
        return self._scribe.push(write)

    def push_many(self, writes: Sequence[Write]) -> Sequence[str | ConnectorError]:
        """The same in batches of up to 100; one answer per write."""
        return self._scribe.push_many(writes)

    def find(self, kind: str, reference: str) -> str | None:
        """Nothing to look for: deals are known by id, the rest by a unique property of ours (NATIVE)."""
        return None

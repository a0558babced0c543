"""HubSpot: deals become orders, companies become customers, and the deal shows how its order is doing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from connectors.hubspot.auth import Bearer, check_signature
from connectors.hubspot.check import examine
from connectors.hubspot.client import Client
from connectors.hubspot.events import event_id, parse_events, subjects
from connectors.hubspot.poll import PAGE, Cursor, arrival, following, question
from connectors.hubspot.reading import changes
from connectors.hubspot.schema import BASELINE, PLACES, assemble, present
from connectors.hubspot.translate import outgoing
from hub.sdk import (
    AuthFailed,
    Change,
    ConnectorError,
    Delivery,
    Door,
    Health,
    Idempotency,
    Kind,
    Limits,
    Manifest,
    Page,
    Rejected,
    Schema,
    SecretStr,
    Write,
)

CONCURRENCY = 4  # HubSpot limits requests per ten seconds, not calls in flight


class Settings(BaseModel):
    """What an admin enters. The token calls the API; the client secret is that of the app with webhooks."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    base_url: str = Field(default="https://api.hubapi.com", pattern=r"^https?://[^/]+/?$")
    crm_version: str = Field(default="2026-09", pattern=r"^20\d\d-(03|09)$", description="dated API version")
    access_token: SecretStr = Field(
        min_length=1, description="service key, or token of an app with static auth"
    )
    client_secret: SecretStr | None = Field(
        default=None,
        description="signs the webhooks; none: webhooks are refused and only polls bring changes",
    )
    previous_client_secret: SecretStr | None = Field(default=None, description="accepted while rotating")
    portal_id: int | None = Field(
        default=None, gt=0, description="HubSpot account; other accounts are refused"
    )
    public_url: str = Field(
        default="",
        description="target URL exactly as entered in HubSpot, where a proxy changes it on the way",
    )
    poll_from: datetime | None = Field(default=None, description="the first poll ignores older changes (UTC)")
    deadline: float = Field(default=30.0, gt=0, le=120, description="seconds for one call to HubSpot")
    deal_properties: tuple[str, ...] = Field(default=(), description="more properties that mappings use")
    company_properties: tuple[str, ...] = Field(default=(), description="the same for companies")
    contact_properties: tuple[str, ...] = Field(default=(), description="the same for contacts")
    line_item_properties: tuple[str, ...] = Field(default=(), description="the same for line items")

    def secrets(self) -> Sequence[str]:
        """Client secrets that may sign a webhook, the current one first. An empty one signs nothing."""
        known = (self.client_secret, self.previous_client_secret)
        return [text for secret in known if secret is not None and (text := secret.get_secret_value())]

    def wanted(self, kind: str) -> Sequence[str]:
        """Properties to ask for: the baseline and what the admin added."""
        more = {
            "deals": self.deal_properties,
            "companies": self.company_properties,
            "contacts": self.contact_properties,
            "line_items": self.line_item_properties,
        }
        return tuple(dict.fromkeys((*(f.name for f in BASELINE[kind]), *more[kind])))


class HubSpot:
    """Source of customers and orders, sink of order progress."""

    manifest: ClassVar[Manifest] = Manifest(
        name="hubspot",
        title="HubSpot",
        settings=Settings,
        kinds={
            "customer": Kind(inbound=True),
            "order": Kind(inbound=True, outbound=True, idempotency=Idempotency.NATIVE),
        },
        docs="connectors/hubspot/README.md",
        limits=Limits(concurrency=CONCURRENCY),
        tier="gold",
        repeats_vary=True,  # attemptNumber; event_id() covers all that an event says
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        door = Door(
            settings.base_url.rstrip("/"),
            auth=Bearer(settings.access_token),
            deadline=settings.deadline,
            connections=CONCURRENCY,
        )
        self._client = Client(door, settings.crm_version, settings.access_token)

    def check(self) -> Health:
        """Tries the token, every scope and the custom properties."""
        return examine(
            self._client, portal_id=self._settings.portal_id, webhooks=bool(self._settings.secrets())
        )

    def schema(self, kind: str) -> Schema:
        """The properties we read, as HubSpot defines them now; as shipped when it cannot be asked."""
        if kind not in PLACES:
            return Schema(fields=())
        kinds, wanted = PLACES[kind].values(), self._settings.wanted
        try:
            found = {one: present(one, self._client.properties(one), wanted(one)) for one in kinds}
        except ConnectorError:
            return assemble(kind, BASELINE, complete=False)
        return assemble(kind, found, complete=True)

    def verify(self, delivery: Delivery) -> Sequence[str]:
        """Signature first, then the body. Raises AuthFailed or Invalid."""
        check_signature(delivery, self._settings.public_url or delivery.url, self._settings.secrets())
        events = parse_events(delivery.body)
        portal = self._settings.portal_id
        if portal is not None and any(event.get("portalId") != portal for event in events):
            raise AuthFailed(f"an event is not from HubSpot account {portal}", code="other_portal")
        return [event_id(event) for event in events]

    def read(self, delivery: Delivery) -> Iterable[Change]:
        """Reads every object again that the events name: pushes are hints, unordered and repeated.

        Customers come before orders. A deal that cannot be expressed is raised last, after all others.
        """
        named = subjects(parse_events(delivery.body))
        return changes(self._client, self._settings.wanted, named)

    def poll(self, cursor: str | None) -> Page:
        """Deals by time of last change, at most 200 a page; without a cursor from `poll_from` on."""
        here = Cursor.parse(cursor) if cursor else Cursor.start(self._settings.poll_from)
        filters, sort = question(here)
        deals = self._client.search("deals", filters, sort, PAGE)
        beyond, more = following(here, deals)
        now = datetime.now(UTC)
        url = self._settings.base_url
        return Page(arrivals=[arrival(deal, url, now) for deal in deals], cursor=str(beyond), more=more)

    def push(self, write: Write) -> str:
        """Writes properties to the deal the order came from. Repeating it changes nothing."""
        if write.kind != "order":
            raise Rejected(f"HubSpot takes orders only, not a {write.kind}", code="unknown_kind", sent=False)
        deal = write.external_id or ""
        if not deal.isdigit():
            text = f"document {write.reference} has no deal in HubSpot: an order is written to its own deal"
            raise Rejected(text, code="no_deal", sent=False)
        try:
            answer = self._client.update("deals", deal, outgoing(write.record))
        except Rejected as error:
            if error.status == 404:
                error.message = f"deal {deal} is no longer in HubSpot (deleted or merged): {error.message}"
            raise
        if str(answer.get("id")) != deal:
            text = f"HubSpot answered for deal {answer.get('id')} instead of {deal}; were they merged?"
            raise Rejected(text, code="other_deal")
        return deal

    def find(self, kind: str, reference: str) -> str | None:
        """Nothing to look for: the id of a deal is known from the day its order came in (NATIVE)."""
        return None

"""Salesforce: won opportunities become orders, accounts customers; invoices and payments are shown there."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from connectors.salesforce import pubsub
from connectors.salesforce.answers import Allowance
from connectors.salesforce.auth import Session, same_org
from connectors.salesforce.backfill import Place, step
from connectors.salesforce.bulk import Kept
from connectors.salesforce.check import examine
from connectors.salesforce.client import Client
from connectors.salesforce.events import notified, told
from connectors.salesforce.install import steps
from connectors.salesforce.outbound import ACK, CONTENT_TYPE
from connectors.salesforce.poll import (
    Cursor,
    Pace,
    Walk,
    ahead,
    begin,
    due,
    following,
    nameless,
    question,
    streamed,
    walked,
)
from connectors.salesforce.reading import Wants, changes
from connectors.salesforce.replay import format_replay, parse_replay
from connectors.salesforce.schema import (
    BASELINE,
    KEY,
    LINES,
    MIRRORS,
    customer_schema,
    mirror_schema,
    order_schema,
    present,
)
from connectors.salesforce.settings import Settings
from connectors.salesforce.soql import literal, select
from connectors.salesforce.writing import only, write_all
from hub.sdk import (
    Arrival,
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
    Schema,
    Step,
    Transient,
    Write,
)

CONCURRENCY = 4  # Salesforce limits long calls (25), not calls; the org's people share them
BATCH = 200
TOKEN = "o2c-path-token"  # noqa: S105 - the header in which the receiver hands over the address's last part
DRAWN_MAX = 2_000  # events of one poll
DRAW_SECONDS = 20.0
REPAIR = timedelta(minutes=15)  # beside a stream, a walk only repairs what the stream lost


class Salesforce:
    """Source of customers and orders, sink of order progress, invoices and payments."""

    manifest: ClassVar[Manifest] = Manifest(
        name="salesforce",
        title="Salesforce",
        settings=Settings,
        kinds={
            "customer": Kind(inbound=True),
            "order": Kind(inbound=True, outbound=True, idempotency=Idempotency.NATIVE, only_with="order"),
            "invoice": Kind(outbound=True, idempotency=Idempotency.NATIVE, only_with="order"),
            "payment": Kind(outbound=True, idempotency=Idempotency.NATIVE, only_with="customer"),
        },
        docs="connectors/salesforce/README.md",
        limits=Limits(concurrency=CONCURRENCY, batch=BATCH),
        tier="gold",
        repeats_vary=True,  # an outbound message repeated holds the values of its last sending
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        login = settings.login()
        door = Door(settings.base_url, auth=login, deadline=settings.deadline, connections=CONCURRENCY)
        self._login = login
        self._client = Client(
            door,
            login,
            version=settings.api_version,
            client_name=settings.client_name,
            allowance=Allowance(settings.daily_reserve),
        )
        self._wants = Wants(settings.order_object, settings.extra, settings.currency)
        self._kept = Kept()

    def check(self) -> Health:
        """Tries the login, every object and field, the package, the stream and what is left of the day."""
        return examine(self._client, self._login, self._settings)

    def schema(self, kind: str) -> Schema:
        """The fields as the org describes them to our user now; as shipped when it cannot be asked."""
        if kind not in self.manifest.kinds:
            return Schema(fields=())
        order_object, extra = self._settings.order_object, self._settings.extra
        needed = {"order": (order_object, "Account", "Contact", LINES[order_object])}.get(
            kind, (MIRRORS[kind],) if kind in MIRRORS else ("Account", "Contact")
        )
        try:
            fields = {one: present(one, self._client.describe(one), extra(one)) for one in needed}
            complete = True
        except ConnectorError:
            fields, complete = dict(BASELINE), False
        if kind == "order":
            return order_schema(order_object, fields, complete=complete)
        if kind == "customer":
            return customer_schema(fields, complete=complete)
        return mirror_schema(fields[MIRRORS[kind]], complete=complete)

    def verify(self, delivery: Delivery) -> Sequence[str]:
        """Address token first, then the message and its org: there is no signature. AuthFailed or Invalid."""
        token = self._settings.path_token
        if token is None or not self._settings.outbound_messages:
            text = "outbound messages are refused: no path token is set for this connection"
            raise AuthFailed(text, code="no_token")
        given = delivery.headers.get(TOKEN, "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), token.get_secret_value().encode()):
            text = "the last part of the address is not the path token of this connection"
            raise AuthFailed(text, code="forged")
        org, ids = notified(delivery)
        if not same_org(org, self._settings.org_id):
            text = f"the message is from Salesforce org {org}, this connection is for {self._settings.org_id}"
            raise AuthFailed(text, code="other_org")
        return ids

    def response(self, delivery: Delivery) -> tuple[str, bytes]:
        """The Ack of an outbound message: without it the same batch comes again for a day."""
        return CONTENT_TYPE, ACK

    def read(self, delivery: Delivery) -> Iterable[Change]:
        """Reads every record again that the delivery names: pushes are hints, unordered and repeated."""
        return self.read_many([delivery])[0]

    def read_many(self, deliveries: Sequence[Delivery]) -> Sequence[Sequence[Change]]:
        """The same for many, each record once. Customers come before orders."""
        return changes(self._client, self._wants, [told(one) for one in deliveries])

    def poll(self, cursor: str | None) -> Page:
        """One page of each walk, and what waits in the event stream; without a cursor from `poll_from` on."""
        now = datetime.now(UTC)
        begun = begin(self._walked(), self._settings.poll_from, now)
        here = Cursor.parse(cursor) if cursor else begun
        # the settings may have changed since: what they name now is walked, from where it stands or anew
        known = {name: walk for name, walk in here.walks.items() if name in begun.walks}
        here = here._replace(walks={**begun.walks, **known})
        drawn: list[Arrival] = []
        gap = False
        if self._settings.pubsub:
            drawn, replay, gap = self._draw(here.replay, now)
            here = here._replace(replay=replay)
        pace = self._pace()
        if not gap and not due(here, pace, now):
            return Page(drawn, str(here), more=len(drawn) >= DRAWN_MAX)
        seen, walks = self._walk(here, pace, now)
        more = any(one.until is not None for one in walks.values())
        beyond = here._replace(walks=walks, walked=now)
        return Page([*drawn, *seen], str(beyond), more=more or len(drawn) >= DRAWN_MAX)

    def backfill(self, since: datetime, cursor: str | None) -> Page:
        """One step of reading the history by bulk jobs, oldest first, with at most 1,000 orders."""
        margin = timedelta(seconds=self._settings.poll_margin)
        begun = Place(datetime.now(UTC) - margin, "")
        place = Place.parse(cursor) if cursor else begun
        version, url = self._settings.api_version, self._settings.base_url
        return step(self._client, self._wants, since, place, version=version, kept=self._kept, url=url)

    def push(self, write: Write) -> str:
        """Writes one document. Repeating it changes nothing."""
        answer = self.push_many([write])[0]
        if isinstance(answer, ConnectorError):
            raise answer
        return answer

    def push_many(self, writes: Sequence[Write]) -> Sequence[str | ConnectorError]:
        """Up to 200 rows of an object per call; each has its own answer in a 200."""
        return write_all(self._client, writes, self._settings.order_object)

    def find(self, kind: str, reference: str) -> str | None:
        """The mirror that carries our reference. An order's record is known from the day it came in."""
        if kind not in MIRRORS:
            return None
        asked = select(["Id"], MIRRORS[kind], f"{KEY} = {literal(reference)} LIMIT 2")
        return only(self._client.query(asked))

    def install(self, *, dry: bool) -> Iterator[Step]:
        """Deploys the metadata package where something of it is missing; `dry` only looks."""
        return steps(self._client, self._settings.order_source, dry=dry)

    def _walked(self) -> Sequence[str]:
        accounts = ("Account",) if self._settings.poll_accounts else ()
        return (self._settings.order_object, *accounts)

    def _pace(self) -> Pace:
        settings = self._settings
        repair = REPAIR if settings.pubsub else timedelta(0)
        margin, back = timedelta(seconds=settings.poll_margin), timedelta(seconds=settings.poll_look_back)
        return Pace(margin, back, repair)

    def _walk(self, here: Cursor, pace: Pace, now: datetime) -> tuple[list[Arrival], dict[str, Walk]]:
        """A page of every walk; while one has more, those at their end wait for it."""
        under_way = any(one.until for one in here.walks.values())
        arrivals: list[Arrival] = []
        walks = dict(here.walks)
        for sobject, one in here.walks.items():
            if under_way and one.until is None:
                continue
            walk = ahead(one, pace, now)
            rows = self._client.query(question(sobject, walk), deleted=True)
            arrivals += walked(sobject, rows, self._settings.base_url, now)
            walks[sobject] = following(walk, rows)
        return arrivals, walks

    def _draw(self, replay: str, now: datetime) -> tuple[list[Arrival], str, bool]:
        """What waits in the event stream, without our own echo. A gap: the walk must look at once."""
        at = parse_replay(replay) if replay else None
        try:
            drained = self._drained(at)
        except Transient:  # away, or its own allowance is used up: the walk finds what it cannot tell
            return [], replay, True
        events = [one for one in drained.events if not pubsub.ours(one, self._settings.client_name)]
        gap = drained.gap or nameless(events)
        url = f"https://{self._settings.pubsub_address}"
        beyond = format_replay(drained.replay) if drained.replay else ""
        return streamed(events, url, now), beyond, gap

    def _drained(self, at: bytes | None) -> pubsub.Drained:
        """One pull; a session that ended early is noticed by REST only, so REST is asked, once."""
        session = self._client.session()
        try:
            return self._pull(session, at)
        except AuthFailed:
            self._client.limits()
            renewed = self._client.session()
            if renewed == session:
                raise
            return self._pull(renewed, at)

    def _pull(self, session: Session, at: bytes | None) -> pubsub.Drained:
        proof = pubsub.Session(session.token, session.instance_url, session.org_id)
        place = self._settings.stream
        return pubsub.drain(place, proof, at, most=DRAWN_MAX, seconds=DRAW_SECONDS, earliest=True)

"""NetSuite over REST, or SOAP: documents out; what people and NetSuite book there in, by polling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, NoReturn
from zoneinfo import ZoneInfo

from connectors.netsuite import (
    books,
    events,
    matching,
    reading,
    schema,
    soap_check,
    soap_reading,
    suiteql,
    writing,
)
from connectors.netsuite.answers import refusal
from connectors.netsuite.check import examine
from connectors.netsuite.client import Client, Wire
from connectors.netsuite.settings import Settings
from connectors.netsuite.soap_client import SoapClient
from hub.sdk import (
    Arrival,
    AuthFailed,
    Candidate,
    Change,
    ConnectorError,
    Delivery,
    Door,
    Health,
    Idempotency,
    Kind,
    Limits,
    Manifest,
    OpenItem,
    OpenItems,
    Page,
    Schema,
    Write,
)

QUIESCE = 30.0  # seconds; a look-up by external id sees a record at once, so this is processing time
_NATIVE, _LOOKUP = Idempotency.NATIVE, Idempotency.LOOKUP


class NetSuite:
    """Source, sink and bookkeeper for one NetSuite account."""

    manifest: ClassVar[Manifest] = Manifest(
        name="netsuite",
        title="Oracle NetSuite",
        settings=Settings,
        kinds={
            "customer": Kind(outbound=True, idempotency=_NATIVE, matched=True),
            "order": Kind(outbound=True, idempotency=_NATIVE),
            "shipment": Kind(inbound=True),
            "invoice": Kind(inbound=True, outbound=True, idempotency=_LOOKUP, quiesce=QUIESCE),
            "credit_memo": Kind(inbound=True, outbound=True, idempotency=_LOOKUP, quiesce=QUIESCE),
            "payment": Kind(inbound=True, outbound=True, idempotency=_NATIVE),
            "adjustment": Kind(inbound=True, outbound=True, idempotency=_NATIVE),
        },
        docs="https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/book_1559132836.html",
        limits=Limits(concurrency=3),
        tier="gold",
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._zone = ZoneInfo(settings.time_zone)
        self._wants = reading.Wants(self._zone, settings.write_off_items, settings.body_fields)
        soap = settings.protocol == "soap"
        door = Door(
            settings.address,
            auth=settings.httpx_auth(),
            headers={"accept": "text/xml" if soap else "application/json"},
            deadline=settings.deadline_seconds,
        )
        self._rest = Client(door)
        self._soap = SoapClient(door, settings.soap_version, self._zone) if soap else None
        self._client: Wire = self._soap or self._rest

    def check(self) -> Health:
        """Try SuiteQL, each record type, table and column that is used; the account's limit is a bonus."""
        if self._soap:
            return soap_check.examine(self._soap, self._settings)
        return examine(self._rest, self._settings)

    def schema(self, kind: str) -> Schema:
        """Fields of the NetSuite record behind this kind, of the account's own catalog, else a baseline.

        Ids of currencies, terms, subsidiaries and tax codes are those the account has and uses.
        """
        record = _record(kind)
        if self._soap:
            return schema.baseline(kind)  # the catalog is a REST service
        try:
            told = schema.introspected(kind, self._rest.metadata(record))
        except ConnectorError:
            return schema.baseline(kind)
        return schema.chosen(told, self._lists())

    def _lists(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        found: dict[str, Sequence[Mapping[str, Any]]] = {}
        for table, column in schema.LISTS.items():
            where = "" if table == "salestaxitem" else "isinactive = 'F'"
            q = suiteql.select(f"id, {column} AS name", table, where, "id")
            try:
                found[table] = self._client.query(q).items
            except ConnectorError:
                continue  # no such list, as subsidiaries in an account of one company, or not for this role
        return found

    def verify(self, delivery: Delivery) -> NoReturn:
        """Always refuses: NetSuite signs nothing, so nothing that is pushed here can be trusted."""
        raise AuthFailed("NetSuite cannot sign what it sends: this connection polls and takes no deliveries")

    def poll(self, cursor: str | None) -> Page:
        """Changed and deleted transactions of all watched types, one page; unchanged, it is one call."""
        if self._soap:
            return soap_reading.poll(self._soap, self._watch(), cursor, self._now())
        return events.poll(self._client, self._watch(), cursor, self._now())

    def _now(self) -> datetime:
        return datetime.now(UTC)

    def _watch(self) -> events.Watch:
        settings = self._settings
        day = settings.poll_from
        return events.Watch(
            events.codes_of(settings.watch), settings.deletions, self._zone, settings.address,
            f"{day.isoformat()} 00:00:00" if day else None, timedelta(seconds=settings.poll_margin),
        )  # fmt: skip

    def read(self, delivery: Delivery) -> Iterable[Change]:
        """The transaction a poll found, as it is now. Raises Invalid for anything else."""
        return self.read_many([delivery])[0]

    def read_many(self, deliveries: Sequence[Delivery]) -> Sequence[Sequence[Change]]:
        """The same for many, each transaction once, headers and links of all in a few questions."""
        hints = [events.hint(one, self._zone) for one in deliveries]
        if self._soap:
            return soap_reading.changes(self._soap, self._wants, hints)
        return reading.changes(self._client, self._wants, hints)

    def push(self, write: Write) -> str:
        """Write one document and read it back. Raises Rejected where NetSuite made something else of it."""
        record = _record(write.kind)
        if not self.manifest.kinds[write.kind].outbound:
            raise refusal(f"{write.kind} documents are only read from NetSuite", code="kind")
        return writing.write(self._client, self._settings, record, write)

    def find(self, kind: str, reference: str) -> str | None:
        """The internal id of the record whose external id is our reference."""
        record = _record(kind)
        if kind == "adjustment" and self._settings.write_off == "journal":
            record = "journalEntry"
        known = self._client.get(record, f"eid:{writing.external(reference)}")
        return str(known["id"]) if known else None

    def candidates(self, write: Write) -> Sequence[Candidate]:
        """Customers that may be the same: by external id, tax number, D-U-N-S, e-mail domain, name."""
        match = write.record.get("match") or {}
        return matching.candidates(self._client, matching.wanted(match, write.reference, self._settings))

    def open_items(self, cursor: str | None) -> OpenItems:
        """Open invoices, and credits, payments and deposits not used up, by id; at most 1,000 per page."""
        return books.open_items(self._client, cursor)

    def items(self, wanted: Sequence[tuple[str, str]]) -> Sequence[OpenItem]:
        """Those of (kind, internal id) that exist there, open or not."""
        return books.items(self._client, wanted)

    def arrival(self, kind: str, external_id: str) -> Arrival:
        """A delivery whose read() tells of this object as it is now. Raises Rejected if it cannot."""
        return events.arrival(kind, external_id, self._settings.address)


def _record(kind: str) -> str:
    try:
        return schema.RECORDS[kind]
    except KeyError:
        known = ", ".join(schema.RECORDS)
        raise refusal(f"NetSuite has no kind {kind!r}; it has {known}", code="kind") from None

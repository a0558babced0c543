"""NetSuite over its REST services: customers, orders, invoices and payments out, shipments in by polling."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, NoReturn
from zoneinfo import ZoneInfo

from connectors.netsuite import auth, schema, translate
from connectors.netsuite.client import SUITEQL, Client
from connectors.netsuite.settings import Settings
from hub.sdk import (
    Arrival,
    AuthFailed,
    Change,
    ConnectorError,
    Delivery,
    Door,
    Health,
    Idempotency,
    Invalid,
    Kind,
    Limits,
    Manifest,
    Page,
    Record,
    Rejected,
    Schema,
    Transient,
    Write,
)

OVERLAP = timedelta(minutes=5)  # a save may commit after a later one; repeats are recognised by event id
QUIESCE = 30.0  # seconds; a look-up by external id sees a record at once, so this is processing time
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,64}")  # "Using External IDs"


class NetSuite:
    """Source and sink for one NetSuite account."""

    manifest: ClassVar[Manifest] = Manifest(
        name="netsuite",
        title="Oracle NetSuite",
        settings=Settings,
        kinds={
            "customer": Kind(outbound=True, idempotency=Idempotency.NATIVE),
            "order": Kind(outbound=True, idempotency=Idempotency.NATIVE),
            "shipment": Kind(inbound=True),
            "invoice": Kind(outbound=True, idempotency=Idempotency.LOOKUP, quiesce=QUIESCE),
            "payment": Kind(outbound=True, idempotency=Idempotency.NATIVE),
        },
        docs="https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/book_1559132836.html",
        limits=Limits(concurrency=3),
        tier="gold",
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._zone = ZoneInfo(settings.time_zone)
        door = Door(
            settings.address,
            auth=settings.httpx_auth(),
            headers={"accept": "application/json"},
            deadline=settings.deadline_seconds,
        )
        self._client = Client(door)

    def check(self) -> Health:
        """Try SuiteQL, each record type, and the line column; the account's limit is a bonus."""
        findings: list[str] = []
        for task, attempt in self._probes():
            try:
                attempt()
            except AuthFailed as error:
                return Health(False, "NetSuite refused the credentials", (str(error),))
            except ConnectorError as error:
                findings.append(f"{task}: {error}")
        if findings:
            return Health(False, f"{len(findings)} of NetSuite's services cannot be used", findings)
        return Health(True, f"account {auth.realm(self._settings.account_id)} answers{self._concurrency()}")

    def _probes(self) -> Iterator[tuple[str, Any]]:
        yield "SuiteQL (permission SuiteAnalytics Workbook)", lambda: self._rows("SELECT id FROM item")
        for record in schema.RECORDS.values():
            yield f"record {record} (give the role this permission)", lambda r=record: self._client.probe(r)
        line = f"SELECT {translate.LINE_ID} FROM transactionline"  # noqa: S608 - a constant
        yield f"column {translate.LINE_ID} (create it, see the set-up guide)", lambda: self._rows(line)

    def _rows(self, q: str) -> None:
        self._client.query(q, limit=1)

    def _concurrency(self) -> str:
        try:
            return f"; it allows {self._client.limits().get('accountConcurrencyLimit')} calls at a time"
        except ConnectorError:
            return ""  # shown to administrators only, and our role should not be one

    def schema(self, kind: str) -> Schema:
        """Fields of the NetSuite record behind this kind: of the account's own catalog, else a baseline."""
        record = _record(kind)
        try:
            return schema.introspected(record, self._client.metadata(record))
        except ConnectorError:
            return schema.baseline(record)

    def verify(self, delivery: Delivery) -> NoReturn:
        """Always refuses: NetSuite signs nothing, so nothing that is pushed here can be trusted."""
        raise AuthFailed("NetSuite cannot sign what it sends: this connection polls and takes no deliveries")

    def poll(self, cursor: str | None) -> Page:
        """Changed item fulfilments, one page. A sweep ends a margin before now; the next one overlaps it."""
        at = translate.load_cursor(cursor)
        until = at.until if at.after and at.until else self._latest()
        since = translate.window_start(at.since - OVERLAP, self._zone) if at.since else self._first()
        q = translate.shipments_query(since, translate.stamp(until, self._zone), at.after)
        rows = self._client.query(q)
        arrivals = [self._arrival(row) for row in rows.items]
        if rows.more and rows.items:
            last = rows.items[-1]
            after = (str(last["lastmodified"]), int(last["id"]))
            return Page(arrivals, translate.dump_cursor(at._replace(until=until, after=after)), more=True)
        return Page(arrivals, translate.dump_cursor(translate.Cursor(since=until)))

    def _latest(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=self._settings.poll_margin)

    def _first(self) -> str | None:
        day = self._settings.poll_from
        return f"{day.isoformat()} 00:00:00" if day else None

    def _arrival(self, row: Mapping[str, Any]) -> Arrival:
        changed = str(row["lastmodified"])
        body = {"record": "itemFulfillment", "id": str(row["id"]), "lastmodified": changed}
        delivery = Delivery(
            headers={"content-type": "application/json"},
            body=json.dumps(body).encode(),
            url=self._settings.address + SUITEQL,
            received_at=datetime.now(UTC),
        )
        return Arrival([f"itemship:{row['id']}:{changed}"], delivery)

    def read(self, delivery: Delivery) -> Iterator[Change]:
        """The fulfilment a poll found, with its lines, as it is now. Raises Invalid for anything else."""
        id, seen = self._hint(delivery)
        record = self._client.get("itemFulfillment", id, expand=True)
        changed = translate.moment(record.get("lastModifiedDate")) if record else None
        yield Change("shipment", id, record, changed or seen)

    def _hint(self, delivery: Delivery) -> tuple[str, datetime]:
        try:
            told = json.loads(delivery.body)
            id, changed = str(told["id"]), translate.unstamp(told["lastmodified"], self._zone)
        except (ValueError, KeyError, TypeError):
            raise Invalid("not a delivery of a NetSuite poll", field="body") from None
        if told.get("record") != "itemFulfillment" or not id.isascii() or not id.isdigit():
            raise Invalid("not an item fulfilment of a NetSuite poll", field="body")
        return id, changed

    def push(self, write: Write) -> str:
        """Write one document and read it back. Raises Rejected where NetSuite made something else of it."""
        record = _record(write.kind)
        if not self.manifest.kinds[write.kind].outbound:
            raise Rejected(f"{write.kind} documents are only read from NetSuite", code="kind", sent=False)
        expected = write.record.get("expected") or {}
        body = {key: value for key, value in write.record.items() if key != "expected"}
        body = dict(self._named_items(body))
        if write.kind == "invoice":
            id = self._invoice(write, body)
        elif write.kind == "order":
            id = self._order(write, body)
        else:
            sublist = "apply" if write.kind == "payment" else ""
            id = self._put(record, write, body, replace=sublist, idempotent=True)
        return self._confirm(record, write, id, expected)

    def find(self, kind: str, reference: str) -> str | None:
        """The internal id of the record whose external id is our reference."""
        known = self._client.get(_record(kind), f"eid:{_external(reference)}")
        return str(known["id"]) if known else None

    def _named_items(self, body: Record) -> Record:
        wanted = translate.skus(body)
        if not wanted:
            return body
        rows = [row for q in translate.item_queries(wanted) for row in self._client.query(q).items]
        return translate.with_items(body, translate.item_ids(wanted, rows))

    def _put(
        self, record: str, write: Write, body: Record, *, replace: str = "", idempotent: bool = False
    ) -> str | None:
        if write.external_id is None:
            self._client.upsert(
                record, _external(write.reference), body, replace=replace, idempotent=idempotent
            )
            return None
        # by internal id, so that a record linked by hand is updated and not created a second time
        self._client.update(record, write.external_id, body, replace=replace)
        return write.external_id

    def _order(self, write: Write, body: Record) -> str | None:
        key = write.external_id or f"eid:{_external(write.reference)}"
        known = self._client.get("salesOrder", key, expand=True)
        if known is None and write.external_id:
            raise Rejected(f"sales order {write.external_id} is gone from NetSuite", code="gone", sent=False)
        # not repeated within seconds: after a lost reply the lines must be looked up and numbered first
        return self._put("salesOrder", write, translate.merged_order(body, known), replace="item")

    def _invoice(self, write: Write, body: Record) -> str | None:
        if write.external_id:
            return self._amend(write.external_id, translate.header(body))
        source = translate.order_id(body)
        order = self._client.get("salesOrder", source, expand=True)
        if order is None:
            raise Rejected(f"sales order {source} is gone from NetSuite", code="gone", sent=False)
        sent = translate.billing(body, order, _external(write.reference))
        return self._client.transform("salesOrder", source, "invoice", sent)

    def _amend(self, id: str, wanted: Record) -> str:
        # a posted invoice is touched only where it differs: its period may be closed by now
        seen = self._client.get("invoice", id)
        if seen is None:
            raise Rejected(f"invoice {id} is gone from NetSuite", code="gone", sent=False)
        changed = translate.differences(wanted, seen)
        if changed:
            self._client.update("invoice", id, changed)
        return id

    def _confirm(self, record: str, write: Write, id: str | None, expected: Mapping[str, Any]) -> str:
        # what is new is read by our reference, which proves that a look-up would find it
        key = write.external_id or f"eid:{_external(write.reference)}"
        try:
            seen = self._client.get(record, key)
        except ConnectorError as error:
            # whatever stopped the reading, the write itself may be done: the outcome is unknown
            raise Transient(f"written, not confirmed: {error}", code=error.code) from error
        if id and (seen is None or str(seen["id"]) != id):
            raise Rejected(f"{record} {id} was written but does not carry external id {key}", code="echo")
        if seen is None:
            raise Transient(f"{record} {key} was written but cannot be found", code="unconfirmed")
        translate.echo(record, expected, seen)
        return str(seen["id"])


def _record(kind: str) -> str:
    try:
        return schema.RECORDS[kind]
    except KeyError:
        known = ", ".join(schema.RECORDS)
        raise Rejected(f"NetSuite has no kind {kind!r}; it has {known}", code="kind", sent=False) from None


def _external(reference: str) -> str:
    if not _REFERENCE.fullmatch(reference):
        raise Rejected(
            "reference: an external id in NetSuite has letters, digits, _ and - only",
            code="reference",
            sent=False,
        )
    return reference

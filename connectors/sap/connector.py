"""SAP S/4HANA: customers, orders and postings out; deliveries, billing documents and cash in."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from connectors.sap import clearing, cube, idoc, journal, schema, takeback
from connectors.sap.auth import auth_of, trust_of
from connectors.sap.check import examine
from connectors.sap.client import CUBE, Client
from connectors.sap.customers import Customers
from connectors.sap.orders import Orders
from connectors.sap.poll import Cursor, arrival, step
from connectors.sap.printing import pdf
from connectors.sap.products import Products
from connectors.sap.reading import Hint, Reader, hint
from connectors.sap.settings import Settings
from hub.sdk import (
    Arrival,
    AuthFailed,
    Candidate,
    Change,
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
    Record,
    Rejected,
    Schema,
    Write,
)

__all__ = ["Sap", "Settings"]

QUIESCE = 60.0  # seconds: the longest a deep insert takes there; its own look-ups see it at once
_BOTH = Kind(inbound=True, outbound=True, idempotency=Idempotency.LOOKUP, quiesce=QUIESCE)


class Sap:
    """Source and sink for one SAP S/4HANA system and client."""

    manifest: ClassVar[Manifest] = Manifest(
        name="sap",
        title="SAP S/4HANA",
        settings=Settings,
        kinds={
            "customer": Kind(outbound=True, idempotency=Idempotency.LOOKUP, quiesce=QUIESCE, matched=True),
            "order": _BOTH,  # in: purchase orders of customers, as IDocs
            "shipment": Kind(inbound=True),
            "invoice": _BOTH,
            "credit_memo": _BOTH,
            "payment": _BOTH,
            "adjustment": _BOTH,
        },
        docs="connectors/sap/README.md",
        limits=Limits(concurrency=5),
        tier="gold",
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._door = Door(
            settings.base_url,
            auth=auth_of(settings),
            headers={"accept": "application/json", "accept-language": settings.language.lower()},
            deadline=settings.deadline,
            connections=settings.concurrency,
            trust=trust_of(settings),
        )
        self._client = Client(self._door, settings)
        self._customers = Customers(self._client, settings)
        self._orders = Orders(self._client, settings, Products(self._client))
        self._reader = Reader(self._client, settings)

    def check(self) -> Health:
        """Tries every service, and compares companies and sales organisations with the settings."""
        return examine(self._client, self._settings)

    def schema(self, kind: str) -> Schema:
        """The fields of the services' own metadata, extension fields included; else as shipped."""
        return schema.ask(self._client, self._settings, kind)

    # reading

    def verify(self, delivery: Delivery) -> Sequence[str]:
        """IDocs only, by the token in the address. Raises AuthFailed for everything else."""
        token = self._settings.path_token
        told = delivery.url.split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1]
        if token is None or not hmac.compare_digest(told.encode(), token.get_secret_value().encode()):
            raise AuthFailed("this connection polls SAP; IDocs are taken at the address with its path token")
        return idoc.verify(delivery.body)

    def poll(self, cursor: str | None) -> Page:
        """One page of what changed at the service whose turn it is; a single call where nothing did."""
        return step(self._client, self._settings, Cursor.parse(cursor), datetime.now(UTC))

    @property
    def turns(self) -> int:
        """One for each watched service."""
        return len(self._settings.watch)

    def read(self, delivery: Delivery) -> Iterator[Change]:
        """What a poll found, as it is now; or what an IDoc says."""
        yield from self.read_many([delivery])[0]

    def read_many(self, deliveries: Sequence[Delivery]) -> Sequence[Sequence[Change]]:
        """The same for many, in a few batches."""
        zone = self._settings.time_zone
        pushed = {
            at: self._reader.pushed(idoc.read(one.body, zone))
            for at, one in enumerate(deliveries)
            if _is_idoc(one)
        }
        hints = [hint(one) for at, one in enumerate(deliveries) if at not in pushed]
        polled = iter(self._reader.changes(hints))
        return [pushed[at] if at in pushed else next(polled) for at in range(len(deliveries))]

    # writing

    def push(self, write: Write) -> str:
        """Write one document; its external id. Raises NotYet while SAP still works on a clearing."""
        if write.kind == "customer":
            return self._customers.push(write)
        if write.kind == "order":
            return self._orders.push(write)
        if write.kind not in self.manifest.kinds or not self.manifest.kinds[write.kind].outbound:
            raise Rejected(f"{write.kind} documents are only read from SAP", code="kind", sent=False)
        return self._post(write._replace(record=self._entry(write)))

    def _post(self, write: Write) -> str:
        """Booked once, then cleared. NotYet means to the hub that nothing was done, so book() looks first."""
        if write.external_id and "-" not in write.external_id:
            return self._billed(write.external_id, write.record)
        books = takeback.Books(self._door, self._settings, self._ask, self._today())
        if write.record.get("reversed"):
            return takeback.entry(books, write)
        record = {name: value for name, value in write.record.items() if name != "reversed"}
        posted = journal.book(self._door, self._settings, self._ask, write._replace(record=record))
        allocations = record.get("allocations") or ()
        if write.external_id and write.kind == "payment":
            takeback.release(books, posted, [str(one["invoice"]) for one in allocations])
        if allocations:
            on = max(record.get("posting_date") or self._today(), self._today())  # its period may be closed
            clearing.settle(
                self._door, self._settings, self._ask, posted=posted, on=on, allocations=allocations
            )
        return posted

    def _billed(self, number: str, record: Record) -> str:
        """What SAP itself billed: nothing of it is ours to book, but it can be cancelled."""
        return takeback.billing(self._client, number) if record.get("reversed") else number

    def _today(self) -> date:
        return datetime.now(ZoneInfo(self._settings.time_zone)).date()

    def _entry(self, write: Write) -> dict[str, Any]:
        """The record with what the settings know: the company code of the seller, the document type."""
        record = dict(write.record)
        seller = str(record.pop("seller", "") or "")
        company = self._settings.company(seller)
        if company is None and not record.get("company_code"):
            raise Rejected(f"seller {seller!r} is not in the connection's sellers", code="seller", sent=False)
        if company is not None:
            record.setdefault("company_code", company.company_code)
        record.setdefault("document_type", getattr(self._settings.documents, write.kind))
        return record

    def find(self, kind: str, reference: str) -> str | None:
        """The object that carries our reference: identification, order field or journal entry header."""
        if kind == "customer":
            return self._customers.find(reference)
        if kind == "order":
            return self._orders.find(reference)
        if kind not in self.manifest.kinds:
            raise Rejected(f"SAP has no kind {kind!r} here", code="kind", sent=False)
        return journal.find(self._ask, reference)

    def candidates(self, write: Write) -> Sequence[Candidate]:
        """Business partners that may be the customer we are about to create."""
        return self._customers.candidates(write)

    def _ask(self, filters: str) -> list[dict[str, Any]]:
        query = {"$filter": filters, "$select": cube.SELECT, "$orderby": cube.KEYS}
        return self._client.rows(CUBE, cube.SET, query)

    # reconciliation

    def open_items(self, cursor: str | None) -> OpenItems:
        """What customers owe, and what they have open to their credit, by SAP's books."""
        return cube.open_now(self._client, self._settings, cursor)

    def items(self, wanted: Sequence[tuple[str, str]]) -> Sequence[OpenItem]:
        """Some of them, open or not."""
        return cube.those(self._client, self._settings, wanted)

    def arrival(self, kind: str, external_id: str) -> Arrival:
        """A delivery that tells of one object again."""
        now = datetime.now(UTC)
        if kind == "shipment":
            found = Hint("delivery", external_id.split(":", 1)[0])
        elif kind in ("invoice", "credit_memo") and "-" not in external_id:
            found = Hint("billing", external_id)
        elif kind in ("payment", "adjustment", "credit_memo", "invoice"):
            found = Hint("entry", "-".join(external_id.split("-")[:3]))
        else:
            raise Rejected(f"{kind} {external_id} is not read from SAP", code="kind", sent=False)
        return arrival(found.what, found.id, f"again:{now.isoformat()}", now, self._settings, again=True)

    def printed(self, kind: str, external_id: str) -> bytes:
        """The print of a billing document. Journal entries have none: Rejected."""
        if kind not in ("invoice", "credit_memo") or "-" in external_id:
            told = f"SAP prints billing documents only, and {kind} {external_id} is none"
            raise Rejected(told, code="no_print", sent=False)
        return pdf(self._client, external_id)


def _is_idoc(delivery: Delivery) -> bool:
    return delivery.body.lstrip()[:1] == b"<"

"""One NetSuite account: its credentials, its books, its doors, and the people who work in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.kit import Kit, build
from sandbox.netsuite import control
from sandbox.netsuite.app import Face
from sandbox.netsuite.books import Books, Row
from sandbox.netsuite.fields import CustomField
from sandbox.netsuite.gate import Gate
from sandbox.netsuite.jobs import Jobs
from sandbox.netsuite.login import Login
from sandbox.netsuite.people import People, Quantities
from sandbox.netsuite.render import Renderer
from sandbox.netsuite.rules import Preferences, Rules
from sandbox.netsuite.soap import Soap
from sandbox.netsuite.standing import Standing
from sandbox.netsuite.store import Store

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
OWN_FIELDS = ("custcol_o2c_line_id", "custbody_o2c_id")


def _utcnow() -> datetime:
    return datetime.now(UTC)


class NetSuiteSandbox:
    """The account. `app` is what it shows on the wire; `people` are its users at work."""

    def __init__(
        self,
        account_id: str = "TSTDRV123_SB1",
        *,
        kit: Kit | None = None,
        now: Callable[[], datetime] = _utcnow,
        clock: Callable[[], float] = time.time,
        concurrency: int = 5,
        time_zone: str = "GMT",
        tax_rounding: Literal["rate", "line"] = "rate",
    ) -> None:
        self.account_id = account_id
        self.kit = kit or Kit()
        self.concurrency = concurrency  # calls at a time for the whole account; 5 is a developer account
        self.latency = 0.0  # seconds each call holds its place
        self.administrator = False
        self.denied: set[str] = set()  # record types the integration's role may not use
        self.preferences = Preferences(time_zone=time_zone, tax_rounding=tax_rounding)
        self.books = Books(now, {id: CustomField(id) for id in OWN_FIELDS})
        self.rules = Rules(self.books, self.preferences)
        self.standing = Standing(self.rules)
        self.store = Store(self.rules)
        self.gate = Gate(lambda: self.concurrency, lambda: self.latency)
        self.jobs = Jobs()
        self.people = People(self)
        self.login = Login(
            account_id,
            consumer_key="c0" * 32,
            consumer_secret="c1" * 32,
            token_id="d0" * 32,
            token_secret="d1" * 32,
            client_id="e0" * 32,
            clock=clock,
        )
        self.certificate_id = "custcertificate1"
        self.face, self.soap = Face(self), Soap(self)
        wire = Route("/services/{rest:path}", self.face.endpoint, methods=METHODS)
        self.app: ASGIApp = build(self.kit, [wire, *control.routes(self)])

    @property
    def tba(self) -> Mapping[str, str]:
        """What an administrator copies for token-based authentication."""
        login = self.login
        return {
            "account_id": self.account_id,
            "consumer_key": login.consumer_key,
            "consumer_secret": login.consumer_secret,
            "token_id": login.token_id,
            "token_secret": login.token_secret,
        }

    @cached_property
    def m2m(self) -> Mapping[str, str]:
        """What an administrator copies for OAuth 2.0 client credentials; makes and maps a certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.map_certificate(self.certificate_id, public.decode())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "account_id": self.account_id,
            "client_id": self.login.client_id,
            "certificate_id": self.certificate_id,
            "private_key": private.decode(),
        }

    def map_certificate(self, certificate_id: str, public_key_pem: str) -> None:
        """The client credentials mapping page: which public key belongs to a certificate id."""
        with self.kit.lock:
            self.login.certificates[certificate_id] = public_key_pem

    def end_tokens(self) -> None:
        """Every access token expires now."""
        with self.kit.lock:
            self.login.tokens.clear()

    def add_item(self, sku: str, type: str = "inventoryItem", *, name: str = "", upc: str = "") -> str:
        """A new item; returns its internal id. `type` is a record type such as serviceSaleItem."""
        return self.people.add_item(sku, type, name=name, upc=upc)

    def fulfil(
        self,
        sales_order_id: str,
        quantities: Quantities,
        *,
        shipped_on: date | None = None,
        tracking: str = "",
    ) -> str:
        """What a person in the warehouse does: ship quantities by sku or line number; returns the id."""
        return self.people.ship(sales_order_id, quantities, shipped_on=shipped_on, tracking=tracking)

    def change(self, record: str, id: str, **values: Any) -> None:
        """What a person edits by hand, for example the tracking memo of a fulfilment."""
        self.people.edit(record, id, values)

    def close_period(self, through: date) -> None:
        """Close the accounting periods up to and including this day."""
        self.people.close_period(through)

    def find(self, record: str, external_id: str) -> dict[str, Any] | None:
        """The record with this external id as the REST service shows it with its lines, or None."""
        with self.kit.lock:
            id = self.books.external.get((record, external_id))
            return self.get(record, id) if id else None

    def get(self, record: str, id: str) -> dict[str, Any]:
        """A record as the REST service shows it with its lines."""
        with self.kit.lock:
            return Renderer(self.standing, "").record(self.books.find(record, id), expand=True)

    def count(self, record: str) -> int:
        """How many records of a type there are."""
        return len(self.books.records[record])

    def balance(self, customer: str) -> Decimal:
        """What a customer (internal id) owes: open invoices less unapplied payments."""
        with self.kit.lock:
            self.books.find("customer", customer)
            return self.standing.balance(customer)

    def tie_out(self) -> dict[str, Any]:
        """All documents with what is open of them, and where the books do not tie out."""
        kinds: tuple[str, ...] = ("salesOrder", "itemFulfillment", "invoice", "creditMemo", "customerPayment")
        kinds += ("customerDeposit", "depositApplication", "customerRefund", "journalEntry")
        with self.kit.lock:
            rows = {kind: self.books.records[kind].values() for kind in kinds}
            books: dict[str, Any] = {k: [control.told(self, row) for row in v] for k, v in rows.items()}
            balances = {id: str(self.standing.balance(id)) for id in self.books.records["customer"]}
            return {**books, "balances": balances, "problems": control.problems(self)}

    def record_effect(self, action: str, row: Row) -> None:
        """Note a write that came over the wire."""
        total = row.number("payment" if row.type in ("customerPayment", "customerDeposit") else "total")
        self.kit.effect(action, row.type, row.id, externalId=row.external_id, total=str(total))

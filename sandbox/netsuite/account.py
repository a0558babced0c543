"""One NetSuite account: its credentials, its books, and what people do in it with their own hands."""

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
from sandbox.netsuite.app import Face
from sandbox.netsuite.books import Body, Books, Row
from sandbox.netsuite.fields import ITEM_TYPES, RECORDS
from sandbox.netsuite.login import Login
from sandbox.netsuite.render import Renderer, balances
from sandbox.netsuite.rules import Preferences, Rules

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
Quantity = Decimal | int | str


def _utcnow() -> datetime:
    return datetime.now(UTC)


class NetSuiteSandbox:
    """The account. `app` is what it shows on the wire; the methods are its users' work."""

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
        self.latency = 0.0  # seconds each call holds its slot
        self.administrator = False
        self.denied: set[str] = set()  # record types the integration's role may not use
        self.preferences = Preferences(time_zone=time_zone, tax_rounding=tax_rounding)
        self.books = Books(now, {"custcol_o2c_line_id", "custbody_o2c_id"})
        self.rules = Rules(self.books, self.preferences)
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
        self.app: ASGIApp = build(
            self.kit, [Route("/services/{rest:path}", Face(self).endpoint, methods=METHODS)]
        )

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

    def add_item(self, sku: str, type: str = "inventoryItem", *, name: str = "") -> str:
        """A new item; returns its internal id. `type` is a record type such as serviceSaleItem."""
        if type not in ITEM_TYPES:
            raise ValueError(f"type must be one of {', '.join(ITEM_TYPES)}")
        with self.kit.lock:
            if sku in self.books.items:
                raise ValueError(f"there already is an item {sku}")
            body = Body({"itemId": sku, "displayName": name or sku}, {}, None, frozenset())
            return self.rules.write(RECORDS[type], body, None).id

    def fulfil(
        self,
        sales_order_id: str,
        quantities: Mapping[str | int, Quantity],
        *,
        shipped_on: date | None = None,
        tracking: str = "",
    ) -> str:
        """What a person in the warehouse does: ship quantities by sku or line number; returns the id."""
        with self.kit.lock:
            order = self.books.find("salesOrder", sales_order_id)
            named = {self._line(order, key): Decimal(str(value)) for key, value in quantities.items()}
            left_out = [x for x in order.lines["item"] if x["line"] not in named and self._offered(order, x)]
            lines: list[dict[str, Any]] = [
                {"orderLine": line, "quantity": value} for line, value in named.items()
            ]
            lines += [{"orderLine": x["line"], "itemReceive": False} for x in left_out]
            values = {"tranDate": shipped_on.isoformat()} if shipped_on else {}
            packages = [{"packageTrackingNumber": tracking}] if tracking else []
            body = Body(
                {**values, "shipStatus": "C"}, {"item": lines, "package": packages}, None, frozenset()
            )
            row = self.rules.transform(order, "itemFulfillment", body)
            return row.id

    def _line(self, order: Row, key: str | int) -> Decimal:
        for line in order.lines["item"]:
            if line["line"] == key or line["item"] == self.books.items.get(str(key)):
                return Decimal(line["line"])
        raise ValueError(f"sales order {order.id} has no line {key!r}")

    def _offered(self, order: Row, line: Mapping[str, Any]) -> bool:
        done = self.rules.made(order, "itemFulfillment", line["line"])
        return self.rules.ships(dict(line)) and bool(line["quantity"] > done) and not line.get("isClosed")

    def change(self, record: str, id: str, **values: str) -> None:
        """What a person edits by hand, for example the tracking memo of a fulfilment."""
        with self.kit.lock:
            kind = RECORDS[record]
            body = self.books.parse(kind, values, replace="", strict=True)
            self.rules.write(kind, body, self.books.find(record, id))

    def close_period(self, through: date) -> None:
        """Close the accounting periods up to and including this day."""
        with self.kit.lock:
            self.preferences.closed_through = through

    def find(self, record: str, external_id: str) -> dict[str, Any] | None:
        """The record with this external id as the REST service shows it with its lines, or None."""
        with self.kit.lock:
            id = self.books.external.get((record, external_id))
            return self.get(record, id) if id else None

    def get(self, record: str, id: str) -> dict[str, Any]:
        """A record as the REST service shows it with its lines."""
        with self.kit.lock:
            return Renderer(self.rules, "").record(self.books.find(record, id), expand=True)

    def count(self, record: str) -> int:
        """How many records of a type there are."""
        return len(self.books.records[record])

    def balance(self, customer: str) -> Decimal:
        """What a customer (internal id) owes: open invoices less unapplied payments."""
        with self.kit.lock:
            return balances(self.rules, self.books.find("customer", customer))["balance"]

    def record_effect(self, action: str, row: Row) -> None:
        """Note a write that came over the wire."""
        total = row.number("payment" if row.type == "customerPayment" else "total")
        self.kit.effect(action, row.type, row.id, externalId=row.external_id, total=str(total))

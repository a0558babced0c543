"""A hub whose mappings stand in files and versions: a shop that sends customers, an ERP that gets them."""

from __future__ import annotations

import hmac
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hub.connector import Delivery
from hub.engine import Bounds, Hub
from hub.policies import load_policies
from hub.registry import Registry
from hub.secrets import Vault
from hub.store import connections
from hub.store.database import Database
from hub.store.mappings import Slot
from hub.store.migrate import upgrade
from hub.store.tx import Store

ROOT = Path(__file__).resolve().parents[1]
SECRET = "shop-secret"
IN, OUT = Slot("shop", "customer", "in"), Slot("erp", "customer", "out")
SHOP = """# What the shop calls an account becomes a customer.
mapping: http.account -> customer
version: 3
fields:
  name: { from: title }   # as people see it
  domain: { from: mail, optional: true }
  payment_terms: { from: terms, via: table(terms), optional: true }
tables:
  terms: { "30": NET30, "60": NET60 }
local: [terms]
owns: [name, domain, payment_terms]
"""
ERP = """mapping: customer -> erp.customer
version: 1
fields:
  title: { formula: 'UPPER(name)' }
  mail: { from: domain, optional: true }
"""


class Mapped:
    """The hub with its clock and folder."""

    def __init__(self, database_url: str, folder: Path) -> None:
        upgrade(database_url)
        self.today = datetime(2026, 3, 2, 9, tzinfo=UTC)
        policies = load_policies(ROOT / "config" / "policies.yaml")
        store = Store(Database(database_url), now=self._now, policies=policies)
        self.files = folder / "mappings"
        self.file(IN, SHOP)
        self.file(OUT, ERP)
        self.registry = Registry(store, Vault(os.urandom(32)), self.files)
        routes = {"customer.received": ["erp"], "customer.changed": ["erp"]}
        self.hub = Hub(store, self.registry, routes, Bounds(lease=30.0, call=1.0, attempts_max=6))
        self.connect("shop", {"secret": SECRET, "kind": "customer"})
        self.connect("erp", {"base_url": "http://127.0.0.1:9", "paths": {"customer": "/customers"}})
        self.events = 0

    def _now(self) -> datetime:
        return self.today

    def file(self, slot: Slot, text: str) -> Path:
        """Put a mapping file in its place."""
        path = self.files / slot.connection / f"{slot.kind}.{slot.direction}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def connect(self, name: str, settings: dict[str, Any]) -> None:
        """Save a connection."""
        stored = self.registry.seal(name, "http", settings)
        with self.hub.store.begin() as tx:
            connections.save(
                self.hub.store.database, tx.conn, name, "http", stored, poll_seconds=0.0, now=tx.now
            )
        self.registry.refresh(force=True)

    def send(self, *accounts: dict[str, Any]) -> None:
        """The shop sends accounts in one webhook; the hub takes them in and works."""
        self.events += 1
        self.today += timedelta(seconds=1)
        body = json.dumps(list(accounts)).encode()
        signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
        headers = {"x-signature": signature, "x-n": str(self.events)}
        delivery = Delivery(headers, body, "http://test/shop", self.today)
        self.hub.accept([self.hub.receive("shop", delivery)])
        while self.hub.process():
            pass

    def customers(self) -> list[Any]:
        """Every customer, oldest first, with its version's label."""
        from hub.store import views

        with self.hub.store.look() as tx:
            ids = list(reversed(views.newest_ids(tx.conn, "customer", 5_000)))
            return [tx.documents.stored(one) for one in ids]

"""A small company with true content in a hub: every number on a page comes out of the real process."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from hub import process
from hub.api.access import Actor, Role
from hub.api.actions import save_connection
from hub.api.app import build_api
from hub.connector import Delivery
from hub.engine import Hub
from hub.model import Customer, Money, Order, OrderLine, Payer, Payment, Shipment, ShipmentLine
from hub.policies import load_policies
from hub.process import Cause
from hub.registry import Registry
from hub.secrets import Vault, new_token, token_digest
from hub.settings import Settings
from hub.stages.outcome import Event
from hub.store import access, queue
from hub.store.database import Database, new_id
from hub.store.intake import accept, item
from hub.store.tables import INBOX, XREF, metadata
from hub.store.tx import Store
from hub.ui.app import build_ui
from sandbox.kit import serve

ROOT = Path(__file__).resolve().parents[2]
SECRET = "canary-webhook-secret-7731"
ADMIN = Actor("test setup", Role.ADMIN)
ROUTES = {
    "order.approved": ["erp"], "order.held": ["crm"], "invoice.issued": ["erp"], "payment.applied": ["erp"],
    "order.closed": ["crm"],
}  # fmt: skip
ACCOUNTS = {"NORTHWIND TRADERS LTD": "DE89370400440532013000", "GLOBEX CORP": "GB33BUKB20201555555555"}
OUT = """
mapping: {kind} -> erp.{kind}
version: 3
fields:
  number: {{ from: number }}
  customer: {{ from: customer_name, optional: true }}
"""


@dataclass
class Company:
    """The hub, its tokens by role, and the documents that tests ask for by name."""

    hub: Hub
    settings: Settings
    folder: Path
    clock: list[datetime]
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.clock[0] += timedelta(**span)

    def case(self, reason: str) -> str:
        """The id of the one open case of this reason."""
        from hub.store import views

        with self.hub.store.look() as tx:
            (row,) = views.cases(tx.conn, reason=reason)
        return str(row.id)


def empty(folder: Path, url: str = "") -> Company:
    """A hub without anything in it but a token of each role."""
    clock = [datetime(2026, 11, 2, 8, 30, tzinfo=UTC)]
    database = Database(url or f"sqlite:///{folder / 'hub.db'}")
    metadata.create_all(database.engine)
    store = Store(database, now=lambda: clock[0], policies=load_policies(ROOT / "config" / "policies.yaml"))
    mappings = folder / "mappings" / "erp"
    mappings.mkdir(parents=True)
    for kind in ("order", "invoice", "payment"):
        (mappings / f"{kind}.out.yaml").write_text(OUT.format(kind=kind))
    registry = Registry(store, Vault(os.urandom(32)), folder / "mappings")
    settings = Settings(data_dir=folder, public_url="https://o2c.example.com")
    company = Company(Hub(store, registry, ROUTES), settings, folder, clock)
    with store.begin() as tx:
        for role in ("viewer", "operator", "admin"):
            company.tokens[role] = new_token()
            access.add_token(
                tx.conn, digest=token_digest(company.tokens[role]), name=f"{role} Kim", role=role, now=tx.now
            )
    return company


@contextmanager
def served(company: Company, now: Callable[[], float] = time.time) -> Iterator[str]:
    """The API and the console of a company on a real port."""
    api, console = build_api(company.hub, company.settings), build_ui(company.hub, company.settings, now=now)
    with serve(Starlette(routes=[Mount("/api/v1", api), Mount("/", console)])) as url:
        yield url


@contextmanager
def busy(folder: Path, database_url: str = "") -> Iterator[Company]:
    """A company three weeks after it began, with an ERP on a real port."""
    company = empty(folder, database_url)
    with serve(_erp()) as url:
        _connect(company, url)
        _tell(company)
        yield company


def _erp() -> Starlette:
    numbers = itertools.count(1001)

    async def create(request: Request) -> JSONResponse:
        sent = await request.json()
        if "Initech" in str(sent.get("customer", "")):
            return JSONResponse({"message": "Invalid currency reference key 4 for subsidiary 2."}, 422)
        if "Umbra" in str(sent.get("customer", "")):
            return JSONResponse({"message": "upstream timed out"}, 500)
        return JSONResponse({"id": f"{request.url.path[1:3].upper()}-{next(numbers)}"})

    async def alive(request: Request) -> JSONResponse:
        return JSONResponse({"ok": True})

    paths = ("/orders", "/invoices", "/payments")
    posts = [Route(path, create, methods=["POST"]) for path in paths]
    puts = [Route(path + "/{id}", create, methods=["PUT"]) for path in paths]
    return Starlette(routes=[*posts, *puts, Route("/", alive)])


def _connect(company: Company, url: str) -> None:
    kinds = ("order", "invoice", "payment")
    erp = {
        "base_url": url, "token": "canary-erp-token-9912", "paths": {k: f"/{k}s" for k in kinds},
        "update_paths": {k: f"/{k}s/{{external_id}}" for k in kinds},
    }  # fmt: skip
    save = save_connection
    save(company.hub, ADMIN, "erp", connector="http", given=erp, poll_seconds=0)
    crm = {"secret": SECRET, "kind": "order"}
    save(company.hub, ADMIN, "crm", connector="http", given=crm, poll_seconds=0)
    save(company.hub, ADMIN, "bank", connector="bank", given={}, poll_seconds=0)


def run(company: Company, source: str, document: Any, body: str = "{}") -> str:
    """Let a document arrive from a connection, through the inbox and the real process."""
    hub, name = company.hub, f"{document.kind}.received"
    sent = Delivery({"content-type": "application/json"}, body.encode(), "/", company.clock[0])
    it = item(source, "webhook", [new_id()], sent)
    with hub.store.begin() as tx:
        accept(hub.store.database, tx.conn, [it])
    with hub.store.begin() as tx:
        (row,) = queue.claim_inbox(tx.conn, lease=60, limit=1)
        queue.settle(tx.conn, INBOX, row, state="done")
        tx.xrefs.seen(source, document, f"{source[:2].upper()}{document.id[-6:]}", None)
        cause = Cause(source, it.inbox_id, source, f"{source}.{document.kind} -> {document.kind} v2")
        process.run(tx, [Event(name, document)], hub.addressees, cause)
    return str(document.id)


def deliver(company: Company) -> None:
    """Bring the ERP up to date; what failed is tried once more at once."""
    hub = company.hub
    company.later(seconds=4)
    while hub.deliver("erp"):
        pass
    with hub.store.begin() as tx:
        for row in tx.conn.execute(XREF.select().where(XREF.c.state == "pending")).all():
            tx.conn.execute(XREF.update().where(XREF.c.id == row.id).values(next_at=0.0))
        from hub.store import connections

        connections.resume(tx.conn, "erp")
    company.later(seconds=31)
    while hub.deliver("erp"):
        pass


def usd(amount: str) -> Money:
    """Dollars."""
    return Money(amount=Decimal(amount), currency="USD")


def customer(company: Company, name: str, limit: str, currency: str = "USD") -> str:
    """A customer from the CRM."""
    made = Customer(
        id=new_id(), name=name, credit_limit=Money(amount=Decimal(limit), currency=currency),
        currency=currency, payment_terms="NET14",
    )  # fmt: skip
    company.ids[name] = run(company, "crm", made, '{"name": "' + name + '"}')
    return made.id


def order(
    company: Company, who: str, number: str, *lines: tuple[str, str, str], currency: str = "USD"
) -> str:
    """An order of (sku, quantity, price) lines."""
    made = Order(
        id=new_id(), number=number, customer=who, purchase_order=f"PO-{number[-4:]}", currency=currency,
        title=f"Deal {number}", delivery_address=None,
        lines=tuple(
            OrderLine(
                line_id=str(n), sku=sku, name=sku.replace("-", " ").title(), quantity=Decimal(quantity),
                unit_price=Decimal(price), tax_percent=Decimal("8.25"),
            )
            for n, (sku, quantity, price) in enumerate(lines, 1)
        ),
    )  # fmt: skip
    company.later(hours=5, minutes=7)
    company.ids[number] = run(company, "crm", made, '{"deal": "' + number + '", "stage": "closedwon"}')
    return made.id


def ship(company: Company, order_id: str, *lines: tuple[str, str]) -> None:
    """A shipment of (line id, quantity)."""
    made = Shipment(
        id=new_id(), number=f"SH-{order_id[-4:]}", order=order_id, shipped_on=company.clock[0].date(),
        tracking="1Z 999 AA1 01 2345 6784",
        lines=tuple(ShipmentLine(order_line=line, quantity=Decimal(quantity)) for line, quantity in lines),
    )  # fmt: skip
    company.later(hours=3, minutes=11)
    run(company, "crm", made)


def pay(company: Company, amount: str, text: str, payer: str, name: str) -> str:
    """A payment at the bank."""
    made = Payment(
        id=new_id(), account="DE02120300000000202051", amount=usd(amount), booked_on=company.clock[0].date(),
        payer=Payer(name=payer, account=ACCOUNTS[payer]), remittance_information=(text,),
    )  # fmt: skip
    company.later(hours=26)
    company.ids[name] = run(company, "bank", made, "<Document/>")
    return made.id


def _tell(company: Company) -> None:
    """Orders that were paid, held, part shipped, refused, and money nobody can explain."""
    north = customer(company, "Northwind Traders", "150000")
    globex = customer(company, "Globex Corporation", "40000")
    umbra = customer(company, "Umbra Logistics", "90000")
    initech = customer(company, "Initech GmbH", "80000", "EUR")
    first = order(company, north, "SO-4711", ("sensor-kit", "40", "310.00"), ("gateway", "4", "1250.00"))
    deliver(company)
    ship(company, first, ("1", "40"), ("2", "4"))
    deliver(company)
    pay(company, "18835.50", "INV-2026-000001 thank you", "NORTHWIND TRADERS LTD", "paid")
    deliver(company)
    second = order(
        company, north, "SO-4718", ("sensor-kit", "120", "305.00"), ("mounting-rail", "60", "42.50")
    )
    ship(company, second, ("1", "60"))
    deliver(company)
    third = order(company, globex, "SO-4720", ("gateway", "12", "1225.00"))
    ship(company, third, ("1", "12"))
    deliver(company)
    order(company, initech, "SO-4722", ("gateway", "20", "1100.00"), currency="EUR")
    order(company, umbra, "SO-4725", ("sensor-kit", "25", "310.00"))
    deliver(company)
    company.later(days=16)
    order(company, globex, "SO-4731", ("sensor-kit", "90", "308.00"), ("gateway", "8", "1225.00"))
    pay(company, "15912.75", "Rechnung November", "GLOBEX CORP", "mystery")
    company.later(hours=2)

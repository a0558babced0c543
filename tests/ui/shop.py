"""A shop that sends orders through the real inbox and mapping, and an ERP that is told of them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from hub.api.actions import save_connection
from hub.connector import Delivery
from hub.model import Customer, Money
from hub.store.database import new_id
from sandbox.kit import serve
from tests.ui import company as companies
from tests.ui.company import ADMIN, SECRET, Company

ORDER_IN = """\
# An order of the shop.
mapping: http.order -> order
version: 1
when: status == "paid"
fields:
  number: { from: number }
  customer: { from: buyer, via: xref(customer) }
  currency: { from: currency, via: currency, default: USD }
  title: { formula: 'CONCAT("Shop order ", number)', optional: true }
  payment_terms: { from: terms, via: table(terms), optional: true }
  lines:
    each: items
    when: quantity > 0
    fields:
      line_id: { from: id, via: text }
      sku: { from: sku }
      quantity: { from: quantity, via: decimal }
      unit_price: { from: price, via: decimal }
tables:
  terms: { "30 days": NET30, "now": COD }
local: [terms]
owns: [number, customer, title, payment_terms, lines]
"""
BUYER_IN = """\
mapping: http.customer -> customer
version: 1
fields:
  name: { from: name }
"""
BROKEN = ORDER_IN.replace("{ from: sku }", "{ formula: 'UPPR(sku)' }")  # there is no such function


def sent(number: str, **more: Any) -> dict[str, Any]:
    """An order as the shop sends it."""
    items = [
        {"id": 1, "sku": "sensor-kit", "quantity": 4, "price": "310.00"},
        {"id": 2, "sku": "gateway", "quantity": 1, "price": "1250.00"},
        {"id": 3, "sku": "sample", "quantity": 0, "price": "0"},
    ]
    return {"id": f"S-{number}", "number": number, "status": "paid", "buyer": "C-1", "currency": "USD",
            "terms": "30 days", "items": items, **more}  # fmt: skip


def arrive(company: Company, record: dict[str, Any]) -> None:
    """A signed webhook of the shop, processed at once."""
    body = json.dumps(record).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    company.later(minutes=17)
    delivery = Delivery({"x-signature": signature}, body, "/webhooks/shop", company.clock[0])
    company.hub.accept([company.hub.receive("shop", delivery)])
    assert company.hub.process() == 1


@contextmanager
def open_shop(folder: Path, orders: int = 4) -> Iterator[Company]:
    """A company whose shop has sent orders; `company.ids` has them by number."""
    company = companies.empty(folder)
    home = folder / "mappings" / "shop"
    home.mkdir()
    (home / "order.in.yaml").write_text(ORDER_IN)
    (home / "customer.in.yaml").write_text(BUYER_IN)
    with serve(companies._erp()) as url:
        companies._connect(company, url)
        given = {"secret": SECRET, "kind": "order"}
        save_connection(company.hub, ADMIN, "shop", connector="http", given=given, poll_seconds=0)
        _known_buyer(company)
        for n in range(orders):
            arrive(company, sent(f"SO-{9001 + n}", **({"terms": "now"} if n % 2 else {})))
        _remember(company)
        companies.deliver(company)
        yield company


def _known_buyer(company: Company) -> None:
    limit = Money(amount=Decimal(900_000), currency="USD")
    made = Customer(id=new_id(), name="Northwind Traders", credit_limit=limit, currency="USD")
    companies.run(company, "crm", made)
    with company.hub.store.begin() as tx:
        tx.xrefs.seen("shop", made, "C-1", None)


def _remember(company: Company) -> None:
    from hub.store import views

    with company.hub.store.look() as tx:
        for row in views.documents(tx.conn, kind="order", limit=100):
            company.ids[row.number] = row.id

"""The people around the hub: sales people win deals at HubSpot, customers pay their invoices at the bank."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from tests.prove.driver import Delivery, Driver
from tests.prove.plan import CUSTOMERS, GOODS, ROOT, SERVICES, UPLOAD_KEY, Load, Order
from tests.prove.roles import Broken

PAY_EVERY = 0.7
PAIRS = 0.3  # chance that a customer pays two invoices with one transfer


@dataclass
class Places:
    """The vendors' addresses and what they told an admin."""

    told: Mapping[str, Any]
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30.0, trust_env=False))

    def get(self, path: str) -> Any:
        """From the proof's own control interface."""
        return self.client.get(self.told["control"] + path).raise_for_status().json()

    def post(self, path: str, body: Any) -> Any:
        """To the proof's own control interface."""
        return self.client.post(self.told["control"] + path, json=body).raise_for_status().json()

    def effects(self, system: str, since: int = 0) -> list[dict[str, Any]]:
        """The writes that a sandbox carried out."""
        reply = self.client.get(f"{self.told[system]}/_sandbox/effects", params={"since": since})
        found: list[dict[str, Any]] = reply.raise_for_status().json()["effects"]
        return found

    def set_faults(self, system: str, faults: Any) -> None:
        """Replace a sandbox's misbehaviour."""
        address = f"{self.told[system]}/_sandbox/faults"
        self.client.delete(address).raise_for_status()
        if faults:
            self.client.post(address, json=list(faults)).raise_for_status()


@contextmanager
def vendors(seed: int, log: Path) -> Iterator[Places]:
    """Run the vendors in a process of their own until the block ends."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.prove.vendors", str(seed)], cwd=ROOT, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        assert process.stdin
        assert process.stdout
        try:
            line = process.stdout.readline()
            if not line:
                raise Broken(f"the vendors did not start: {log.read_text()[-2000:]}")
            places = Places(json.loads(line))
            yield places
            places.client.close()
        finally:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
            process.stdout.close()


@dataclass
class Sold:
    """An order, its deal, and the deliveries that told the hub of it being won."""

    order: Order
    deal: str
    sent_at: float
    news: list[Delivery] = field(default_factory=list)

    @property
    def acked_at(self) -> float:
        """When the first delivery of it was acknowledged; 0 while none was."""
        return min((one.acked_at for one in self.news if one.acked_at), default=0.0)


@dataclass(frozen=True)
class Paid:
    """A transfer that the bank booked."""

    pos: tuple[str, ...]
    amount: Decimal
    reference: str


class Market:
    """Sells and pays in threads until told to stop."""

    def __init__(self, places: Places, driver: Driver, load: Load, seed: int) -> None:
        self.places, self.driver, self.load = places, driver, load
        self.dice = random.Random(seed)
        self.cycle = 0
        self.sold: dict[str, Sold] = {}
        self.paid: list[Paid] = []
        self.troubles: list[str] = []
        self._settled: set[str] = set()  # purchase orders paid for
        self._seen = 0
        self._selling, self._paying = threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=self._loop, args=(self._selling, self._rest, self._sell), daemon=True),
            threading.Thread(
                target=self._loop, args=(self._paying, lambda: PAY_EVERY, self.pay), daemon=True
            ),
        ]
        made = [places.post("/companies", {"name": f"Customer{n}"}) for n in range(CUSTOMERS)]
        self.companies = [one["id"] for one in made]
        for one in made:
            driver.webhook(one["events"])

    def start(self) -> None:
        """Open for business."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """No more orders."""
        self._selling.set()
        self._threads[0].join(30)

    def stop(self) -> None:
        """No more payments either."""
        self.close()
        self._paying.set()
        self._threads[1].join(30)

    def _rest(self) -> float:
        return self.dice.expovariate(self.load.orders_per_second)

    def _loop(self, stop: threading.Event, rest: Any, work: Any) -> None:
        while not stop.wait(rest()):
            try:
                work()
            except Exception as error:  # noqa: BLE001 - a person would try again; the end of the run shows it
                self.troubles.append(f"{work.__name__}: {type(error).__name__}: {error}")

    def _sell(self) -> None:
        self.sell()

    def sell(self) -> Sold:
        """One order, under a purchase order that no other order has."""
        n = len(self.sold) + 1
        goods = self.dice.random() < self.load.goods
        order = Order(
            po=f"PO-{n:05d}",
            company=self.dice.choice(self.companies),
            sku=self.dice.choice(GOODS if goods else SERVICES),
            quantity=self.dice.randint(1, 4),
            price=Decimal("100.00") + n,
            tax_percent=self.dice.choice((Decimal(0), Decimal("8.25"))),
            cycle=self.cycle,
        )
        made = self.places.post(
            "/deals",
            {
                "company": order.company, "po": order.po, "sku": order.sku, "quantity": order.quantity,
                "price": str(order.price), "net": str(order.net), "tax": str(order.tax_percent),
            },
        )  # fmt: skip
        sold = Sold(order, made["id"], time.time())
        if self.dice.random() < self.load.two_steps:
            self._announce(made["events"])  # an open deal is none of the hub's business yet
            events = self.places.post("/wins", {"id": sold.deal})["events"]
        else:
            events = made["events"] + self.places.post("/wins", {"id": sold.deal})["events"]
        self.sold[order.po] = sold
        sold.news = self._announce(events)
        return sold

    def _announce(self, events: list[dict[str, Any]]) -> list[Delivery]:
        """In one to three requests, in any order."""
        shuffled = self.dice.sample(events, len(events))
        cuts = sorted(self.dice.sample(range(1, len(events)), min(self.dice.randint(0, 2), len(events) - 1)))
        parts = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True)]
        return [self.driver.webhook(part) for part in parts]

    def pay(self) -> None:
        """Customers pay the invoices they received, each once; the bank's statement is uploaded."""
        new = self.places.get(f"/invoices?after={self._seen}")
        self._seen += len(new)
        due = [one for one in new if one["po"] not in self._settled]
        due = list({one["po"]: one for one in due}.values())  # a second invoice for an order is not paid
        while due:
            first = due.pop(0)
            mates = [one for one in due if one["customer"] == first["customer"]]
            together = [first]
            if mates and self.dice.random() < PAIRS:
                due.remove(mates[0])
                together.append(mates[0])
            self._transfer(together)
        if new:
            self._statement()

    def _transfer(self, invoices: list[dict[str, Any]]) -> None:
        amount = sum((Decimal(one["total"]) for one in invoices), Decimal(0))
        text = "payment for " + " and ".join(one["number"] for one in invoices)
        body = {"debtor_name": f"Payer {invoices[0]['customer']}", "amount": str(amount), "text": text}
        booked = self._bank("POST", "/payments", body).json()
        self._settled |= {one["po"] for one in invoices}
        self.paid.append(Paid(tuple(one["po"] for one in invoices), amount, booked["reference"]))

    def _statement(self) -> None:
        issued = self._bank("POST", "/statements", {}).json()
        sheet = self._bank("GET", f"/statements/{issued['id']}", None).content
        headers = {"authorization": f"Bearer {UPLOAD_KEY}", "content-type": "application/xml"}
        self.driver.file(sheet, headers)

    def _bank(self, method: str, path: str, body: Any) -> httpx.Response:
        told = self.places.told
        headers = {"authorization": f"Bearer {told['bank_key']}"}
        reply = self.places.client.request(method, told["bank"] + path, json=body, headers=headers)
        return reply.raise_for_status()

    def all_paid(self) -> bool:
        """Has every order been invoiced and paid for?"""
        return set(self.sold) <= self._settled

"""The ERPs on stage: what people do in NetSuite and in SAP, in the same words, and what the books say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from connectors.netsuite.connector import NetSuite
from connectors.sap.connector import Sap
from hub import clock as hub_clock
from hub.decide import decide
from hub.policies import Invoicing
from hub.stages.outcome import Choice
from hub.store import connections
from hub.store.tables import INBOX, XREF
from sandbox.kit import Kit, serve
from sandbox.netsuite import NetSuiteSandbox
from sandbox.sap import SapSandbox
from tests.flows.wired import SELLERS, live_with, routes_for, with_seller
from tests.world import World

SKUS = ("A", "B", "C")
COMPANY = "1710"
CUBE = "A_OperationalAcctgDocItemCube"
ACCOUNTS = {
    "bank_clearing": "24000000", "revenue": "41000000", "write_off": "44000000", "discount": "44100000",
    "fee": "44200000", "exchange": "44300000",
}  # fmt: skip
LAG = timedelta(minutes=4)  # the ERPs' clocks are behind, so that a poll sees what was done just now


class Settled(NamedTuple):
    """What a payment settles: the invoice's id there, and how much of it."""

    invoice: str
    amount: str


class Erp(Protocol):
    """What people do in an ERP, and what its books say. Ids are those the ERP gave."""

    name: str
    connector: Any
    sandbox: Any
    kit: Kit

    def ship(self, order: str, quantities: Mapping[str, str]) -> str: ...
    def bill(self, order: str, shipment: str) -> str: ...
    def credit(self, invoice: str, net: str) -> str: ...
    def cancel(self, invoice: str) -> None: ...
    def free(self, invoice: str, payment: str) -> None: ...
    def pay(self, customer: str, amount: str, *settled: Settled) -> str: ...
    def write_off(self, invoice: str, amount: str) -> str: ...
    def open(self) -> Mapping[str, Decimal]: ...
    def made(self) -> Counter[tuple[str, str]]: ...
    def problems(self) -> Sequence[str]: ...


class Behind:
    """A clock some minutes behind the real one; each act of people is a second after what was before."""

    def __init__(self) -> None:
        self.acts = 0

    def __call__(self) -> datetime:
        return datetime.now(UTC) - LAG + timedelta(seconds=self.acts)


class InNetSuite:
    """A NetSuite account reached with tokens."""

    name = "netsuite"
    tables: Mapping[str, Mapping[str, str]] = {}

    def __init__(self, sandbox: NetSuiteSandbox, url: str, clock: Behind, **settings: Any) -> None:
        self.sandbox, self.kit, self.clock = sandbox, sandbox.kit, clock
        for sku in SKUS:
            sandbox.add_item(sku)
        for sku in ("S", "WRITE-OFF"):  # sold without being shipped, and what is given up
            sandbox.add_item(sku, "serviceSaleItem")
        known = {"base_url": url, "auth": "tba", "poll_margin": 0, **sandbox.tba}
        self.connector = NetSuite(NetSuite.manifest.settings.model_validate(known | settings))

    @property
    def people(self) -> Any:
        """The users of the account, a second later."""
        self.clock.acts += 1
        return self.sandbox.people

    def ship(self, order: str, quantities: Mapping[str, str]) -> str:
        return str(self.people.ship(order, dict(quantities)))

    def bill(self, order: str, shipment: str) -> str:
        return str(self.people.bill(order))

    def overbill(self, order: str) -> str:
        """Billed at another price than was agreed."""
        [line] = self.sandbox.get("salesOrder", order)["item"]["items"]
        changed = {"line": line["line"], "item": {"id": line["item"]["id"]}, "rate": 120}
        self.people.edit("salesOrder", order, {"item": {"items": [changed]}})
        return self.bill(order, self.people.ship(order))

    def owed(self, invoice: str) -> Decimal:
        """What of an invoice somebody still has to pay."""
        return self.open().get(invoice, Decimal(0))

    def credit(self, invoice: str, net: str) -> str:
        return str(self.people.credit(invoice, amount=net))

    def twice(self, invoice: str) -> str:
        """The same once more, by hand; the second id."""
        return str(self.people.copy("invoice", invoice))

    def moved(self, invoice: str, customer: str) -> None:
        """Put under another customer."""
        self.people.edit("invoice", invoice, {"entity": {"id": customer}})

    def revalued(self, invoice: str) -> None:
        """The same figures in euros."""
        customer = self.sandbox.get("invoice", invoice)["entity"]["id"]
        self.people.edit("customer", customer, {"currencyList": {"items": [{"currency": {"id": "4"}}]}})
        self.people.edit("invoice", invoice, {"currency": {"id": "4"}})

    def cancel(self, invoice: str) -> None:
        self.people.void("invoice", invoice)

    def free(self, invoice: str, payment: str) -> None:
        self.people.reapply("customerPayment", payment)

    def pay(self, customer: str, amount: str, *settled: Settled) -> str:
        return str(self.people.pay(customer, amount, apply=[one._asdict() for one in settled]))

    def write_off(self, invoice: str, amount: str) -> str:
        return str(self.people.write_off(invoice, amount))

    def open(self) -> Mapping[str, Decimal]:
        """What is open of every invoice that was not voided."""
        rows = self.sandbox.tie_out()["invoice"]
        return {row["id"]: Decimal(row["open"]) for row in rows if not row["voided"]}

    def made(self) -> Counter[tuple[str, str]]:
        """How often each of our documents was created there, by record type and our reference."""
        made = [one for one in self.kit.effects if one["action"] == "create" and one.get("externalId")]
        return Counter((one["kind"], one["externalId"]) for one in made)

    def problems(self) -> Sequence[str]:
        return list(self.sandbox.tie_out()["problems"])


class InSap:
    """An S/4HANA system reached as its communication user."""

    name = "sap"
    tables = {"tax_codes": {"S 0.00": "O1", "Z 0.00": "O1"}}

    def __init__(self, sandbox: SapSandbox, url: str, clock: Behind, **settings: Any) -> None:
        self.sandbox, self.kit, self.clock = sandbox, sandbox.kit, clock
        for sku in SKUS:
            sandbox.add_product(sku, "1.00")
        seller = settings.pop("seller", "")
        company = {"company_code": COMPANY, "sales_organization": COMPANY, "currency": "USD"}
        known = {
            "base_url": url, "private_hosts": [urlsplit(url).hostname], "poll_margin": 0,
            "username": sandbox.credentials["user"], "password": sandbox.credentials["password"],
            "sellers": {seller: {**company, "accounts": ACCOUNTS}},
        }  # fmt: skip
        self.connector = Sap(Sap.manifest.settings.model_validate(known | settings))

    @property
    def people(self) -> Any:
        """The system's users, a second later."""
        self.clock.acts += 1
        return self.sandbox

    def ship(self, order: str, quantities: Mapping[str, str]) -> str:
        items = self.sandbox.store.find("A_SalesOrderItem", SalesOrder=order)
        wanted = {
            str(one["SalesOrderItem"]): quantities[one["Material"]]
            for one in items if one["Material"] in quantities
        }  # fmt: skip
        return str(self.people.deliver(order, wanted))

    def bill(self, order: str, shipment: str) -> str:
        return str(self.people.bill(delivery=shipment))

    def overbill(self, order: str) -> str:
        """Billed at another price than was agreed."""
        self.people.change_price(order, "10", "120.00")
        return self.bill(order, self.people.deliver(order))

    def owed(self, invoice: str) -> Decimal:
        """What of an invoice somebody still has to pay."""
        return self.open().get(invoice, Decimal(0))

    def credit(self, invoice: str, net: str) -> str:
        """Of a billing document; of another invoice a credit of its customer."""
        if "-" not in invoice:
            return str(self.people.credit_memo(billing=invoice, amount=net))
        customer = self.people.item(invoice)["Customer"]
        return str(self.people.credit_memo(customer=customer, lines=[("A", "1", net)]))

    def twice(self, invoice: str) -> str:
        """The same once more, with our reference; the second id."""
        return str(self.people.post_again(invoice))

    def moved(self, invoice: str, customer: str) -> None:
        """Put under another customer, as when data were taken over from an older system."""
        self._rewrite(invoice, "Customer", customer)

    def revalued(self, invoice: str) -> None:
        """The same figures in euros."""
        self._rewrite(invoice, "TransactionCurrency", "EUR")

    def _rewrite(self, document: str, field: str, value: str) -> None:
        company, year, number = document.split("-")
        table = self.sandbox.store[CUBE]
        for key in [key for key in table.rows if key[:3] == (company, year, number)]:
            if table.rows[key].get(field):
                table.swap(key, {**table.rows[key], field: value})

    def cancel(self, invoice: str) -> None:
        if "-" in invoice:
            self.people.reverse_document(invoice)
        else:
            self.people.cancel_billing(invoice)

    def free(self, invoice: str, payment: str) -> None:
        row = self.sandbox.item(invoice)
        year, number = row["ClearingDocFiscalYear"], row["ClearingAccountingDocument"]
        self.people.reverse_clearing(f"{row['CompanyCode']}-{year}-{number}")

    def pay(self, customer: str, amount: str, *settled: Settled) -> str:
        still = self.open()
        whole = all(still[one.invoice] == Decimal(one.amount) for one in settled)
        shares = [(one.invoice, one.amount) for one in settled]
        return str(self.people.pay(customer, amount, shares, mode="clear" if whole else "partial"))

    def write_off(self, invoice: str, amount: str) -> str:
        return str(self.people.write_off(invoice, amount))

    def archive(self, document: str) -> None:
        """A document leaves the books without a trace."""
        company, year, number = document.split("-")
        table = self.sandbox.store[CUBE]
        for key in [key for key in table.rows if key[:3] == (company, year, number)]:
            table.swap(key, None)

    def open(self) -> Mapping[str, Decimal]:
        """What is open of every invoice that was not reversed: its item less what was paid of it in part."""
        found: dict[str, Decimal] = {}
        parts: dict[str, Decimal] = {}
        names: dict[str, str] = {}
        with self.kit.lock:
            rows = [r for r in self.sandbox.store[CUBE].rows.values() if r["FinancialAccountType"] == "D"]
        for row in rows:
            name = "-".join((row["CompanyCode"], row["FiscalYear"], row["AccountingDocument"]))
            amount = Decimal(0) if row["IsCleared"] else Decimal(row["AmountInTransactionCurrency"])
            if row["AccountingDocumentType"] in ("DR", "RV") and row["DebitCreditCode"] == "S":
                names[name] = row.get("BillingDocument") or name
                if not row.get("IsReversed"):
                    found[names[name]] = found.get(names[name], Decimal(0)) + amount
            elif row.get("InvoiceReference"):
                key = (row["CompanyCode"], row["InvoiceReferenceFiscalYear"], row["InvoiceReference"])
                parts["-".join(key)] = parts.get("-".join(key), Decimal(0)) + amount
        for name, part in parts.items():
            if names.get(name) in found:
                found[names[name]] += part
        return found

    def made(self) -> Counter[tuple[str, str]]:
        """How often each of our documents was created there, by entity and our reference."""
        made = [one for one in self.kit.effects if one["action"] in ("create", "post") and one["reference"]]
        return Counter((one["kind"], one["reference"]) for one in made)

    def problems(self) -> Sequence[str]:
        return list(self.sandbox.check())


class Shop:
    """A hub with a CRM, a bank and one or two ERPs: its actions in the words of order to cash."""

    def __init__(self, world: World, erps: Mapping[str, Any]) -> None:
        self.world, self.erps = world, erps
        self.about: dict[str, Any] = {}  # what the CRM knows of its companies, beside their limit

    @property
    def erp(self) -> Any:
        """The ERP, where there is one."""
        [one] = self.erps.values()
        return one

    def at(self, order: Any) -> Any:
        """The ERP that keeps the books of an order."""
        names = {seller: name for name, seller in SELLERS.items()}
        return self.erps[names[order.seller]] if len(self.erps) > 1 else self.erp

    # what happens
    def work(self, rounds: int = 4, *, polls: bool = True) -> None:
        """Everything is worked off and polled, until nothing new comes; a little time passes for retries."""
        for _ in range(rounds):
            self.world.work(rounds=200)
            for name in self.erps if polls else ():
                hub_clock.poll(self.world.hub, name)
            self.world.work(rounds=200)
            self.hurry()
            if self.quiet():
                return

    def hurry(self) -> None:
        """A second passes, and every backoff, lease and pause with it."""
        self.world.today[0] += timedelta(seconds=1)
        with self.world.hub.store.begin() as tx:
            for table in (INBOX, XREF):
                waiting = table.update().where(table.c.state != "done")
                tx.conn.execute(waiting.values(next_at=0.0, lease_until=0.0))
            for name in self.world.vendors:
                connections.resume(tx.conn, name)

    def quiet(self) -> bool:
        """Nothing waits."""
        return not self.waiting()

    def waiting(self) -> list[Any]:
        """The first rows of both queues that are not done."""
        with self.world.hub.store.look() as tx:
            rows = [
                tx.conn.execute(table.select().where(table.c.state != "done").limit(5))
                for table in (INBOX, XREF)
            ]
            return [(row.connection, row.state, row.last_error) for found in rows for row in found]

    def order(self, *lines: tuple[str, str, str], company: str = "c1", **fields: Any) -> Any:
        """An approved order, known at its ERP: lines of sku, quantity and price."""
        id = str(fields.pop("id_", f"d{self.world.events}"))
        self.tell(id, *lines, company=company, **fields)
        return self.known("crm", "order", id)

    def tell(self, id: str, *lines: tuple[str, str, str], company: str = "c1", **fields: Any) -> None:
        """A won deal as the CRM has it now."""
        rows = [
            {"id": at, "sku": sku, "quantity": quantity, "price": price}
            for at, (sku, quantity, price) in enumerate(lines, 1)
        ]
        deal = self.world.deal(id, lines=rows, company=company, **fields)
        self.world.send("crm", self.world.company(company, limit="99000000.00", **self.about), deal)
        self.work()

    def payer(self, document: Any) -> str:
        """The id of a document's customer in the ERP."""
        with self.world.hub.store.look() as tx:
            return str(tx.xrefs.external_id(self.erp.name, document.customer))

    def known(self, connection: str, kind: str, external_id: str) -> Any:
        """Our document by its id in another system."""
        with self.world.hub.store.look() as tx:
            found = tx.xrefs.known(connection, kind, external_id)
            assert found is not None, (connection, kind, external_id)
            return tx.documents.get(found.document_id)

    def there(self, document: Any, erp: Any = None) -> str:
        """A document's id in its ERP."""
        name = (erp or self.erp).name
        with self.world.hub.store.look() as tx:
            found = tx.xrefs.external_id(name, document.id)
        assert found is not None, (name, document)
        return str(found)

    def ship(self, order: Any, *, billed: bool = False, **quantities: str) -> Any:
        """Goods leave; where the ERP bills, it does. The invoice that comes of it."""
        erp, before = self.at(order), {one.id for one in self.invoices(order)}
        shipment = erp.ship(self.there(order, erp), quantities)
        self.work()
        if billed:
            erp.bill(self.there(order, erp), shipment)
            self.work()
        [made] = [one for one in self.invoices(order) if one.id not in before]
        return made

    def invoices(self, order: Any) -> list[Any]:
        """The order's invoices."""
        return [one for one in self.world.documents("invoice") if one.order == order.id]

    def bank(self, amount: str, *text: str, currency: str = "USD") -> Any:
        """Money arrives."""
        self.world.events += 1
        record = {
            "amount": amount,
            "date": self.world.today[0].date().isoformat(),
            "text": list(text),
            "currency": currency,
        }
        id = f"b{self.world.events}"
        self.world.send("bank", {"kind": "payment", "id": id, "record": record})
        self.work()
        return self.known("bank", "payment", id)

    def decide(self, reason: str, decision: str, **values: Any) -> Any:
        """A person answers the one case of this reason."""
        [case] = [one for one in self.world.cases() if one.reason == reason]
        decide(self.world.hub, case.id, decision, Choice("ada", "", values))
        self.work()
        return case

    # what it comes to
    def now(self, document: Any) -> Any:
        """The document as it is now."""
        with self.world.hub.store.look() as tx:
            return tx.documents.get(document.id)

    def open_of(self, invoice: Any) -> str:
        """What is open of an invoice in the hub."""
        with self.world.hub.store.look() as tx:
            return str(tx.reader.open_amount(invoice).amount)

    def reasons(self) -> list[str]:
        """Of the open cases."""
        return sorted(case.reason for case in self.world.cases())

    def off(self) -> list[str]:
        """Where an invoice's open amount here is not that of its ERP; and where its books do not tie out."""
        found = [text for erp in self.erps.values() for text in erp.problems()]
        books = {name: erp.open() for name, erp in self.erps.items()}
        seen: Counter[str] = Counter()
        with self.world.hub.store.look() as tx:
            for invoice in self.world.documents("invoice"):
                here = tx.reader.open_amount(invoice).amount
                ids = {name: tx.xrefs.external_id(name, invoice.id) for name in books}
                there = [books[name][id] for name, id in ids.items() if id in books[name]]
                seen.update(name for name, id in ids.items() if id in books[name])
                if (there or [Decimal(0)]) != [here]:
                    found.append(f"{invoice.number} {invoice.state}: {here} here, {there} there")
        for name, book in books.items():
            if seen[name] != len(book):
                found.append(f"{name} has {len(book)} invoices, {seen[name]} of them known here")
        return found

    def twice(self) -> list[Any]:
        """Documents of ours that were created more than once in an ERP."""
        return [(n, key, times) for n, e in self.erps.items() for key, times in e.made().items() if times > 1]

    def ties_out(self, *reasons: str) -> None:
        """All done, to the cent, once each, and no case but these."""
        assert self.waiting() == []
        assert self.reasons() == sorted(reasons), [(one.reason, one.title) for one in self.world.cases()]
        assert self.off() == []
        assert self.twice() == []


def open_shop(
    stack: ExitStack, world: World, *names: str, bills: bool = False, **settings: Mapping[str, Any]
) -> Shop:
    """These ERPs behind the world's hub, each on a real port. `bills`: they issue the invoices."""
    hub: Any = world.hub
    world.today[0] = datetime.now(UTC).replace(microsecond=0)
    live = {name: one for name, one in hub.registry.live.items() if name != "erp"}
    del world.vendors["erp"]
    hub.registry.live = live
    with_seller(live)
    several = len(names) > 1
    hub.routes = routes_for(hub.routes, names, several=several)
    issued = {"issuer": names[0]} if bills and not several else {}
    issued |= {"by_seller": {SELLERS[name]: name for name in names}} if bills and several else {}
    update: dict[str, Any] = {"invoicing": Invoicing.model_validate(issued)}
    update |= {"sellers": tuple(SELLERS[name] for name in names)} if several else {}
    hub.store.policies = hub.store.policies.model_copy(update=update)
    erps = {}
    for name in names:
        more = dict(settings.get(name, {}))
        if several and name == "sap":
            more["seller"] = SELLERS[name]
        erps[name] = _open(stack, name, more)
        _connect(world, erps[name])
    return Shop(world, erps)


@contextmanager
def on_stage(world: World, *names: str, bills: bool = False, **settings: Any) -> Iterator[Shop]:
    """As open_shop, until the block ends."""
    with ExitStack() as stack:
        yield open_shop(stack, world, *names, bills=bills, **settings)


def _open(stack: ExitStack, name: str, settings: dict[str, Any]) -> Any:
    clock = Behind()
    limit = settings.pop("limit", None)
    if name == "netsuite":
        account = NetSuiteSandbox(now=clock, **({"concurrency": limit} if limit else {}))
        return InNetSuite(account, stack.enter_context(serve(account.app)), clock, **settings)
    system = SapSandbox(now=clock, **({"concurrency": limit} if limit else {}))
    return InSap(system, stack.enter_context(serve(system.app)), clock, **settings)


def _connect(world: World, erp: Any) -> None:
    registry: Any = world.hub.registry
    registry.live = {**registry.live, erp.name: live_with(erp.name, erp.connector, erp.tables)}
    world.vendors[erp.name] = erp
    with world.hub.store.begin() as tx:
        connections.save(
            world.hub.store.database, tx.conn, erp.name, erp.name, {}, poll_seconds=0, now=tx.now
        )


__all__ = ["InNetSuite", "InSap", "Settled", "Shop", "on_stage"]

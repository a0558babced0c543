"""The whole loop: a deal won in HubSpot becomes order and invoice in NetSuite, and HubSpot knows it.

The simulators answer at once, so what is measured is the hub. They run in this process, on real ports.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from bench.acceptance import scratch
from bench.machine import Meter, Usage, family, wait_quiet
from bench.report import Report
from bench.running import Broken, Running, system
from sandbox.hubspot import HubSpotSandbox
from sandbox.kit import serve
from sandbox.netsuite import NetSuiteSandbox

COMPANIES = 20
PATIENCE = 180.0
GOODS, WORK = "BENCH-GOODS", "BENCH-SERVICE"


class Form(NamedTuple):
    """How the hub is run."""

    name: str
    workers: int  # processes beside the web process; 0: threads in it
    scaled: bool


FORMS = (
    Form("embedded (SQLite, threads in one process)", 0, scaled=False),
    Form("scaled (PostgreSQL, Redis), 1 worker process", 1, scaled=True),
    Form("scaled (PostgreSQL, Redis), 2 worker processes", 2, scaled=True),
)


@dataclass
class Town:
    """The simulators and the hub between them."""

    crm: HubSpotSandbox
    erp: NetSuiteSandbox

    def until(self, what: str, happened: Callable[[], bool]) -> None:
        """Wait for the hub. Raises Broken when it does not happen."""
        end = time.monotonic() + PATIENCE
        while not happened():
            if time.monotonic() > end:
                raise Broken(f"waited {PATIENCE:.0f} s for this and it did not happen: {what}")
            time.sleep(0.02)


def run(*, quick: bool = False) -> Report:
    """Deals per second in each form."""
    count = 5 if quick else 300
    report = Report(
        "loop", "The whole loop: HubSpot deal won to NetSuite sales order, invoice, and status in HubSpot",
        f"{count} deals of two lines, one of them a service, won one after the other as fast as HubSpot "
        "sends; simulators that answer at once share the machine. Nothing is pinned.", quick,
    )  # fmt: skip
    rates: dict[str, float] = {}
    for form in FORMS[:1] if quick else FORMS:
        wait_quiet(0.0 if quick else 20.0)
        with ExitStack() as stack:
            town = _open(stack, form, report)
            if town is None:
                continue
            seconds, usage = _play(town, count)
        rates[form.name] = count / seconds
        hub, sim = (1000 * cores * seconds / count for cores in (usage.system, usage.load))
        told = f"{count / seconds:.1f} deals/s; CPU per deal: hub, database and broker {hub:.1f} ms, "
        told += f"simulators {sim:.1f} ms"
        report.add(form.name, told, usage)
    _compare(report, list(rates.values()))
    return report


def _compare(report: Report, rates: list[float]) -> None:
    if len(rates) == len(FORMS):
        report.judge("2 workers / 1 worker", f"{rates[2] / rates[1]:.2f}", "-", None)
        report.judge("scaled with 2 workers / embedded", f"{rates[2] / rates[0]:.2f}", "-", None)


def _open(stack: ExitStack, form: Form, report: Report) -> Town | None:
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=scratch()))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    crm, erp = HubSpotSandbox(), NetSuiteSandbox()
    places = [stack.enter_context(serve(one.app)) for one in (crm, erp)]
    env: dict[str, str] = {"O2C_CONFIG_DIR": "config", "O2C_MAPPINGS_DIR": "mappings"}
    if form.scaled:
        from tests.servers import Unavailable

        try:
            env |= stack.enter_context(_servers())
        except Unavailable as missing:
            report.note(f"{form.name}: skipped, {missing}")
            return None
    _connect(folder, env, crm, erp, places)
    web = system("whole", folder, -1)
    web.env = {**web.env, **env}
    processes = [web]
    if form.workers:
        command = [sys.executable, "-m", "dramatiq", "hub.main:work", "--threads", "8"]
        processes.append(Running([*command, "--processes", str(form.workers)], 0, folder, web.env))
    for one in processes:
        one.start(wait=one.port > 0)
        stack.callback(one.end, signal.SIGTERM)
    crm.webhooks.target = f"http://127.0.0.1:{web.port}/webhooks/hubspot"
    return Town(crm, erp)


@contextmanager
def _servers() -> Iterator[dict[str, str]]:
    from tests.servers import database, postgres, redis_server

    with postgres(durable=True) as server, database(server) as url, redis_server() as bell:
        yield {"O2C_DATABASE_URL": url, "O2C_REDIS_URL": bell}


def _connect(
    folder: Path, env: dict[str, str], crm: HubSpotSandbox, erp: NetSuiteSandbox, places: list[str]
) -> None:
    from hub.main import build
    from hub.settings import Settings
    from hub.store import connections

    parts = build(Settings(data_dir=folder, database_url=env.get("O2C_DATABASE_URL", ""), log_level="ERROR"))
    hubspot = {
        "base_url": places[0], "access_token": crm.token, "client_secret": crm.client_secret,
        "portal_id": crm.portal_id,
    }  # fmt: skip
    netsuite = {
        "base_url": places[1],
        "account_id": erp.account_id,
        "auth": "tba",
        "poll_margin": 0,
        **erp.tba,
    }
    with parts.hub.store.begin() as tx:
        for name, given in (("hubspot", hubspot), ("netsuite", netsuite)):
            sealed = parts.hub.registry.seal(name, name, given)
            connections.save(
                parts.hub.store.database, tx.conn, name, name, sealed, poll_seconds=0.0, now=tx.now
            )
    parts.close()


def _play(town: Town, count: int) -> tuple[float, Usage]:
    crm, erp = town.crm, town.erp
    erp.add_item(GOODS)
    erp.add_item(WORK, "serviceSaleItem")
    companies = [
        crm.create_company(name=f"Company {n:03}", domain=f"c{n:03}.example", o2c_credit_limit="100000000.00")
        for n in range(COMPANIES)
    ]
    crm.send_pending()
    town.until("every company is a customer", lambda: erp.count("customer") >= COMPANIES)
    for number, timed in ((max(count // 10, 1), False), (count, True)):
        deals = [_deal(crm, companies[n % COMPANIES]) for n in range(number)]
        crm.send_pending()
        before = erp.count("invoice")
        meter, start = Meter(family([os.getpid()]) - {os.getpid()}), time.monotonic()
        sender = threading.Thread(target=_win, args=(crm, deals), daemon=True)
        sender.start()
        town.until("every deal is invoiced", lambda b=before, n=number: erp.count("invoice") >= b + n)
        town.until("every deal knows it", lambda d=deals: all(_told(crm, one) for one in d))
        seconds, usage = time.monotonic() - start, meter.stop()
        sender.join(30)
        if timed:
            assert erp.count("salesOrder") == erp.count("invoice")
    return seconds, usage


def _deal(crm: HubSpotSandbox, company: str) -> str:
    lines = [(GOODS, "4", "125.00", "goods"), (WORK, "2", "80.00", "service")]
    amount = sum(Decimal(quantity) * Decimal(price) for _, quantity, price, _ in lines)
    deal = crm.create_deal(company, dealname="Benchmark", amount=str(amount), deal_currency_code="USD")
    for sku, quantity, price, kind in lines:
        crm.create_line_item(deal, hs_sku=sku, name=sku, quantity=quantity, price=price, o2c_delivery=kind)
    return deal


def _win(crm: HubSpotSandbox, deals: list[str]) -> None:
    for deal in deals:
        crm.win(deal)
        crm.send_pending()


def _told(crm: HubSpotSandbox, deal: str) -> bool:
    return crm.properties("deals", deal).get("o2c_order_status") == "Partly invoiced"

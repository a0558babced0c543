"""Putting everything on stage: the simulators and a hub, each on its own port, and time that we advance."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from hub import secrets
from hub.demo.crm import CHOICES, Crm
from hub.demo.crm_hubspot import HubSpotCrm
from hub.demo.crm_salesforce import SalesforceCrm
from hub.demo.erp import ERPS, Erp
from hub.demo.erp_netsuite import NetSuiteErp
from hub.demo.erp_sap import SapErp
from hub.demo.money import AchBank, Desk
from hub.demo.retailer import Retailer
from hub.demo.sellers import split
from hub.main import Parts, build
from hub.settings import Settings
from hub.store import access, connections, mappings, views
from hub.web import web
from sandbox.bank import BankSandbox
from sandbox.kit import serve

IBAN = "DE02120300000000202051"  # a published test account number
UPLOAD_KEY = "demo-upload-key"
PATIENCE = 30.0  # seconds a step may take before the story is called stuck
CRMS: Mapping[str, type[HubSpotCrm] | type[SalesforceCrm]] = {
    "hubspot": HubSpotCrm,
    "salesforce": SalesforceCrm,
}


BOOKS: Mapping[str, str] = {"netsuite": NetSuiteErp.title, "sap": SapErp.title}


class Stuck(Exception):
    """A step of the story did not come about."""


class DemoClock:
    """Real time of day, on a day that the story chooses."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    @property
    def today(self) -> date:
        """The story's business date."""
        return self().date()

    def advance(self, days: int) -> None:
        """Days pass."""
        self._ahead += timedelta(days=days)


@dataclass
class Stage:
    """The hub and the systems around it. People's actions at the systems are methods of the simulators."""

    parts: Parts
    url: str
    token: str
    clock: DemoClock
    crms: Sequence[Crm]
    erps: Sequence[Erp]
    bank: BankSandbox
    desk: Desk | None  # at Stripe, where customers pay by card
    ach: AchBank | None
    retailer: Retailer | None  # a customer that trades by EDI
    places: dict[str, str]

    def until(self, what: str, happened: Callable[[], Any]) -> Any:
        """Wait for something that the hub does by itself. Raises Stuck when it does not."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = happened()
            if found:
                return found
            time.sleep(0.02)
        raise Stuck(f"waited {PATIENCE:.0f} s for this and it did not happen: {what}{self._why()}")

    def _why(self) -> str:
        """Open questions and last errors, for the person who reads that the story is stuck."""
        with self.parts.hub.store.look() as tx:
            cases = [f"\n  case {row.reason}: {row.title}" for row in views.cases(tx.conn)]
            rows = [f"\n  {row}" for row in views.troubled(tx.conn)]
        return "".join((*cases, *rows))

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """What a person's program does: the hub's own API, over HTTP."""
        headers = {"authorization": f"Bearer {self.token}"}
        reply = httpx.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers, timeout=30)
        if reply.status_code >= 400:
            raise Stuck(f"{method} {path} was answered {reply.status_code}: {reply.text[:300]}")
        return reply.json()

    def quiet(self) -> bool:
        """Nothing is waiting to be processed or delivered."""
        with self.parts.hub.store.look() as tx:
            waiting = connections.backlog(tx.conn)
        return not any(
            count for states in waiting.values() for name, count in states.items() if "pending" in name
        )


@contextmanager
def on_stage(folder: Path, port: int, choice: str, books: str, pay: str, *, edi: bool) -> Iterator[Stage]:
    """Start everything, connect it, and stop it again: one of CHOICES, one of ERPS, one of PAY."""
    clock = DemoClock()
    crms = [CRMS[name](clock) for name in CHOICES[choice]]
    erps = [_erp(name, clock) for name in ERPS[books]]
    bank = BankSandbox(IBAN, "USD", clock)
    desk, ach = (Desk(clock, IBAN), AchBank(clock, UPLOAD_KEY)) if pay == "all" else (None, None)
    retailer = Retailer(clock) if edi else None
    with ExitStack() as stack:
        shown = (*crms, *erps, *(one for one in (desk, retailer) if one))
        apps = {**{one.title: one.app for one in shown}, "Bank": bank.app}
        places = {title: stack.enter_context(serve(app)) for title, app in apps.items()}
        port = port or _free_port()
        settings = Settings(
            data_dir=folder, database_url="", redis_url=None, port=port, public_url=f"http://127.0.0.1:{port}",
            sweep_seconds=0.2, log_level="ERROR",
        )  # fmt: skip
        if len(erps) > 1:
            settings = settings.model_copy(update={"config_dir": split(settings, erps, folder / "config")})
        parts = build(settings, now=clock)
        stack.callback(parts.close)
        token = _connect(parts, crms, erps, places)
        _connect_payments(parts, desk, ach, places, settings.public_url)
        stack.enter_context(_serving(parts, port))
        places["Hub"] = f"http://127.0.0.1:{port}"
        for crm in crms:
            crm.push_to(places["Hub"])
        yield Stage(parts, places["Hub"], token, clock, crms, erps, bank, desk, ach, retailer, places)


def _erp(name: str, clock: DemoClock) -> Erp:
    return SapErp(clock) if name == "sap" else NetSuiteErp()


def _connect(parts: Parts, crms: Sequence[Crm], erps: Sequence[Erp], places: Mapping[str, str]) -> str:
    """What an admin does on the first day: a connection for each system, its own codes, and a token."""
    several = len(erps) > 1
    bank = {"account": IBAN, "upload_key": UPLOAD_KEY}
    token = secrets.new_token()
    registry, store = parts.hub.registry, parts.hub.store
    with store.begin() as tx:
        for name, given, every in (
            *((one.connection, one.settings(places[one.title]), 0.0) for one in crms),
            *(
                (one.connection, one.settings(places[one.title], seller=one.seller if several else ""), 1.0)
                for one in erps
            ),
            ("bank", bank, 0.0),
        ):
            sealed = registry.seal(name, name, given)
            connections.save(store.database, tx.conn, name, name, sealed, poll_seconds=every, now=tx.now)
        for erp in erps:
            for table, entries in erp.tables().items():
                mappings.set_local_table(
                    store.database, tx.conn, erp.connection, table, entries, by="demo", now=tx.now
                )
        access.add_token(tx.conn, digest=secrets.token_digest(token), name="demo", role="admin", now=tx.now)
    return token


def _connect_payments(
    parts: Parts, desk: Desk | None, ach: AchBank | None, places: Mapping[str, str], url: str
) -> None:
    """Connections of where customers can pay besides the bank."""
    given: list[tuple[str, str, Mapping[str, Any], float]] = []
    given += [(desk.connection, "stripe", desk.settings(places[desk.title], url), 1.0)] if desk else []
    given += [(ach.connection, "bank", ach.settings(), 0.0)] if ach else []
    registry, store = parts.hub.registry, parts.hub.store
    with store.begin() as tx:
        for name, connector, settings, every in given:
            sealed = registry.seal(name, connector, settings)
            connections.save(store.database, tx.conn, name, connector, sealed, poll_seconds=every, now=tx.now)


@contextmanager
def _serving(parts: Parts, port: int) -> Iterator[None]:
    server = uvicorn.Server(
        uvicorn.Config(web(parts), host="127.0.0.1", port=port, log_level="error", access_log=False)
    )
    thread = threading.Thread(target=server.run, name="hub", daemon=True)
    thread.start()
    end = time.monotonic() + PATIENCE
    while not server.started:
        if not thread.is_alive() or time.monotonic() > end:
            raise Stuck(f"the hub did not start on port {port}")
        time.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(15)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

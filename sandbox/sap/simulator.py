"""The simulated system as tests and stories use it: its app, its settings, and its control addresses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.kit import Faulty, Kit
from sandbox.sap import clearing as clearing_
from sandbox.sap import front, seed, session
from sandbox.sap.idocs import IDocs
from sandbox.sap.odata import Answer
from sandbox.sap.people import People
from sandbox.sap.refusals import Refusal, business
from sandbox.sap.rules import Application
from sandbox.sap.session import Sessions
from sandbox.sap.soap import Soap
from sandbox.sap.store import Store
from sandbox.sap.system import System
from sandbox.sap.tables_ledger import CUBE, JOURNAL
from sandbox.sap.tables_master import COMPANY, ORGANIZATION, PARTNER, PRODUCT
from sandbox.sap.tables_sales import BILLING, DELIVERY, SALES_ORDER
from sandbox.sap.values import unpadded

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "MERGE", "DELETE"]
PENDING_MAX = 100_000


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SapSandbox(People):
    """One system. `app` is its API host, `ui_app` the host for people; their work are methods (People)."""

    interfaces = (PARTNER, SALES_ORDER, DELIVERY, BILLING, CUBE, JOURNAL, PRODUCT, COMPANY, ORGANIZATION)

    def __init__(
        self,
        *,
        kit: Kit | None = None,
        now: Callable[[], datetime] = _utc_now,
        client: str = "",
        time_zone: str = "UTC",
        concurrency: int = 10,
        page_size: int = 1000,
    ) -> None:
        self.kit = kit or Kit()
        self.client, self.concurrency, self.page_size = client, concurrency, page_size
        self.latency = 0.0
        self.throttle_status, self.retry_after = 503, ""
        self.clearing_polls, self.clearing_seconds = 1, 0.0
        self.peak = 0
        self.aif: list[dict[str, Any]] = []
        self.pending: list[dict[str, Any]] = []
        self.failing: list[str] = []
        self.store = Store(self.interfaces)
        self.system = System(self.store, now, time_zone)
        self.application = Application(self.system, self._looked)
        self.sessions = Sessions(self.system.now)
        self.soap, self.idocs = Soap(self), IDocs(self)
        seed.furnish(self.system, self.application.partners)
        routes = [
            *self.kit.routes(),
            Route("/_sandbox/do/{name}", self._do, methods=["POST"]),
            Route("/_sandbox/reset", self._reset, methods=["POST"]),
            Route("/_sandbox/{what}", self._show, methods=["GET"]),
            Route("/{rest:path}", front.Front(self).endpoint, methods=METHODS),
        ]
        self.app: ASGIApp = Faulty(Starlette(routes=routes), self.kit)
        self.ui_app: ASGIApp = Starlette(routes=[Route("/{rest:path}", front.saml_page, methods=METHODS)])

    @property
    def credentials(self) -> dict[str, str]:
        """What an administrator copies from the communication arrangement."""
        return {
            "user": session.USER,
            "password": session.PASSWORD,
            "client_id": session.CLIENT_ID,
            "client_secret": session.CLIENT_SECRET,
        }

    @property
    def idoc_url(self) -> str:
        """Where IDocs are sent; empty: nowhere."""
        return self.idocs.url

    @idoc_url.setter
    def idoc_url(self, url: str) -> None:
        self.idocs.url = url

    @property
    def idoc_copies(self) -> int:
        """How often each IDoc is sent."""
        return self.idocs.copies

    @idoc_copies.setter
    def idoc_copies(self, copies: int) -> None:
        self.idocs.copies = copies

    @property
    def csrf_seconds(self) -> float:
        """How long a CSRF token lives."""
        return self.sessions.csrf_seconds

    @csrf_seconds.setter
    def csrf_seconds(self, seconds: float) -> None:
        self.sessions.csrf_seconds = seconds

    def reset(self) -> None:
        """Forget everything, as if newly made; settings stay."""
        with self.kit.lock:
            seed.forget(self.store)
            for kept in (self.aif, self.pending, self.failing, self.kit.faults, self.kit.effects):
                kept.clear()
            self.system.closed.clear()
            self.system.locks.clear()
            self.system.documents.clear()
            self.soap.known.clear()
            self.idocs.sent.clear()
            self.peak, self.kit.calls = 0, 0
            seed.furnish(self.system, self.application.partners)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """What happens inside happens whole or not at all; then its effects count."""
        with self.kit.lock:
            nested = self.store._undo is not None
            with self.store.change() as effects:
                yield
            if not nested:
                for action, kind, id, reference in effects:
                    self.kit.effect(action, kind, id, reference=reference)
                effects.clear()

    def whole(self, work: Callable[[], list[Answer]]) -> list[Answer]:
        """Carry out requests as one change."""
        with self.changing():
            return work()

    def send_due(self) -> None:
        """Send the IDocs of documents that came about, outside of any lock."""
        with self.kit.lock:
            due, self.system.documents[:] = list(self.system.documents), []
        if self.idocs.url:
            for kind, number in due:
                self.idocs.send(kind, number)

    def queue_clearing(self, message: str, id: str, told: dict[str, Any], *, test: bool) -> None:
        """Take a clearing request in."""
        if len(self.pending) >= PENDING_MAX:
            raise business("SRT/001", "The queue is full")
        due = self.system.now() + timedelta(seconds=self.clearing_seconds)
        self.pending.append(
            {"message": message, "id": id, "told": told, "test": test, "due": due, "looks": 0}
        )
        if self.clearing_polls == 0 and self.clearing_seconds == 0:
            self.run_clearings()

    def _looked(self) -> None:
        """Somebody reads the ledger: requests that have been looked past often enough are worked off."""
        for one in list(self.pending):
            if one["looks"] >= self.clearing_polls and one["due"] <= self.system.now():
                self.pending.remove(one)
                self._work_off(one)
            else:
                one["looks"] += 1

    def run_clearings(self) -> int:
        """Work off every waiting clearing request; how many."""
        with self.kit.lock:
            waiting, self.pending = self.pending, []
            for one in waiting:
                self._work_off(one)
            return len(waiting)

    def _work_off(self, one: dict[str, Any]) -> None:
        entry = {"message": one["message"], "id": one["id"], "at": self.system.now().isoformat()}
        try:
            if self.failing:
                raise business("F5/300", self.failing.pop(0))
            with self.changing():
                number = self._cleared(one)
        except Refusal as no:
            self.aif.append({**entry, "status": "error", "code": no.code, "text": no.message})
            return
        self.aif.append({**entry, "status": "success", "code": "", "text": f"Document {number} posted"})

    def _cleared(self, one: dict[str, Any]) -> str:
        told, ledger = one["told"], self.application.ledger
        items = [self._item(told, item) for item in told["items"]]
        if told["gl_items"]:
            raise business("F5/350", "There are no open items managed in the G/L account")
        head = {"AccountingDocumentHeaderText": told["text"], "DocumentReferenceID": told["reference"]}
        wanted = clearing_.Clearing(
            told["company"],
            told["type"],
            told["document_date"],
            told["posting_date"],
            told["currency"],
            items,
            head,
        )
        with self.store.change():
            made = clearing_.clear(ledger, wanted)
            id = f"{made['CompanyCode']}-{made['FiscalYear']}-{made['AccountingDocument']}"
            if one["test"]:
                raise business("F5/000", "Test run: nothing was posted")
            self.store.effect("clear", "Clearing", id, one["message"])
        return id

    def _item(self, told: dict[str, Any], item: dict[str, Any]) -> clearing_.Item:
        account = item["account"]
        if item["type"] != "D" or (account.isdigit() and len(account) != 10):
            raise business("F5/102", f"Customer {account} is not defined in company code {item['company']}")
        if item["document"].isdigit() and len(item["document"]) != 10:
            raise business(
                "F5/397", f"Document {item['document']} does not exist (numbers come with leading zeros)"
            )
        ledger = self.application.ledger
        row = clearing_.item_of(
            ledger, item["company"], item["year"], unpadded(item["document"]), item["item"]
        )
        if row.get("Customer") != unpadded(account):
            raise business("F5/397", f"Document {item['document']} is not an item of customer {account}")
        zero = Decimal(0)
        return clearing_.Item(
            row, item["partial"] or zero, item["discount"] or zero, item["deduction"] or zero, item["reason"]
        )

    async def _do(self, request: Request) -> JSONResponse:
        name, sent = request.path_params["name"], await request.body()
        method = getattr(self, name, None)
        if name.startswith("_") or not inspect.ismethod(method) or name in ("whole", "changing"):
            return JSONResponse({"error": f"no action {name}"}, 404)
        given = (await request.json()) if sent else {}
        try:
            result = await run_in_threadpool(lambda: method(**given))
        except (Refusal, TypeError, ValueError, ArithmeticError) as no:
            return JSONResponse({"error": str(no), "code": getattr(no, "code", "")}, 400)
        return JSONResponse({"result": _plain(result)})

    async def _reset(self, request: Request) -> JSONResponse:
        await run_in_threadpool(self.reset)
        return JSONResponse({"result": None})

    async def _show(self, request: Request) -> JSONResponse:
        what = request.path_params["what"]
        shown: dict[str, Callable[[], Any]] = {
            "aif": lambda: self.aif,
            "idocs": lambda: self.idocs.sent,
            "books": self.books,
            "check": self.check,
        }
        if what not in shown:
            return JSONResponse({"error": f"nothing to show as {what}"}, 404)
        return JSONResponse(_plain(await run_in_threadpool(shown[what])))


def _plain(value: Any) -> Any:
    """A value as JSON can say it."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)

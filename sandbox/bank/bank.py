"""The simulated bank: takes payments, books them, issues statements, delivers them by file or by HTTP."""

from __future__ import annotations

import hmac
import http.client
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.bank.camt053 import Line, Sheet, render
from sandbox.kit import Kit, build

STATEMENTS_MAX = 100_000
UPLOAD_TIMEOUT = 10.0

_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class _Payment(BaseModel):
    """Body of POST /payments: a customer pays. `amount` is a number or text with at most two decimals."""

    model_config = ConfigDict(extra="forbid")
    debtor_name: str = Field(min_length=1, max_length=140)
    debtor_iban: str = Field(default="", pattern=r"^([A-Z]{2}[0-9]{2}[A-Z0-9]{1,30})?$")
    amount: Decimal = Field(gt=0, max_digits=15, decimal_places=2)
    text: str = Field(default="", max_length=1_400)
    creditor_reference: str = Field(default="", max_length=35)
    end_to_end_id: str = Field(default="", max_length=35)


class BankSandbox:
    """One account at one bank. `app` is its HTTP interface, which asks for `key`; `now` is its clock."""

    def __init__(
        self,
        iban: str,
        currency: str,
        now: Callable[[], datetime],
        *,
        key: str = "bank-key",
        opening: Decimal = Decimal("0.00"),
    ) -> None:
        self.iban, self.currency, self.now, self.key = iban, currency, now, key
        self.kit = Kit()
        self.balance = opening
        self.statements: dict[str, bytes] = {}
        self._dates: dict[str, date] = {}
        self._queued: list[Line] = []
        self._booked: dict[str, Line] = {}
        self._count = 0
        self.app: ASGIApp = build(self.kit, self._routes())

    def pay(
        self,
        name: str,
        iban: str,
        amount: Decimal,
        text: str = "",
        *,
        creditor_reference: str = "",
        end_to_end_id: str = "",
    ) -> str:
        """A customer pays `amount` in the account's currency. Returns the bank's reference of the booking."""
        return self._queue(Line(amount, name, iban, text, creditor_reference, end_to_end_id), action="pay")

    def spend(self, name: str, iban: str, amount: Decimal, text: str = "") -> str:
        """The account's owner pays somebody: a debit."""
        return self._queue(Line(-amount, name, iban, text), action="spend")

    def reverse(self, reference: str, reason: str = "MD06") -> str:
        """Take an earlier credit back, with an ISO 20022 return reason. Raises KeyError if unknown."""
        with self.kit.lock:
            old = self._booked[reference]
        undone = replace(old, amount=-old.amount, reversal=True, reason=reason)
        return self._queue(undone, action="reverse")

    def _queue(self, line: Line, *, action: str) -> str:
        told = line.name + line.text + line.creditor_reference + line.end_to_end_id
        if _NOT_XML.search(told):
            raise ValueError("a payment order may not hold control characters")
        with self.kit.lock:
            self._count += 1
            reference = f"{self.iban[:4]}{self.now():%Y%m%d}{self._count:08d}"
            booked = replace(line, reference=reference)
            self._queued.append(booked)
            self._booked[reference] = booked
            self.kit.effect(action, "payment", reference, amount=str(booked.amount), name=booked.name)
        return reference

    def statement(self, on: date) -> bytes:
        """Book everything queued on this day and issue the next statement about it."""
        with self.kit.lock:
            if len(self.statements) >= STATEMENTS_MAX:
                raise RuntimeError(f"over {STATEMENTS_MAX} statements; start a new sandbox")
            sequence = len(self.statements) + 1
            id = f"STMT{on:%Y%m%d}{sequence:06d}"
            lines = tuple(self._queued)
            sheet = Sheet(id, sequence, self.now(), on, self.iban, self.currency, self.balance, lines)
            self.statements[id], self._dates[id] = render(sheet), on
            self.balance = sheet.closing
            self._queued.clear()
            self.kit.effect("issue", "statement", id, lines=len(lines))
            return self.statements[id]

    @property
    def latest(self) -> str:
        """Id of the last statement. Raises LookupError before the first."""
        if not self.statements:
            raise LookupError("the bank has issued no statement yet: call statement(date)")
        return next(reversed(self.statements))

    def drop(self, folder: Path, id: str = "") -> Path:
        """Put a statement (the latest) into a folder: under its name only once it is complete."""
        chosen = id or self.latest
        target = folder / f"{chosen}.xml"
        partial = folder / f".{chosen}.xml.part"
        with partial.open("wb") as file:
            file.write(self.statements[chosen])
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
        return target

    def upload(self, url: str, key: str, id: str = "") -> int:
        """POST a statement (the latest) to a receiver; returns the status it answers."""
        parts = urlsplit(url)
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        line = kinds[parts.scheme](parts.hostname or "", parts.port, timeout=UPLOAD_TIMEOUT)
        headers = {"authorization": f"Bearer {key}", "content-type": "application/xml"}
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            line.request("POST", target or "/", self.statements[id or self.latest], headers)
            answer = line.getresponse()
            answer.read(65_536)
            return int(answer.status)
        finally:
            line.close()

    def _routes(self) -> list[Route]:
        return [
            Route("/statements", self._list, methods=["GET"]),
            Route("/statements", self._issue, methods=["POST"]),
            Route("/statements/{id}", self._one, methods=["GET"]),
            Route("/payments", self._pay, methods=["POST"]),
        ]

    def _refused(self, request: Request) -> Response | None:
        sent = request.headers.get("authorization", "").encode()
        if hmac.compare_digest(sent, f"Bearer {self.key}".encode()):
            return None
        return JSONResponse({"error": "unauthorised"}, status_code=401)

    async def _list(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        with self.kit.lock:
            found = [{"id": id, "date": day.isoformat()} for id, day in self._dates.items()]
        return JSONResponse({"statements": found, "balance": str(self.balance), "currency": self.currency})

    async def _issue(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        self.statement(self.now().date())
        return JSONResponse({"id": self.latest}, status_code=201)

    async def _one(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        body = self.statements.get(request.path_params["id"])
        if body is None:
            return JSONResponse({"error": "no such statement"}, status_code=404)
        return Response(body, media_type="application/xml")

    async def _pay(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        try:
            sent: Any = json.loads(await request.body(), parse_float=Decimal)
            payment = _Payment.model_validate(sent)
            reference = self.pay(
                payment.debtor_name,
                payment.debtor_iban,
                payment.amount,
                payment.text,
                creditor_reference=payment.creditor_reference,
                end_to_end_id=payment.end_to_end_id,
            )
        except (ValueError, RecursionError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse({"reference": reference}, status_code=201)

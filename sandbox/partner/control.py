"""The retailer's HTTP interface: the inbox for the supplier's files, and control routes under /_sandbox."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.partner import showing
from sandbox.partner.as2 import Answer, As2, Received, Refused
from sandbox.partner.book import Allowance, Alter, Item, Payment
from sandbox.partner.outbox import exchange
from sandbox.partner.paying import Apart
from sandbox.partner.world import How
from sandbox.partner.x12 import BYTES_MAX, Found, NotX12

if TYPE_CHECKING:
    from sandbox.partner.simulator import PartnerSandbox

EDI = "application/edi-x12"


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")
    how: How = How()


class _Order(_Sent):
    """POST /_sandbox/orders: order something and send the 850."""

    items: list[Item] = Field(min_length=1)
    number: str = Field(default="", max_length=22)
    release: str = ""
    type: str = "SA"
    currency: str = ""
    response: str = "AC"
    ship_to: str = ""
    address: tuple[str, ...] = ()
    references: list[tuple[str, str]] = []
    dates: dict[str, date] = {}
    payment: Payment | None = None
    allowances: list[Allowance] = []
    notes: list[str] = []


class _Change(_Sent):
    """POST /_sandbox/orders/{po}/changes: send an 860."""

    alters: list[Alter] = []
    purpose: str = Field(default="04", pattern="^0[14]$")
    release: str = ""


class _Item(BaseModel):
    model_config = ConfigDict(extra="forbid")
    invoice: str
    withheld: Decimal = Decimal(0)
    reason: str = ""
    discount: Decimal = Decimal(0)


class _Remit(_Sent):
    """POST /_sandbox/remit: pay these invoices (none named: all that are open) and send the 820."""

    items: list[_Item] | None = None
    apart: list[Apart] = []
    handling: str = Field(default="I", pattern="^[CIPHDUXZ]$")
    amount: Decimal | None = None
    trace: str = ""


class _Say(_Sent):
    """POST /_sandbox/say: send an 864."""

    subject: str = Field(min_length=1, max_length=80)
    lines: list[str] = Field(min_length=1)


class _Object(_Sent):
    """POST /_sandbox/object: send an 824."""

    set_id: str = Field(pattern="^8(10|55|56|65)$")
    reference: str
    words: list[str] = Field(min_length=1)


class _Connect(BaseModel):
    """POST /_sandbox/connect: where our files go."""

    model_config = ConfigDict(extra="forbid")
    url: str
    key: str


class Control:
    """The routes of a retailer."""

    def __init__(self, partner: PartnerSandbox) -> None:
        self.partner, self.kit = partner, partner.kit

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        does = {
            "orders": self._order, "orders/{po}/changes": self._change, "remit": self._remit,
            "say": self._say, "object": self._object, "troubles": self._trouble, "send_due": self._due,
            "connect": self._connect,
        }  # fmt: skip
        shows = {
            "orders": self._orders, "orders/{po}": self._one, "chargebacks": self._chargebacks,
            "sent": self._all_sent, "sent/{number}": self._sent, "received": self._all_received,
            "received/{number}": self._received,
        }  # fmt: skip
        return [
            Route("/inbox", self._inbox, methods=["POST"]),
            Route("/as2", self._as2, methods=["POST"]),
            *(Route(f"/_sandbox/{path}", _doing(act), methods=["POST"]) for path, act in does.items()),
            *(Route(f"/_sandbox/{path}", show, methods=["GET"]) for path, show in shows.items()),
        ]

    async def _inbox(self, request: Request) -> Response:
        """A file of the supplier. 200: taken, whatever is wrong with it; the 997 says what."""
        told = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(told, f"Bearer {self.partner.key}".encode()):
            return JSONResponse({"error": "the key is not valid"}, status_code=401)
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != EDI:
            return JSONResponse({"error": f"send {EDI}, not {kind or 'nothing'}"}, status_code=415)
        body = await request.body()
        if len(body) > BYTES_MAX:
            return JSONResponse({"error": f"over {BYTES_MAX} bytes"}, status_code=413)
        try:
            taken = await run_in_threadpool(self.partner.take, body)
        except NotX12 as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        task = BackgroundTask(self.partner.send_due) if self.partner.auto else None
        return JSONResponse({"received": [one.number for one in taken]}, background=task)

    async def _as2(self, request: Request) -> Response:
        """An AS2 message of the supplier, answered with its receipt."""
        if self.partner.as2 is None:
            return JSONResponse({"error": "AS2 is not connected"}, status_code=404)
        body = await request.body()
        return await run_in_threadpool(self._message, self.partner.as2, dict(request.headers), body)

    def _message(self, line: As2, headers: dict[str, str], body: bytes) -> Response:
        judged: Received | Refused
        try:
            judged = line.opened(headers, body)
            self.partner.take(judged.content, "as2")
        except Refused as refused:
            judged = refused
            with self.kit.lock:
                self.partner.world.charge(Found("as2-refused", str(refused)))
        except NotX12 as error:
            judged = Refused("unexpected-processing-error", str(error))
        receipt = line.answer(headers, judged)
        later = receipt if receipt and receipt.later else None
        task = BackgroundTask(self._afterwards, later) if later or self.partner.auto else None
        if receipt is None or later:
            return Response(status_code=200, background=task)
        return Response(receipt.body, headers=receipt.headers, background=task)

    def _afterwards(self, later: Answer | None) -> None:
        """What follows our answer: a receipt that comes by itself, and our 997."""
        if later is not None:
            exchange(later.later, later.body, later.headers)
        if self.partner.auto:
            self.partner.send_due()

    def _order(self, body: bytes, _: Request) -> Any:
        asked = _Order.model_validate_json(body)
        more = {
            name: getattr(asked, name)
            for name in _Order.model_fields
            if name not in ("items", "number", "how")
        }
        made = self.partner.order(asked.items, asked.number, **more)
        return {"number": made.number, "sent": showing.sent(self.partner.send_order(made, how=asked.how))}

    def _change(self, body: bytes, request: Request) -> Any:
        asked = _Change.model_validate_json(body)
        order = self.partner.world.book.orders[request.path_params["po"], asked.release]
        return showing.sent(self.partner.change(order, asked.alters, asked.purpose, asked.how))

    def _remit(self, body: bytes, _: Request) -> Any:
        asked = _Remit.model_validate_json(body)
        items = None
        if asked.items is not None:
            items = [
                self.partner.pays(
                    one.invoice, withheld=one.withheld, reason=one.reason, discount=one.discount
                )
                for one in asked.items
            ]
        made = self.partner.remit(
            items,
            handling=asked.handling,
            apart=asked.apart,
            trace=asked.trace,
            amount=asked.amount,
            how=asked.how,
        )
        shown = {"amount": str(made.amount), "trace": made.trace, "payer": made.payer}
        sent = showing.sent(made.sent) if made.sent else None
        return {**shown, "effective": made.effective.isoformat(), "sent": sent}

    def _say(self, body: bytes, _: Request) -> Any:
        asked = _Say.model_validate_json(body)
        return showing.sent(self.partner.say(asked.subject, asked.lines, asked.how))

    def _object(self, body: bytes, _: Request) -> Any:
        asked = _Object.model_validate_json(body)
        return showing.sent(self.partner.object(asked.set_id, asked.reference, asked.words, asked.how))

    def _trouble(self, body: bytes, _: Request) -> Any:
        self.partner.trouble(**json.loads(body))
        return [one.model_dump() for one in self.partner.world.troubles]

    def _due(self, _: bytes, __: Request) -> Any:
        return [showing.sent(one) for one in self.partner.send_due()]

    def _connect(self, body: bytes, _: Request) -> Any:
        asked = _Connect.model_validate_json(body)
        self.partner.connect(asked.url, asked.key)
        return {"url": asked.url}

    async def _orders(self, request: Request) -> Response:
        with self.kit.lock:
            keys = list(self.partner.world.book.orders)
        return JSONResponse([{"number": number, "release": release} for number, release in keys])

    async def _one(self, request: Request) -> Response:
        release = request.query_params.get("release", "")
        try:
            return JSONResponse(self.partner.told(request.path_params["po"], release))
        except KeyError:
            return JSONResponse({"error": "no such order"}, status_code=404)

    async def _chargebacks(self, request: Request) -> Response:
        return JSONResponse([one.shown for one in self.partner.chargebacks()])

    async def _all_sent(self, request: Request) -> Response:
        with self.kit.lock:
            return JSONResponse([showing.sent(one) for one in self.partner.world.sent])

    async def _all_received(self, request: Request) -> Response:
        with self.kit.lock:
            return JSONResponse([showing.received(one) for one in self.partner.world.received])

    async def _sent(self, request: Request) -> Response:
        with self.kit.lock:
            number = request.path_params["number"]
            found = [one.body for one in self.partner.world.sent if one.control == number]
        return (
            Response(found[0], media_type=EDI) if found else JSONResponse({"error": "none"}, status_code=404)
        )

    async def _received(self, request: Request) -> Response:
        with self.kit.lock:
            number = request.path_params["number"]
            found = [one.raw for one in self.partner.world.received if one.number == number]
        return (
            Response(found[0], media_type=EDI) if found else JSONResponse({"error": "none"}, status_code=404)
        )


def _doing(act: Callable[[bytes, Request], Any]) -> Callable[[Request], Any]:
    """A route that does something, in a thread: it may call the hub."""

    async def route(request: Request) -> Response:
        body = await request.body() or b"{}"
        try:
            return JSONResponse(await run_in_threadpool(act, body, request))
        except KeyError as error:
            return JSONResponse({"error": f"not found: {error.args[0]}"}, status_code=404)
        except (ValidationError, ValueError, TypeError) as error:
            return JSONResponse({"error": str(error)[:2_000]}, status_code=400)

    return route

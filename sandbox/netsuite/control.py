"""The sandbox's own controls: people's actions, the books as they stand, governance, and misbehaviour."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.kit import Fault
from sandbox.netsuite import cash
from sandbox.netsuite.app import read, refused
from sandbox.netsuite.books import ZERO, Row
from sandbox.netsuite.fields import table
from sandbox.netsuite.refusals import Refusal, locked, no_rights, record_changed, too_many, unexpected
from sandbox.netsuite.soap_faults import PRESETS as SOAP_PRESETS

if TYPE_CHECKING:
    from sandbox.netsuite.account import NetSuiteSandbox

ACTIONS = frozenset(
    table(
        "ship bill credit pay reapply deposit apply_deposit refund write_off delete void edit set_custom "
        "close_line lock unlock close_period open_period add_field add_segment add_item"
    )
)
RESTLET = "/app/site/hosting/restlet.nl"
DISGUISED = {
    "error": {
        "code": "SSS_REQUEST_LIMIT_EXCEEDED",
        "message": '{"error":{"code":"SSS_REQUEST_LIMIT_EXCEEDED","message":"Request limit exceeded."}}',
    }
}


def routes(account: NetSuiteSandbox) -> list[BaseRoute]:
    """Everything under /_sandbox that is this vendor's own, and a RESTlet to call."""
    control = Control(account)
    return [
        Route("/_sandbox/actions/{name}", control.act, methods=["POST"]),
        Route("/_sandbox/books", control.books, methods=["GET"]),
        Route("/_sandbox/governance", control.governance, methods=["GET", "POST"]),
        Route("/_sandbox/misbehave", control.misbehave, methods=["POST"]),
        Route(RESTLET, control.restlet, methods=["GET", "POST", "PUT", "DELETE"]),
    ]


class Control:
    """The control interface of one account."""

    def __init__(self, account: NetSuiteSandbox) -> None:
        self.account = account

    async def act(self, request: Request) -> Response:
        """One action of people; 400 with the account's words where it is refused."""
        name, told = request.path_params["name"], await _json(request)
        if name not in ACTIONS:
            return JSONResponse({"error": f"no action {name}; there are {', '.join(sorted(ACTIONS))}"}, 404)
        try:
            id = await run_in_threadpool(lambda: getattr(self.account.people, name)(**told))
        except Refusal as no:
            return JSONResponse({"error": no.detail}, 400)
        except (TypeError, ValueError, KeyError) as wrong:
            return JSONResponse({"error": f"{name}: {wrong}"}, 400)
        return JSONResponse({"id": id})

    async def books(self, request: Request) -> Response:
        """What the account holds, and whether it ties out."""
        return JSONResponse(await run_in_threadpool(self.account.tie_out))

    async def governance(self, request: Request) -> Response:
        """The limit on calls at a time: how it stands, or a new one."""
        if request.method == "POST":
            told = await _json(request)
            self.account.concurrency = int(told.get("limit", self.account.concurrency))
            self.account.latency = told.get("latency", self.account.latency)
            self.account.gate.reset()
        return JSONResponse(self.account.gate.told())

    async def misbehave(self, request: Request) -> Response:
        """A fault by name, with the body the vendor would send."""
        told = await _json(request)
        name = str(told.pop("name", ""))
        preset = PRESETS.get(name)
        if preset is None and name not in SOAP_PRESETS:
            known = ", ".join(sorted({*PRESETS, *SOAP_PRESETS}))
            return JSONResponse({"error": f"name must be one of {known}"}, 400)
        try:
            fault = Fault.model_validate(
                {**(preset() if preset else {"kind": "refuse", "body": name}), **told}
            )
        except ValidationError as wrong:
            return JSONResponse({"error": str(wrong)}, 400)
        with self.account.kit.lock:
            (self.account.kit.faults if preset else self.account.soap.faults).append(fault)
        return JSONResponse(fault.model_dump())

    async def restlet(self, request: Request) -> Response:
        """A script that gives back what it is sent; it counts in the same governance."""
        ask = await read(request)

        def answer() -> Response:
            try:
                self.account.face.admit(ask)
                with self.account.gate.place(too_many):
                    return JSONResponse({"script": ask.query.get("script"), "echo": ask.body.decode()})
            except Refusal as no:
                # the limit's disguise: a RESTlet answers 400, not 429
                return JSONResponse(DISGUISED, 400) if no.status == 429 else refused(no)

        return await run_in_threadpool(answer)


async def _json(request: Request) -> dict[str, Any]:
    told = json.loads(await request.body() or b"{}")
    return told if isinstance(told, dict) else {}


def _refuse(no: Callable[[], Refusal]) -> Callable[[], dict[str, Any]]:
    def fault() -> dict[str, Any]:
        made = no()
        return {"kind": "refuse", "status": made.status, "body": made.body()}

    return fault


PRESETS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "concurrency": _refuse(too_many),
    "record_changed": _refuse(record_changed),
    "locked": _refuse(locked),
    "permission": _refuse(no_rights),
    "unexpected": _refuse(unexpected),
    "unavailable": lambda: {"kind": "refuse", "status": 503, "body": {}},
    "restlet_concurrency": lambda: {"kind": "refuse", "status": 400, "body": DISGUISED},
    "lost_reply": lambda: {"kind": "lost_reply"},
    "slow": lambda: {"kind": "slow", "seconds": 1.0},
    "hang_after": lambda: {"kind": "hang_after", "seconds": 1.0},
    "fail_after": lambda: {"kind": "fail_after", "status": 500, "body": unexpected().body()},
}


def told(account: NetSuiteSandbox, row: Row) -> dict[str, Any]:
    """One document for a person who compares books."""
    open: dict[str, str] = {}
    if row.type == "invoice":
        open = {"open": str(account.rules.remaining(row))}
    elif row.type in cash.CREDITS:
        open = {"unapplied": str(account.rules.unapplied(row))}
    total = cash.worth(row) or row.number("total")
    return {
        "id": row.id,
        "externalId": row.external_id,
        "number": row.values.get("tranId"),
        "customer": row.customer,
        "currency": row.values.get("currency"),
        "total": str(total),
        "voided": row.voided,
        "lines": len(row.lines.get("item", ())),
        "applied": {x["doc"]: str(x["amount"]) for x in row.lines.get("apply", ())},
        **open,
    }


def problems(account: NetSuiteSandbox) -> list[str]:
    """Where the books do not tie out; empty as it should be."""
    found, rules = [], account.rules
    owed: dict[str, Decimal] = {}
    for row in account.books.transactions.values():
        part = account.standing.part(row)
        if part.owed < 0 or part.credit < 0:
            found.append(f"{row.type} {row.id} is settled for more than it is worth")
        if not part.deposit:
            owed[part.customer] = owed.get(part.customer, ZERO) + part.owed - part.credit
        keys = [line.get("custcol_o2c_line_id") for line in row.lines.get("item", ())]
        named = [key for key in keys if key]
        if len(named) != len(set(named)):
            found.append(f"{row.type} {row.id} has a line twice")
        if row.type == "invoice" and rules.settled(row) > row.number("total"):
            found.append(f"invoice {row.id} is paid for more than its total")
    for customer in account.books.records["customer"]:
        if owed.get(customer, ZERO) != account.standing.balance(customer):
            found.append(f"customer {customer} owes another sum than the open items say")
    return found

"""The control routes under /_sandbox: people, time, keys, webhooks, faults of this API, bank lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.stripe import people
from sandbox.stripe.account import Account
from sandbox.stripe.clock import DAY
from sandbox.stripe.methods import Fate
from sandbox.stripe.refusals import Refused
from sandbox.stripe.shapes import rendered, snapshot
from sandbox.stripe.troubles import Trouble
from sandbox.stripe.versions import LATEST
from sandbox.stripe.webhooks import MODES

if TYPE_CHECKING:
    from sandbox.stripe.simulator import StripeSandbox


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")
    account: str = ""


class _Time(_Sent):
    seconds: int = Field(default=0, ge=0)
    hours: int = Field(default=0, ge=0)
    days: int = Field(default=0, ge=0)


class _Pay(_Sent):
    """`fate`: succeeds, declined, fails, returned, disputed, inquiry, refund_fails, refund_pends, never."""

    invoice: str = ""
    amount: int | None = Field(default=None, gt=0)
    currency: str = ""
    customer: str | None = None
    method: str = Field(default="card", pattern="^(card|us_bank_account|sepa_debit)$")
    fate: str = "succeeds"
    code: str = ""
    days: int = Field(default=0, ge=0)
    description: str | None = None


class _About(_Sent):
    id: str = ""
    code: str = ""
    reason: str = ""
    outcome: str = ""
    amount: int | None = Field(default=None, gt=0)
    inquiry: bool = False


class _Booked(_Sent):
    type: str
    amount: int
    currency: str = "usd"
    description: str = ""


class _KeySent(_Sent):
    key: str = ""
    rights: dict[str, str] | None = None
    keep_seconds: int = Field(default=0, ge=0)


class _Settings(_Sent):
    api_version: str = ""
    schedule: str = Field(default="", pattern="^(daily|manual)?$")
    per_second: int | None = Field(default=None, ge=0)
    terms: dict[str, Any] = {}


class _Webhooks(_Sent):
    mode: str = "normal"
    seconds: int = 0
    skew: int = 0
    spoilt: bool = False
    auto: bool | None = None
    send: bool = False
    resend: int = 0
    roll: str = ""  # an endpoint's id
    keep_seconds: int = 0


class _NewAccount(_Sent):
    name: str
    country: str = "US"
    currency: str = "usd"


class Control:
    """Carries out what is POSTed under /_sandbox."""

    def __init__(self, box: StripeSandbox) -> None:
        self.box = box

    def routes(self) -> list[Route]:
        """All of them; each takes JSON and answers JSON."""
        posts: dict[str, Callable[[Any], Any]] = {
            "advance": self._advance,
            "pay": self._pay,
            "fail_debit": lambda sent: self._thing(
                people.fail_debit, sent, sent.id, sent.code or "insufficient_funds"
            ),
            "dispute": self._dispute,
            "decide": lambda sent: self._thing(people.decide, sent, sent.id, sent.outcome),
            "refund": lambda sent: self._thing(people.refund, sent, sent.id, sent.amount),
            "fail_refund": lambda sent: self._thing(
                people.fail_refund, sent, sent.id, sent.reason or "expired_or_canceled_card"
            ),
            "book": lambda sent: self._thing(
                people.book, sent, sent.type, sent.amount, sent.currency, sent.description
            ),
            "payout_day": self._payout_day,
            "fail_payout": lambda sent: self._thing(
                people.fail_payout, sent, sent.id, sent.code or "account_closed"
            ),
            "keys": self._keys,
            "settings": self._settings,
            "webhooks": self._webhooks,
            "accounts": self._accounts,
            "troubles": self._troubles,
        }
        routes = [self._post(name, action) for name, action in posts.items()]
        reads = {"bank_lines": self._bank_lines, "state": self._state, "receipts": self._receipts}
        return [
            *routes,
            *(Route(f"/_sandbox/{name}", self._read(one), methods=["GET"]) for name, one in reads.items()),
        ]

    def _post(self, name: str, action: Callable[[Any], Any]) -> Route:
        model = _MODELS.get(name, _About)

        async def answer(request: Request) -> Response:
            try:
                raw = await request.body()
                sent = model.model_validate_json(raw or b"{}") if name != "troubles" else raw
                return JSONResponse(await run_in_threadpool(action, sent))
            except ValidationError as error:
                return JSONResponse({"error": str(error)}, status_code=400)
            except Refused as refused:
                return JSONResponse(refused.body, status_code=refused.status)

        return Route(f"/_sandbox/{name}", answer, methods=["POST"])

    def _read(self, action: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            with self.box.kit.lock:
                self.box.world.clock.tick()
                return JSONResponse(action(request))

        return answer

    def _account(self, sent: _Sent) -> Account:
        return self.box.account(sent.account)

    def _thing(self, action: Callable[..., Any], sent: _Sent, *arguments: Any, **named: Any) -> Any:
        with self.box.kit.lock:
            self.box.world.clock.tick()
            account = self._account(sent)
            made = action(account, *arguments, **named)
            ones = made if isinstance(made, list) else [made]
            shown = [rendered(snapshot(account, one), LATEST) for one in ones]
        self.box.webhooks.stir()
        return shown if isinstance(made, list) else shown[0]

    def _advance(self, sent: _Time) -> Any:
        self.box.advance(sent.seconds + sent.hours * 3600 + sent.days * DAY)
        return {"now": self.box.world.clock()}

    def _pay(self, sent: _Pay) -> Any:
        code = sent.code or {"declined": "generic_decline", "disputed": "fraudulent"}.get(sent.fate, "")
        fate = Fate(sent.fate, code or "insufficient_funds", sent.days)
        if sent.invoice:
            return self._thing(
                people.pay, sent, sent.invoice, amount=sent.amount, method=sent.method, fate=fate
            )
        if sent.amount is None:
            raise Refused(400, "Send an invoice, or an amount and a currency.")
        return self._thing(
            *(people.pay_freely, sent, sent.amount, sent.currency or self._account(sent).currency),
            customer=sent.customer,
            method=sent.method,
            fate=fate,
            described=sent.description,
        )

    def _dispute(self, sent: _About) -> Any:
        return self._thing(
            *(people.dispute, sent, sent.id),
            reason=sent.reason or "fraudulent",
            amount=sent.amount,
            inquiry=sent.inquiry,
        )

    def _payout_day(self, sent: _Sent) -> Any:
        return self._thing(people.payout_day, sent)

    def _keys(self, sent: _KeySent) -> Any:
        if sent.key:
            self.box.add_key(sent.key, sent.rights)
            return {"key": sent.key}
        return {"key": self.box.roll_key(sent.keep_seconds)}

    def _settings(self, sent: _Settings) -> Any:
        self.box.set(
            sent.account,
            version=sent.api_version,
            schedule=sent.schedule,
            per_second=sent.per_second,
            **sent.terms,
        )
        return self._state(None)

    def _webhooks(self, sent: _Webhooks) -> Any:
        if sent.mode not in MODES:
            raise Refused(400, f"mode must be one of {', '.join(MODES)}")
        sender = self.box.webhooks
        with self.box.kit.lock:
            sender.mode, sender.hold, sender.skew, sender.spoilt = (
                sent.mode,
                sent.seconds,
                sent.skew,
                sent.spoilt,
            )
            sender.auto = sender.auto if sent.auto is None else sent.auto
        told: dict[str, Any] = (
            {"secret": self.box.roll_secret(sent.roll, sent.keep_seconds)} if sent.roll else {}
        )
        if sent.send:
            sender.send_pending()
        if sent.resend:
            sender.resend(sent.resend)
        sender.stir()
        return {
            **told,
            "waiting": len(sender.waiting),
            "delivered": len(sender.delivered),
            "given_up": len(sender.given_up),
        }

    def _accounts(self, sent: _NewAccount) -> Any:
        return {"id": self.box.connect(sent.name, sent.country, sent.currency).id}

    def _troubles(self, raw: bytes) -> Any:
        many = json.loads(raw or b"[]")
        with self.box.kit.lock:
            self.box.troubles.coming[:] = [Trouble.model_validate(one) for one in many]
        return [one.model_dump() for one in self.box.troubles.coming]

    def _bank_lines(self, request: Request) -> Any:
        wanted = request.query_params.get("account", "")
        return [
            line for one in self.box.world.accounts.values() for line in one.lines if wanted in ("", one.id)
        ]

    def _state(self, request: Request | None) -> Any:
        return {
            "now": self.box.world.clock(),
            "platform": self.box.platform.id,
            "accounts": {
                one.id: {
                    "name": one.name,
                    "api_version": one.version,
                    "schedule": one.schedule,
                    "objects": {kind: len(shelf) for kind, shelf in sorted(one.shelves.items())},
                }
                for one in self.box.world.accounts.values()
            },
        }

    def _receipts(self, request: Request) -> Any:
        return [one._asdict() for one in self.box.webhooks.receipts]


_MODELS: dict[str, type[_Sent]] = {
    "advance": _Time,
    "pay": _Pay,
    "book": _Booked,
    "payout_day": _Sent,
    "keys": _KeySent,
    "settings": _Settings,
    "webhooks": _Webhooks,
    "accounts": _NewAccount,
}

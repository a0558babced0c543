"""A client of the REST service as its documentation describes it, signing included, for tests only."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import time
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.netsuite import NetSuiteSandbox

RECORD = "/services/rest/record/v1"
SUITEQL = "/services/rest/query/v1/suiteql"
STRICT = {"X-NetSuite-PropertyNameValidation": "Error"}
NONCES = itertools.count(100_000)


class Stage:
    """An app that stands in for another one."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class Tba(httpx.Auth):
    """RFC 5849 with HMAC-SHA256 and NetSuite's realm."""

    def __init__(self, account: NetSuiteSandbox) -> None:
        self.told = account.tba

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]  # no answer is read
        oauth = {
            "oauth_consumer_key": self.told["consumer_key"],
            "oauth_nonce": f"n{next(NONCES)}",
            "oauth_signature_method": "HMAC-SHA256",
            "oauth_timestamp": str(int(time.time())),
            "oauth_token": self.told["token_id"],
            "oauth_version": "1.0",
        }
        pairs = sorted({**oauth, **dict(request.url.params)}.items())
        text = "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in pairs)
        url = str(request.url).split("?", maxsplit=1)[0]
        whole = f"{request.method}&{quote(url, safe='~')}&{quote(text, safe='~')}"
        key = f"{self.told['consumer_secret']}&{self.told['token_secret']}".encode()
        oauth["oauth_signature"] = b64encode(hmac.digest(key, whole.encode(), hashlib.sha256)).decode()
        parts = [f'{k}="{quote(v, safe="~")}"' for k, v in oauth.items()]
        request.headers["authorization"] = f'OAuth realm="{self.told["account_id"]}",' + ",".join(parts)
        yield request


def made(answer: httpx.Response) -> str:
    """The id of what was written."""
    assert answer.status_code == 204, answer.text
    assert answer.content == b""
    return answer.headers["location"].rsplit("/", 1)[-1]


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, error code and sentence of a refusal."""
    told = answer.json()
    assert told["status"] == answer.status_code
    detail = told["o:errorDetails"][0]
    return answer.status_code, detail["o:errorCode"], detail["detail"]


def lines(*items: dict[str, Any]) -> dict[str, Any]:
    """A sublist."""
    return {"items": list(items)}


class Desk:
    """Somebody who knows the REST service, and the sandbox's controls."""

    def __init__(self, account: NetSuiteSandbox, signed: httpx.Client, plain: httpx.Client) -> None:
        self.account, self.signed, self.plain = account, signed, plain

    def post(self, path: str, told: Any = None, **headers: str) -> httpx.Response:
        return self.signed.post(f"{RECORD}/{path}", json=told or {}, headers=headers)

    def patch(self, path: str, told: Any, **query: str) -> httpx.Response:
        return self.signed.patch(f"{RECORD}/{path}", json=told, params=query)

    def put(self, path: str, told: Any) -> httpx.Response:
        return self.signed.put(f"{RECORD}/{path}", json=told, headers=STRICT)

    def delete(self, path: str) -> httpx.Response:
        return self.signed.delete(f"{RECORD}/{path}")

    def get(self, path: str) -> dict[str, Any]:
        answer = self.signed.get(f"{RECORD}/{path}", params={"expandSubResources": "true"})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def query(self, q: str, **paging: int) -> list[dict[str, str]]:
        answer = self.asked(q, **paging)
        assert answer.status_code == 200, answer.text
        return [{k: v for k, v in row.items() if k != "links"} for row in answer.json()["items"]]

    def asked(self, q: str, **paging: int) -> httpx.Response:
        return self.signed.post(SUITEQL, json={"q": q}, params=paging, headers={"Prefer": "transient"})

    def act(self, name: str, **told: Any) -> str:
        answer = self.plain.post(f"/_sandbox/actions/{name}", json=told)
        assert answer.status_code == 200, answer.text
        id: str = answer.json()["id"]
        return id

    def problems(self) -> list[str]:
        found: list[str] = self.plain.get("/_sandbox/books").json()["problems"]
        return found

    def item(self, sku: str) -> dict[str, str]:
        return {"id": self.account.books.items[sku]}

    def customer(self, external_id: str = "C-1", **more: Any) -> str:
        told = {
            "companyName": "Acme",
            "subsidiary": {"id": "1"},
            "currency": {"id": "4"},
            "terms": {"id": "2"},
        }
        return made(self.put(f"customer/eid:{external_id}", {**told, **more}))

    def order(self, customer: str, external_id: str = "S-1", quantity: int = 10) -> str:
        """Approved: bolts at 10.00 and one hour of set-up at 50.00, 19 % tax: 178.50 for ten bolts."""
        bolts = {"item": self.item("BOLT-1"), "quantity": quantity, "rate": 10, "taxCode": {"id": "5"}}
        setup = {"item": self.item("SETUP"), "quantity": 1, "rate": 50, "taxCode": {"id": "5"}}
        told = {"entity": {"id": customer}, "orderStatus": {"id": "B"}, "item": lines(bolts, setup)}
        return made(self.put(f"salesOrder/eid:{external_id}", {**told, "tranDate": "2026-11-02"}))

    def invoiced(self, customer: str, external_id: str = "S-1", quantity: int = 10) -> tuple[str, str]:
        """An order that was shipped and billed by people: its id and the invoice's."""
        order = self.order(customer, external_id, quantity)
        self.act("ship", order=order, shipped_on="2026-11-05")
        return order, self.act("bill", order=order, on="2026-11-06")

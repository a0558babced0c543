"""The Acme wire: one method per endpoint, records in and out."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from hub.sdk import Door, Record, Reply, Transient, verdict


class Client:
    """Calls to one shop. Raises ConnectorError."""

    def __init__(self, base_url: str, token: str, deadline: float) -> None:
        headers = {"authorization": f"Bearer {token}"}
        self._door = Door(base_url, headers=headers, deadline=deadline)

    def me(self) -> Record:
        """GET /v1/me: the account behind the token, with its scopes."""
        return self._json(self._door.call("GET", "/v1/me"))

    def orders(self, after: str, limit: int) -> Record:
        """GET /v1/orders: up to `limit` orders after this one, oldest first, and whether there are more."""
        reply = self._door.call("GET", "/v1/orders", params={"after": after, "limit": str(limit)})
        return self._json(reply)

    def put_invoice(self, reference: str, record: Record) -> Record:
        """PUT /v1/invoices/{reference}: create or replace; repeating it changes nothing."""
        path = f"/v1/invoices/{quote(reference, safe='')}"
        answer = self._json(self._door.call("PUT", path, json=record, idempotent=True))
        if answer.get("reference") != reference or not answer.get("id"):
            raise Transient("the answer does not echo what was sent", code="no_echo")
        return answer

    def invoice(self, reference: str) -> Record | None:
        """GET /v1/invoices/{reference}: the invoice under our reference, or None."""
        reply = self._door.call("GET", f"/v1/invoices/{quote(reference, safe='')}")
        return None if reply.status == 404 else self._json(reply)

    def _json(self, reply: Reply) -> dict[str, Any]:
        said: Any = None
        if not reply.ok:
            said = _error(reply)
        if trouble := verdict(reply, said["message"] if said else "", code=said["code"] if said else ""):
            raise trouble
        answer = reply.json()
        if not isinstance(answer, dict):
            raise Transient("the answer is not an object", status=reply.status, code="bad_json")
        return answer


def _error(reply: Reply) -> dict[str, str]:
    """Acme's own words for a refusal: {"error": {"code", "message"}}; empty where it has none."""
    try:
        error = reply.json()["error"]
        return {"code": str(error["code"]), "message": str(error["message"])}
    except (Transient, KeyError, TypeError):
        return {"code": "", "message": ""}

"""The Acme connector: what it can do, and each step in a few lines."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from acme_o2c.client import Client
from hub import sdk

PAGE = 50
SIGNATURE = "x-acme-signature"
ORDER = sdk.Schema(
    fields=[
        sdk.Field("id", required=True),
        sdk.Field("number", required=True),
        sdk.Field("customer_id", required=True),
        sdk.Field("currency", required=True),
        sdk.Field("lines", "list", required=True),
    ],
)
INVOICE = sdk.Schema(
    fields=[
        sdk.Field("number", required=True),
        sdk.Field("amount", "decimal", required=True),
        sdk.Field("currency", required=True),
    ],
    complete=True,
)


class Settings(BaseModel):
    """The connection's form."""

    model_config = ConfigDict(extra="forbid")
    base_url: str = Field(title="Address of the shop", pattern="^https?://")
    token: SecretStr = Field(title="API token", description="with scopes orders:read and invoices:write")
    webhook_secret: SecretStr = Field(title="Webhook secret")
    deadline_seconds: float = Field(default=30.0, gt=0, le=60, title="Longest wait for an answer")


class Acme:
    """Orders in (webhook and poll), invoices out (upsert by our reference)."""

    manifest: ClassVar[sdk.Manifest] = sdk.Manifest(
        name="acme",
        title="Acme shop",
        docs="README.md of acme-o2c",
        settings=Settings,
        kinds={
            "order": sdk.Kind(inbound=True),
            "invoice": sdk.Kind(outbound=True, idempotency=sdk.Idempotency.NATIVE),
        },
    )

    def __init__(self, settings: Settings) -> None:
        self._secret = settings.webhook_secret
        token = settings.token.get_secret_value()
        self._client = Client(settings.base_url, token, settings.deadline_seconds)

    def check(self) -> sdk.Health:
        """Is the token good, with both scopes?"""
        try:
            me = self._client.me()
        except sdk.ConnectorError as error:
            return sdk.Health(False, "Acme cannot be used with this token", [str(error)])
        missing = {"orders:read", "invoices:write"} - set(me.get("scopes", ()))
        findings = [f"the token lacks the scope {scope}" for scope in sorted(missing)]
        return sdk.Health(not findings, f"connected to {me.get('shop', 'Acme')}", findings)

    def schema(self, kind: str) -> sdk.Schema:
        """The fields Acme documents."""
        return {"order": ORDER, "invoice": INVOICE}.get(kind, sdk.Schema(fields=[]))

    def verify(self, delivery: sdk.Delivery) -> Sequence[str]:
        """HMAC-SHA256 of the body under the webhook secret, in hex."""
        key = self._secret.get_secret_value().encode()
        expected = hmac.new(key, delivery.body, hashlib.sha256).hexdigest()
        given = delivery.headers.get(SIGNATURE, "")
        if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
            raise sdk.AuthFailed("the signature does not match the webhook secret", code="bad_signature")
        return [str(event["id"]) for event in _events(delivery)]

    def read(self, delivery: sdk.Delivery) -> Iterable[sdk.Change]:
        """Each event carries its order; a cancelled one is gone."""
        for event in _events(delivery):
            gone = event.get("type") == "order.deleted"
            yield sdk.Change("order", str(event["order"]["id"]), None if gone else event["order"])

    def poll(self, cursor: str | None) -> sdk.Page:
        """Orders after the cursor, which is the id of the last order seen."""
        page = self._client.orders(cursor or "", PAGE)
        arrivals = [_arrival(order) for order in page["orders"]]
        last = str(page["orders"][-1]["id"]) if page["orders"] else cursor
        return sdk.Page(arrivals, last, more=bool(page["more"]))

    def push(self, write: sdk.Write) -> str:
        """Create or replace the invoice under our reference."""
        return str(self._client.put_invoice(write.reference, write.record)["id"])

    def find(self, kind: str, reference: str) -> str | None:
        """The invoice under our reference."""
        found = self._client.invoice(reference) if kind == "invoice" else None
        return str(found["id"]) if found else None


def _events(delivery: sdk.Delivery) -> list[dict[str, Any]]:
    """The events of a delivery. Raises Invalid naming what is wrong with it."""
    try:
        events = json.loads(delivery.body, parse_float=Decimal)["events"]
        for event in events:
            event["id"], event["order"]["id"]
    except (ValueError, TypeError, KeyError) as error:
        raise sdk.Invalid(f"not an Acme webhook: {type(error).__name__}: {error}", field="events") from None
    return list(events)


def _arrival(order: dict[str, Any]) -> sdk.Arrival:
    """A polled order in the form of a webhook, so that reading knows one form."""
    event_id = f"order/{order['id']}/{order.get('revision', 1)}"
    body = sdk.encode({"events": [{"id": event_id, "type": "order.placed", "order": order}]})
    return sdk.Arrival([event_id], sdk.Delivery({}, body, "poll:orders", datetime.now(UTC)))

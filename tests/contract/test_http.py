"""The generic HTTP connector keeps the connector contract, in each of its proof classes."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from connectors.http.connector import Http
from connectors.http.settings import Settings
from hub.connector import Delivery, Write
from hub.contract import ConnectorContract, Contract
from sandbox.kit import Fault, serve
from sandbox.rest import RestSandbox

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = "webhook-secret"
MAPPINGS = Path(__file__).parents[2] / "mappings" / "http"
CLASSES: dict[str, dict[str, Any]] = {
    "idempotency key": {"paths": {"message": "/messages"}, "idempotency_header": "Idempotency-Key"},
    "own address": {"paths": {"message": "/messages/{reference}"}, "methods": {"message": "PUT"}},
    "lookup": {
        "paths": {"message": "/messages"},
        "find_paths": {"message": "/messages?reference={reference}"},
        "update_paths": {"message": "/messages/{external_id}"},
    },
    "none": {"paths": {"message": "/messages"}},
}


def signed(body: bytes, stamp: int, secret: str = SECRET) -> Delivery:
    signature = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"x-signature": f"sha256={signature}", "x-timestamp": str(stamp)}
    return Delivery(headers, body, "https://hub.example/webhooks/http", NOW)


def deliveries() -> tuple[list[Delivery], dict[str, Delivery]]:
    at = int(NOW.timestamp())
    one = b'{"id": "m-1", "topic": "stock", "body": {"price": 0.10}}'
    genuine = [signed(one, at), signed(b'[{"id": "m-2", "body": {}}, {"id": "m-3", "body": {}}]', at)]
    forged = {
        "another secret": signed(one, at, "other"),
        "another body": signed(one, at)._replace(body=one.replace(b"0.10", b"9.10")),
        "truncated": signed(one, at)._replace(body=one[:-1]),
        "stale": signed(one, at - 3_600),
        "from the future": signed(one, at + 3_600),
        "another time": signed(one, at)._replace(
            headers={**signed(one, at).headers, "x-timestamp": str(at - 9)}
        ),
        "no prefix": signed(one, at)._replace(headers={"x-signature": "00", "x-timestamp": str(at)}),
        "signed, but no event id": signed(b'{"topic": "stock"}', at),
        "signed, but no JSON": signed(b"[" * 100_000, at),
    }
    return genuine, forged


def factory(url: str, token: str, class_: str) -> Callable[..., Http]:
    inbound = {
        "secret": SECRET,
        "signature_prefix": "sha256=",
        "timestamp_header": "x-timestamp",
        "event_id": "id",
    }
    outbound = {"base_url": url, "token": token, "check_path": "/me", **CLASSES[class_]}
    return lambda **settings: Http(Settings.model_validate({**inbound, **outbound, **settings}))


@pytest.fixture(params=list(CLASSES))
def contract(request: pytest.FixtureRequest) -> Iterator[Contract]:
    sandbox = RestSandbox()
    numbers = count(1)

    def write(kind: str) -> Write:
        reference = f"doc-{next(numbers)}"
        return Write(kind, {"price": Decimal("0.10")}, None, reference, f"{reference}:1")

    def faults(many: Sequence[Mapping[str, Any]]) -> None:
        sandbox.kit.faults[:] = [Fault.model_validate(one) for one in many]

    genuine, forged = deliveries()
    with serve(sandbox.app) as url:
        connector = factory(url, sandbox.token, request.param)
        yield Contract(
            connector=connector,
            secrets=[SECRET, sandbox.token],
            bad_credentials={"token": "wrong"},
            deliveries=genuine,
            forged=forged,
            write=write,
            faults=faults,
            effects=lambda: list(sandbox.kit.effects),
            reset=sandbox.reset,
            aim={"message": {"path": "/messages"}},
            hasty=lambda: connector(deadline_seconds=0.2),
            mappings=MAPPINGS,
        )


class TestContract(ConnectorContract):
    pass

"""Every disguise of an error is told by its class, with Stripe's words, code and request id."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.stripe.answers import OTHER_BODY, REPLAYED, trouble
from hub.sdk import AuthFailed, Conflict, ConnectorError, RateLimited, Rejected, Reply, Transient


def reply(status: int, error: dict[str, Any] | None = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = json.dumps({"error": error}).encode() if error is not None else b"<html>down</html>"
    return Reply(status, {"request-id": "req_1", **named}, body)


BAD = "invalid_request_error"
Case = tuple[Reply, type[ConnectorError], str, bool, float | None]
SLOW = {"retry_after": "7", "stripe_rate_limited_reason": "endpoint-rate"}
CASES: list[Case] = [
    (reply(400, {"type": BAD, "message": "no"}), Rejected, BAD, True, None),
    (reply(400, {"type": "idempotency_error", "message": "x"}), Rejected, OTHER_BODY, False, None),
    (reply(401, {"type": BAD, "code": "api_key_expired"}), AuthFailed, "api_key_expired", True, None),
    (reply(402, {"type": "card_error", "code": "card_declined"}), Rejected, "card_declined", True, None),
    (reply(403, {"type": BAD, "message": "x"}), AuthFailed, "permission", False, None),
    (reply(404, {"type": BAD, "code": "resource_missing"}), Rejected, "resource_missing", True, None),
    (reply(409, {"type": BAD, "message": "x"}), Conflict, BAD, True, None),
    (reply(409, {"code": "idempotency_key_in_use"}), Transient, "idempotency_key_in_use", True, 2),
    (reply(424, {"type": "api_error"}), Transient, "api_error", True, None),
    (reply(429, {"code": "lock_timeout"}), Transient, "lock_timeout", False, 2),
    (reply(400, {"code": "lock_timeout"}), Transient, "lock_timeout", False, 2),
    (reply(429, {"code": "rate_limit"}), RateLimited, "rate_limit", False, 2),
    (reply(429), RateLimited, "rate_limit", False, 2),
    (reply(429, {}, **SLOW), RateLimited, "endpoint-rate", False, 7),
    (reply(400, {"type": "rate_limit_error"}), RateLimited, "rate_limit", False, 2),
    (reply(500, {"type": "api_error"}), Transient, "api_error", True, None),
    (reply(500, {"type": "api_error"}, idempotent_replayed="true"), Transient, REPLAYED, True, None),
    (reply(502), Transient, "", True, None),
    (reply(402, {"type": "card_error"}, stripe_should_retry="true"), Transient, "card_error", True, None),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "kind", "code", "sent", "wait"), CASES)
def test_an_answer_is_told_by_its_class(
    answer: Reply, kind: type[ConnectorError], code: str, sent: bool, wait: float | None
) -> None:
    error = trouble(answer)
    assert type(error) is kind
    assert (error.code, error.sent, error.retry_after, error.request_id) == (code, sent, wait, "req_1")
    assert error.status == answer.status


def test_a_success_is_no_trouble() -> None:
    assert trouble(Reply(200, {}, b"{}")) is None


def test_the_message_names_parameter_and_the_banks_reason() -> None:
    error = trouble(
        reply(
            402,
            {"type": "card_error", "message": "Declined.", "param": "source", "decline_code": "lost_card"},
        )
    )
    assert error is not None
    assert error.message == "Declined. [parameter source; declined lost_card]"


def test_a_live_object_asked_for_with_a_test_key_keeps_stripes_hint() -> None:
    hint = "No such charge: 'ch_1'; a similar object exists in live mode"
    error = trouble(reply(404, {"code": "resource_missing", "message": hint}))
    assert isinstance(error, Rejected)
    assert hint in str(error)

"""The error table: what each kind of answer means for the hub, in the vendor's words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.hubspot.answers import batch_trouble, blamed, trouble, until_midnight
from hub.sdk import AuthFailed, Conflict, QuotaSpent, RateLimited, Rejected, Reply, Transient

CORRELATION = "aeb5f871-7f07-4993-9211-075dc63e7cbf"


def answer(status: int, headers: dict[str, str] | None = None, **body: Any) -> Reply:
    envelope = {"status": "error", "correlationId": CORRELATION, **body}
    return Reply(status, headers or {}, json.dumps(envelope).encode())


def limited(policy: str) -> Reply:
    return answer(
        429,
        message=f"You have reached your {policy.lower()} limit.",
        errorType="RATE_LIMIT",
        policyName=policy,
    )


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(400, category="VALIDATION_ERROR", message="Invalid input"), Rejected),
        (answer(401, category="INVALID_AUTHENTICATION", message="no"), AuthFailed),
        (answer(401, category="EXPIRED_AUTHENTICATION", message="no"), AuthFailed),
        (answer(403, category="MISSING_SCOPES", message="no"), AuthFailed),
        (answer(403, category="FORBIDDEN", message="this object is locked for you"), Rejected),
        (Reply(403, {}, b"<html>blocked</html>"), AuthFailed),
        (answer(404, category="OBJECT_NOT_FOUND", message="resource not found"), Rejected),
        (answer(409, category="CONFLICT", message="Contact already exists. Existing ID: 12345"), Conflict),
        (answer(423, message="locked"), Transient),
        (answer(477, message="migration"), RateLimited),
        (limited("SECONDLY"), RateLimited),
        (answer(500, message="oops"), Transient),
        (answer(502), Transient),
        (Reply(503, {}, b"<html>busy</html>"), Transient),
        (answer(504), Transient),
        (answer(524), Transient),
    ],
)
def test_each_answer_has_its_class(reply: Reply, kind: type[Exception]) -> None:
    assert type(trouble(reply)) is kind


def test_a_2xx_is_no_trouble() -> None:
    assert trouble(Reply(200, {}, b"{}")) is None
    assert trouble(Reply(207, {}, b"{}")) is None


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (limited("SECONDLY"), 1),
        (limited("TEN_SECONDLY_ROLLING"), 10),
        (answer(429, message="You have reached your ten_secondly_rolling limit."), 10),
        (answer(429, message="You have reached your secondly limit."), 1),
        (Reply(429, {}, b"too many"), 10),
        (answer(429, {"retry-after": "30"}, policyName="SECONDLY"), 30),
        (answer(477, {"retry-after": "1200"}), 1200),
        (answer(477), 3600),
        (answer(423), 2),
        (answer(423, {"retry-after": "9"}), 9),
    ],
)
def test_each_limit_says_when_to_come_back(reply: Reply, seconds: float) -> None:
    error = trouble(reply)
    assert error is not None
    assert error.retry_after == seconds
    assert error.sent is False


def test_an_error_carries_the_vendors_message_code_and_correlation_id() -> None:
    error = trouble(answer(400, category="VALIDATION_ERROR", message="Invalid input JSON"))
    assert error is not None
    assert str(error) == f"Invalid input JSON (status 400, code VALIDATION_ERROR, request {CORRELATION})"


def test_a_validation_error_names_every_property() -> None:
    errors = [
        {"message": "a lot was not a valid double.", "in": "o2c_open_amount", "code": "INVALID_DOUBLE"},
        {"message": 'Property "x" does not exist', "code": "PROPERTY_DOESNT_EXIST"},
    ]
    error = trouble(answer(400, category="VALIDATION_ERROR", message="2 problems", errors=errors))
    assert error is not None
    assert error.message == (
        '2 problems; o2c_open_amount: a lot was not a valid double.; Property "x" does not exist'
    )


@pytest.mark.parametrize("place", ["missingScopes", "requiredGranularScopes", "requiredScopes"])
def test_a_403_names_the_scopes_it_wants(place: str) -> None:
    entry = {"message": "One or more", "context": {place: ["crm.objects.deals.write"]}}
    error = trouble(answer(403, category="MISSING_SCOPES", message="no scope", errors=[entry]))
    assert error is not None
    assert "crm.objects.deals.write" in error.message


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"x"', b"\xff", b'{"errors":[1],"context":7}', b'{"message":{}}']
)
def test_an_envelope_of_any_shape_still_gives_an_error(body: bytes) -> None:
    assert isinstance(trouble(Reply(400, {}, body)), Rejected)


def test_objects_that_do_not_exist_are_no_trouble_in_a_batch() -> None:
    missing = {"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ["1"]}}
    assert batch_trouble({"results": [], "errors": [missing], "numErrors": 1}) is None
    assert batch_trouble({"results": []}) is None


@pytest.mark.parametrize(
    ("category", "kind"), [("VALIDATION_ERROR", Rejected), ("INTERNAL_ERROR", Transient)]
)
def test_any_other_error_in_a_batch_is_trouble(category: str, kind: type[Exception]) -> None:
    errors = [{"category": "OBJECT_NOT_FOUND"}, {"category": category, "message": "oops"}]
    assert type(batch_trouble({"results": [], "errors": errors})) is kind


@pytest.mark.parametrize(
    "reply", [limited("DAILY"), answer(429, message="You have reached your daily limit.")]
)
def test_a_spent_day_rests_until_midnight_in_the_accounts_time_zone(reply: Reply) -> None:
    new_york, evening = ZoneInfo("America/New_York"), datetime(2026, 1, 6, 3, 30, tzinfo=UTC)  # 22:30 there
    error = trouble(reply, new_york, evening)
    assert type(error) is QuotaSpent
    assert error.retry_after == 90 * 60 + 1
    assert "daily limit" in error.message
    assert error.sent is False


def test_the_day_a_clock_changes_has_its_own_length() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert until_midnight(datetime(2026, 3, 28, 23, 30, tzinfo=UTC), berlin) == 22 * 3600 + 1800 + 1


def test_a_midnight_that_only_our_clock_has_passed_costs_minutes_and_not_a_day() -> None:
    assert until_midnight(datetime(2026, 1, 6, 0, 1, tzinfo=UTC), UTC) == 300


def test_an_error_of_a_batch_names_whom_it_is_about() -> None:
    context = {"objectWriteTraceId": ["t-1"], "ids": ["5", "6"]}
    assert blamed({"context": context}) == ["t-1", "5", "6"]
    assert blamed({"context": "odd"}) == []

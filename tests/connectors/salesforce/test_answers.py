"""What Salesforce's answers mean: its codes, its two limits behind one code, and errors inside a 200."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.salesforce.answers import DAILY_SECONDS, Allowance, refusal, trouble
from hub.sdk import AuthFailed, ConnectorError, QuotaSpent, RateLimited, Rejected, Reply, Transient


def said(status: int, code: str, message: str = "told", **more: Any) -> ConnectorError:
    body = json.dumps([{"message": message, "errorCode": code, **more}]).encode()
    error = trouble(Reply(status, {}, body))
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "INVALID_SESSION_ID", AuthFailed),
        (403, "API_DISABLED_FOR_ORG", AuthFailed),
        (400, "UNABLE_TO_LOCK_ROW", Transient),
        (503, "SERVER_UNAVAILABLE", Transient),
        (400, "QUERY_TIMEOUT", Transient),
        (500, "UNKNOWN_EXCEPTION", Transient),
        (400, "MALFORMED_QUERY", Rejected),
        (400, "INVALID_FIELD", Rejected),
        (400, "DUPLICATES_DETECTED", Rejected),
        (403, "INSUFFICIENT_ACCESS", Rejected),
        (403, "TXN_SECURITY_METERED", Rejected),
        (404, "NOT_FOUND", Rejected),
        (410, "UNSUPPORTED_API_VERSION", Rejected),
    ],
)
def test_each_code_has_its_meaning(status: int, code: str, kind: type[ConnectorError]) -> None:
    error = said(status, code)
    assert type(error) is kind
    assert (error.code, error.status) == (code, status)


def test_the_days_allowance_and_the_limit_of_long_calls_are_told_apart() -> None:
    daily = said(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    assert (type(daily), daily.retry_after, daily.sent) == (QuotaSpent, DAILY_SECONDS, False)
    text = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    busy = said(403, "REQUEST_LIMIT_EXCEEDED", text)
    assert (type(busy), busy.sent) == (RateLimited, False)
    assert busy.retry_after is not None
    assert busy.retry_after < 60


def test_a_locked_row_was_not_written_and_comes_back_soon() -> None:
    error = said(400, "UNABLE_TO_LOCK_ROW")
    assert error.sent is False
    assert error.retry_after == 3.0


def test_fields_and_the_way_out_are_named() -> None:
    error = said(400, "INVALID_FIELD", "No such column 'X__c' on entity 'Opportunity'", fields=["X__c"])
    assert "fields X__c" in str(error)
    assert "may not see it" in str(error)


def test_an_ambiguous_key_is_refused() -> None:
    error = trouble(Reply(300, {}, b'["/services/data/v68.0/sobjects/ERP_Invoice__c/a0"]'))
    assert isinstance(error, Rejected)
    assert "several records" in str(error)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(400, {}, b'{"error": "unsupported_grant_type", "error_description": "x"}'), Rejected),
        (Reply(502, {}, b"<html>bad gateway</html>"), Transient),
        (Reply(400, {}, b"null"), Rejected),
        (Reply(429, {"retry-after": "7"}, b"{}"), RateLimited),
        (Reply(401, {}, b"{}"), AuthFailed),
    ],
)
def test_answers_of_another_shape_are_told_by_their_status(reply: Reply, kind: type[ConnectorError]) -> None:
    error = trouble(reply)
    assert type(error) is kind


def entry(code: str, message: str = "told", fields: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "success": False,
        "errors": [{"statusCode": code, "message": message, "fields": list(fields)}],
    }


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("UNABLE_TO_LOCK_ROW", Transient),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", Rejected),
        ("DUPLICATES_DETECTED", Rejected),
        ("ENTITY_IS_DELETED", Rejected),
        ("REQUEST_LIMIT_EXCEEDED", QuotaSpent),
    ],
)
def test_an_entry_of_a_200_may_be_a_refusal(code: str, kind: type[ConnectorError]) -> None:
    error = refusal(entry(code, fields=("StageName",)))
    assert type(error) is kind
    assert "StageName" in str(error)


def test_an_entry_that_succeeded_is_none_and_a_strange_one_is_unknown() -> None:
    assert refusal({"id": "006", "success": True, "errors": []}) is None
    error = refusal({"id": None})
    assert type(error) is Transient
    assert error.sent


def test_calls_stop_at_the_reserve_before_people_are_locked_out() -> None:
    allowance = Allowance(20)
    allowance.ask()
    allowance.note({"sforce-limit-info": "api-usage=7999/10000; per-app-api-usage=9/10(appName=x)"})
    allowance.ask()
    allowance.note({"sforce-limit-info": "api-usage=8000/10000"})
    with pytest.raises(QuotaSpent, match="8000 of 10000") as caught:
        allowance.ask()
    assert 0 < (caught.value.retry_after or 0) <= 900
    allowance.note({"sforce-limit-info": "api-usage=100/10000"})
    allowance.ask()


def test_what_is_known_of_the_allowance_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    allowance = Allowance(20)
    allowance.note({"sforce-limit-info": "api-usage=99/100"})
    with pytest.raises(QuotaSpent):
        allowance.ask()
    now += 901
    allowance.ask()
    allowance.note({"sforce-limit-info": "garbage"})
    allowance.ask()


def test_a_403_without_a_code_is_that_of_a_firewall_and_rests_the_connection() -> None:
    error = trouble(Reply(403, {}, b"<html>Your address is not allowed</html>"))
    assert type(error) is AuthFailed
    assert "not allowed" in str(error)

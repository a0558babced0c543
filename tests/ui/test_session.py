"""Logging in, staying in, being put out."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from hub.api.access import Actor, Role
from hub.api.actions import make_token, revoke_token
from hub.ui.session import COOKIE, LIFE_SECONDS, NOTICE
from tests.ui import company as companies
from tests.ui.company import Company

BOSS = Actor("boss", Role.ADMIN)


def test_without_a_session_every_page_leads_to_the_login_and_back(visit: Any, company: Company) -> None:
    visitor = visit()
    asked = visitor.get("/orders")
    assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=/orders")
    assert 'value="/orders"' in visitor.get("/login?next=/orders").text
    form = {"form_token": visitor.token(), "token": company.tokens["viewer"], "next": "/orders"}
    assert visitor.post("/login", data=form).headers["location"] == "/orders"
    assert visitor.get("/orders").status_code == 200


def test_a_fragment_without_a_session_sends_the_browser_to_the_login(visit: Any) -> None:
    asked = visit().get("/", headers={"hx-request": "true"})
    assert (asked.status_code, asked.headers["hx-redirect"]) == (401, "/login")


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "x", ""])
def test_login_never_leads_to_another_site(elsewhere: str, visit: Any, company: Company) -> None:
    visitor = visit()
    form = {"form_token": visitor.token(), "token": company.tokens["viewer"], "next": elsewhere}
    assert visitor.post("/login", data=form).headers["location"] == "/"


def test_a_wrong_token_is_refused_in_words_and_not_repeated(visit: Any) -> None:
    refused = visit().login("o2c_wrong-canary")
    assert refused.status_code == 403
    assert "not known" in refused.text
    assert "wrong-canary" not in refused.text


def test_the_session_is_made_anew_at_login_so_a_planted_one_gains_nothing(
    visit: Any, company: Company
) -> None:
    visitor = visit()
    visitor.get("/login")
    planted = visitor.cookies[COOKIE]
    assert visitor.login(company.tokens["admin"]).status_code == 303
    assert visitor.cookies[COOKIE] != planted
    attacker = visit()
    attacker.cookies.set(COOKIE, planted)
    assert attacker.get("/").status_code == 303


def test_the_cookie_is_for_the_server_only_and_for_our_own_pages(visit: Any, company: Company) -> None:
    told = visit().login(company.tokens["viewer"]).headers["set-cookie"].lower()
    assert "httponly" in told
    assert "samesite=lax" in told
    assert "path=/" in told
    assert "secure" not in told  # this server is reached by http; see the next test


def test_behind_https_the_cookie_is_marked_secure(visit: Any, company: Company) -> None:
    visitor = visit()
    answer = visitor.get("/login", headers={"host": "o2c.example.com"})  # our public address, which is https
    assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("part", [0, 1, 2, 3])
def test_a_forged_cookie_is_nobody(part: int, visit: Any, company: Company) -> None:
    visitor = visit("viewer")
    parts = visitor.cookies[COOKIE].split(".")
    parts[part] = parts[part][:-1] + ("0" if parts[part][-1] != "0" else "1")
    forger = visit()
    forger.cookies.set(COOKIE, ".".join(parts))
    assert forger.get("/").status_code == 303


def test_logging_out_ends_the_session_even_for_a_copied_cookie(visit: Any) -> None:
    visitor, thief = visit("viewer"), visit()
    thief.cookies.set(COOKIE, visitor.cookies[COOKIE])
    assert thief.get("/").status_code == 200
    assert visitor.submit("/logout").headers["location"] == "/login"
    assert thief.get("/").status_code == 303
    assert visitor.get("/").status_code == 303


def test_revoking_a_token_ends_its_sessions(visit: Any, company: Company) -> None:
    secret = make_token(company.hub, BOSS, "leaver", "operator")
    visitor = visit()
    visitor.login(secret)
    assert visitor.get("/").status_code == 200
    revoke_token(company.hub, BOSS, "leaver")
    assert visitor.get("/").status_code == 303


def test_a_session_ends_after_twelve_hours(visit: Any, company: Company) -> None:
    clock = [1_000_000.0]
    with companies.served(company, now=lambda: clock[0]) as base:
        visitor = visit("viewer", base=base)
        clock[0] += LIFE_SECONDS - 1
        assert visitor.get("/").status_code == 200
        clock[0] += 1
        assert visitor.get("/").status_code == 303


def test_guessing_is_slowed_down_and_forgiven_after_a_while(visit: Any, company: Company) -> None:
    clock = [1_000_000.0]
    with companies.served(company, now=lambda: clock[0]) as base:
        visitor = visit(base=base)
        codes = [visitor.login(f"o2c_guess{n}").status_code for n in range(11)]
        assert codes == [403] * 10 + [429]
        assert visitor.login(company.tokens["viewer"]).status_code == 429
        clock[0] += 301
        assert visitor.login(company.tokens["viewer"]).status_code == 303


def test_a_notice_of_someone_else_is_not_shown(visit: Any) -> None:
    visitor = visit("viewer")
    body = base64.urlsafe_b64encode(b"Call +1 555 to verify").decode()
    visitor.cookies.set(NOTICE, f"{body}.{'0' * 64}")
    assert "Call +1" not in visitor.get("/").text


def test_the_login_of_somebody_else_cannot_be_forced(visit: Any, company: Company) -> None:
    stranger = visit()
    refused = stranger.post("/login", data={"token": company.tokens["viewer"], "form_token": "0" * 64})
    assert refused.status_code == 403
    assert COOKIE not in stranger.cookies

"""Who sees which page and which button, and that no form works without its token."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hub.api.access import Role
from hub.ui.pages import PLACES
from tests.ui.company import Company

ROLES = {"viewer": Role.VIEWER, "operator": Role.OPERATOR, "admin": Role.ADMIN}
POSTS = {  # every change that the console can make, and who may make it
    "/login": None,
    "/logout": Role.VIEWER,
    "/access": Role.ADMIN,
    "/access/revoke": Role.ADMIN,
    "/cases/{case_id}": Role.OPERATOR,
    "/cases/{case_id}/invoices": Role.OPERATOR,
    "/cases/{case_id}/difference": Role.OPERATOR,
    "/cases/{case_id}/customers": Role.OPERATOR,
    "/connections/new": Role.ADMIN,
    "/connections/{name}": Role.ADMIN,
    "/connections/{name}/check": Role.OPERATOR,
    "/connections/{name}/poll": Role.OPERATOR,
    "/connections/{name}/files": Role.OPERATOR,
    "/connections/{name}/pause": Role.ADMIN,
    "/connections/{name}/resume": Role.ADMIN,
    "/connections/{name}/delete": Role.ADMIN,
    "/connections/{name}/backfill": Role.OPERATOR,
    "/connections/{name}/backfill/stop": Role.OPERATOR,
    "/connections/{name}/backfill/resume": Role.OPERATOR,
    "/connections/{name}/install": Role.ADMIN,
    "/deliveries/{delivery_id}/replay": Role.OPERATOR,
    "/reconciliation": Role.OPERATOR,
    "/reconciliation/{run_id}/repair": Role.OPERATOR,
    "/outbox/{row_id}/retry": Role.OPERATOR,
    "/mappings/{connection}/{kind}/{direction}/drafts": Role.ADMIN,
    "/mappings/{connection}/{kind}/{direction}/rollback": Role.ADMIN,
    "/mappings/{connection}/{kind}/{direction}/tables": Role.ADMIN,
    "/mappings/{connection}/{kind}/{direction}/replay": Role.OPERATOR,
    "/mappings/versions/{version_id}": Role.ADMIN,
    "/mappings/versions/{version_id}/check": Role.ADMIN,
    "/mappings/versions/{version_id}/preview": Role.ADMIN,
    "/mappings/versions/{version_id}/backtest": Role.ADMIN,
    "/mappings/versions/{version_id}/changes": Role.ADMIN,
    "/mappings/versions/{version_id}/activate": Role.ADMIN,
    "/mappings/versions/{version_id}/discard": Role.ADMIN,
}
ADMIN_PAGES = {"/access", "/connections/new", "/connections/{name}/install"}
CHANGING = {path: role for path, role in POSTS.items() if role is not None and path != "/logout"}


def path_of(template: str) -> str:
    return re.sub(r"\{\w+\}", "no-such-thing", template)


def test_every_change_is_in_the_table_with_its_role() -> None:
    assert {place.path: place.role for place in PLACES if place.method == "POST"} == POSTS


def test_only_the_login_is_open_to_everybody() -> None:
    assert {place.path for place in PLACES if place.role is None} == {"/login"}
    admins = {place.path for place in PLACES if place.method == "GET" and place.role is Role.ADMIN}
    assert admins == ADMIN_PAGES


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_change_what_the_table_says_and_no_more(role: str, visit: Any) -> None:
    visitor = visit(role)
    token = visitor.token("/")
    for path, needed in CHANGING.items():
        status = visitor.post(path_of(path), data={"form_token": token}).status_code
        assert (status == 403) is (ROLES[role] < needed), f"{path} as {role}: {status}"
        assert status < 500


@pytest.mark.parametrize("path", [path for path in POSTS if path != "/login"])
def test_no_form_works_without_the_token_of_this_session(path: str, visit: Any) -> None:
    visitor, other = visit("admin"), visit("admin")
    for token in ("", "0" * 64, other.token("/")):
        refused = visitor.post(path_of(path), data={"form_token": token})
        assert refused.status_code == 403
        assert "another session" in refused.text


def pages(company: Company, visitor: Any) -> list[str]:
    """Every kind of page, with ids that exist."""
    from hub.store import views

    with company.hub.store.look() as tx:
        cases = [f"/cases/{row.id}" for row in views.cases(tx.conn)]
        deliveries = [f"/deliveries/{row.id}" for row in views.deliveries(tx.conn, limit=2)]
        documents = [
            f"/documents/{row.id}" for kind in ("customer", "shipment", "invoice", "payment")
            for row in views.documents(tx.conn, kind=kind, limit=1)
        ]  # fmt: skip
    plain = [place.path for place in PLACES if place.method == "GET" and "{" not in place.path]
    orders = [f"/orders/{company.ids[number]}" for number in ("SO-4711", "SO-4718", "SO-4731")]
    lists = [path for path in plain if path != "/login"] + ["/connections/new?connector=hubspot"]
    mappings = ["/mappings/erp/order/out", "/mappings/erp/order/out/preview", "/mappings/crm/order/in"]
    lineage = [f"/documents/{company.ids['SO-4711']}/lineage"]
    others = ["/connections/erp", "/cases?state=resolved"]
    return [*lists, *orders, *cases, *deliveries, *documents, *mappings, *lineage, *others]


@pytest.mark.parametrize("role", ROLES)
def test_every_page_opens_without_inline_code_or_style(role: str, visit: Any, company: Company) -> None:
    visitor = visit(role)
    for path in pages(company, visitor):
        answer = visitor.get(path)
        allowed = role == "admin" or path.split("?")[0] not in ADMIN_PAGES
        assert answer.status_code == (200 if allowed else 403), path
        assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", answer.text), path
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|javascript:", answer.text), path
        assert re.search(r"<title>[^<]+</title>", answer.text), path


def test_a_viewer_sees_no_button_but_the_way_out(visit: Any, company: Company) -> None:
    viewer = visit("viewer")
    for path in pages(company, viewer):
        text = viewer.get(path).text
        actions = set(re.findall(r'<form[^>]*method="post"[^>]*action="([^"]+)"', text))
        assert actions <= {"/logout"}, path
        assert "hx-post" not in text, path


def test_an_operator_sees_no_settings_form(visit: Any) -> None:
    text = visit("operator").get("/connections/erp").text
    assert "Check now" in text
    assert "Save and check" not in text
    assert "Pause" not in text

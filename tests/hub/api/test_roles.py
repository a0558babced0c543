"""Who may call what. A route that is not in this table fails the tests."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import Depends, FastAPI

from hub.api import app as api_app
from hub.api.access import Role
from hub.api.app import build_api, roles
from tests.ui.company import Company

VIEW, WORK, RULE = Role.VIEWER, Role.OPERATOR, Role.ADMIN
TABLE = {
    "GET /openapi.json": VIEW,
    "GET /me": VIEW,
    "GET /overview": VIEW,
    "GET /ledger/balances": VIEW,
    "GET /documents": VIEW,
    "GET /documents/{document_id}": VIEW,
    "GET /documents/{document_id}/pdf": VIEW,
    "GET /connections/{name}/specification": VIEW,
    "GET /orders/{order_id}/timeline": VIEW,
    "GET /audit": VIEW,
    "GET /cases": VIEW,
    "GET /cases/{case_id}": VIEW,
    "POST /cases/{case_id}/decision": WORK,
    "GET /deliveries": VIEW,
    "GET /deliveries/{delivery_id}": VIEW,
    "POST /deliveries/{delivery_id}/replay": WORK,
    "GET /outbox": VIEW,
    "POST /outbox/{row_id}/retry": WORK,
    "GET /connectors": VIEW,
    "GET /connections": VIEW,
    "GET /connections/{name}": VIEW,
    "PUT /connections/{name}": RULE,
    "DELETE /connections/{name}": RULE,
    "POST /connections/{name}/check": WORK,
    "POST /connections/{name}/poll": WORK,
    "POST /connections/{name}/files": WORK,
    "POST /connections/{name}/pause": RULE,
    "POST /connections/{name}/resume": RULE,
    "GET /connections/{name}/backfill": VIEW,
    "POST /connections/{name}/backfill": WORK,
    "POST /connections/{name}/backfill/stop": WORK,
    "POST /connections/{name}/backfill/resume": WORK,
    "GET /connections/{name}/install": WORK,
    "POST /connections/{name}/install": RULE,
    "GET /reconciliations": VIEW,
    "POST /reconciliations": WORK,
    "GET /reconciliations/{run_id}": VIEW,
    "GET /reconciliations/{run_id}/differences": VIEW,
    "GET /reconciliations/{run_id}/customers": VIEW,
    "POST /reconciliations/{run_id}/repair": WORK,
    "GET /mappings": VIEW,
    "GET /mappings/{connection}/{kind}/{direction}": VIEW,
    "POST /mappings/{connection}/{kind}/{direction}/check": VIEW,
    "POST /mappings/{connection}/{kind}/{direction}/preview": VIEW,
    "POST /mappings/{connection}/{kind}/{direction}/backtest": VIEW,
    "POST /mappings/{connection}/{kind}/{direction}/drafts": RULE,
    "POST /mappings/{connection}/{kind}/{direction}/rollback": RULE,
    "POST /mappings/{connection}/{kind}/{direction}/replay": WORK,
    "GET /mapping-versions/{version_id}": VIEW,
    "PUT /mapping-versions/{version_id}": RULE,
    "DELETE /mapping-versions/{version_id}": RULE,
    "POST /mapping-versions/{version_id}/activate": RULE,
    "GET /mapping-versions/{version_id}/diff": VIEW,
    "GET /connections/{name}/tables": VIEW,
    "PUT /connections/{name}/tables/{table}": RULE,
    "GET /documents/{document_id}/lineage": VIEW,
    "GET /tokens": RULE,
    "POST /tokens": RULE,
    "DELETE /tokens/{name}": RULE,
}
ROLES = {"viewer": VIEW, "operator": WORK, "admin": RULE}


def test_every_route_is_in_the_table_with_its_role(company: Company) -> None:
    assert dict(roles(build_api(company.hub, company.settings))) == TABLE


@pytest.mark.parametrize("route", TABLE)
def test_without_a_living_token_nothing_is_answered(route: str, call: Any) -> None:
    method, path = route.split(" ")
    for token in ("", "o2c_made-up"):
        answer = call(method, path.replace("{", "x").replace("}", ""), role="", token=token)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", TABLE)
def test_each_role_may_do_what_the_table_says_and_no_more(route: str, role: str, call: Any) -> None:
    method, path = route.split(" ")
    answer = call(method, path.replace("{", "no-such-").replace("}", ""), role=role)
    refused = answer.status_code == 403
    assert refused is (ROLES[role] < TABLE[route]), f"{route} as {role}: {answer.status_code}"
    assert answer.status_code < 500


def test_a_route_without_a_role_is_refused_when_the_app_is_built(company: Company) -> None:
    app = FastAPI()

    @app.get("/open", dependencies=[Depends(lambda: None)])
    def open_to_all() -> None: ...

    found = dict(roles(app))
    assert found["GET /open"] is None
    assert api_app.undeclared(app) == ["GET /open"]


def test_the_description_covers_and_explains_every_route(call: Any) -> None:
    told = call("GET", "/openapi.json", role="viewer").json()
    described = {f"{method.upper()} {path}" for path, methods in told["paths"].items() for method in methods}
    assert described == set(TABLE) - {"GET /openapi.json"}
    silent = [
        f"{method} {path}"
        for path, methods in told["paths"].items()
        for method, one in methods.items()
        if not one.get("description") or not one.get("tags")
    ]
    assert silent == []

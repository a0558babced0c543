"""Mappings over the API: look, check, try, put in force, and ask where values come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from hub.api.app import build_api
from hub.secrets import new_token, token_digest
from hub.settings import Settings
from hub.store import access
from sandbox.kit import serve
from tests.mapped import SHOP, Mapped

PLACE = "/mappings/shop/customer/in"
UPPER = SHOP.replace("{ from: title }", "{ formula: 'UPPER(title)' }")


class Office(NamedTuple):
    """The hub, and two admins and a viewer at its API."""

    mapped: Mapped
    url: str
    tokens: dict[str, str]

    def ask(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.tokens[who]}"}
        return httpx.request(method, self.url + path, headers=headers, timeout=20, **more)

    def got(self, who: str, method: str, path: str, **more: Any) -> Any:
        answer = self.ask(who, method, path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def draft(self, text: str, who: str = "ann") -> Any:
        return self.got(who, "POST", f"{PLACE}/drafts", json={"text": text, "reason": "why not"})


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    mapped = Mapped(database_url, tmp_path)
    tokens = {name: new_token() for name in ("ann", "ben", "vic")}
    with mapped.hub.store.begin() as tx:
        for name, token in tokens.items():
            role = "viewer" if name == "vic" else "admin"
            access.add_token(tx.conn, digest=token_digest(token), name=name, role=role, now=tx.now)
    api = build_api(mapped.hub, Settings(data_dir=tmp_path, four_eyes=True))
    with serve(Starlette(routes=[Mount("/api/v1", api)])) as url:
        yield Office(mapped, f"{url}/api/v1", tokens)
    mapped.hub.store.database.close()


def test_what_is_in_force_is_listed_with_its_place_and_faults(office: Office) -> None:
    found = office.got("vic", "GET", "/mappings")
    assert [(one["connection"], one["mapping"], one["origin"], one["faults"]) for one in found] == [
        ("erp", "customer -> erp.customer v1", "file", 0), ("shop", "http.account -> customer v3", "file", 0),
    ]  # fmt: skip


def test_a_mapping_comes_as_yaml_and_as_json_content(office: Office) -> None:
    found = office.got("vic", "GET", PLACE)
    assert found["text"] == SHOP
    assert found["content"]["fields"]["name"] == {"from": "title"}
    assert found["content"]["local"] == ["terms"]


def test_a_check_names_line_message_and_remedy_and_keeps_nothing(office: Office) -> None:
    text = SHOP.replace("{ from: title }", "{ formula: 'UPER(title)' }")
    told = office.got("vic", "POST", f"{PLACE}/check", json={"text": text})
    assert told["sound"] is False
    [finding] = told["findings"]
    assert (finding["line"], finding["message"]) == (5, "unknown function 'UPER'")
    assert "UPPER" in finding["remedy"]
    assert office.got("vic", "GET", PLACE)["versions"] == []


def test_a_draft_is_tried_activated_by_another_admin_and_rolled_back(office: Office) -> None:
    office.mapped.send({"id": 1, "title": "Acme"})
    draft = office.draft(UPPER)
    assert (draft["version"], draft["state"], draft["author"]) == (4, "draft", "ann")
    [shown] = office.got("vic", "POST", f"{PLACE}/preview", json={"version_id": draft["id"], "last": 5})
    [origin] = [one for one in shown["origins"] if one["target"] == "name"]
    assert (origin["value"], origin["inputs"]) == ("ACME", [{"path": "title", "value": "Acme"}])
    found = office.got("vic", "POST", f"{PLACE}/backtest", json={"version_id": draft["id"], "last": 5})
    assert (found["different"], found["fields"][0]["field"], found["systems"]) == (1, "name", {"erp": 1})
    activate = f"/mapping-versions/{draft['id']}/activate"
    refused = office.ask("ann", "POST", activate)
    assert (refused.status_code, refused.json()["field"]) == (422, "author")
    assert office.got("ben", "POST", activate)["state"] == "active"
    assert office.got("ben", "POST", f"{PLACE}/rollback") == {"now": "the file of mappings/"}


def test_json_content_is_written_into_the_text_whose_comments_stay(office: Office) -> None:
    content = office.got("vic", "GET", PLACE)["content"]
    content["fields"]["tax_id"] = {"from": "vat", "optional": True}
    draft = office.got("ann", "POST", f"{PLACE}/drafts", json={"content": content})
    assert "# as people see it" in draft["text"]
    assert draft["content"]["fields"]["tax_id"] == {"from": "vat", "optional": True}
    assert draft["findings"] == []
    lines = office.got("vic", "GET", f"/mapping-versions/{draft['id']}/diff")
    assert [line for line in lines if line.startswith(("+ ", "- "))] == [
        "+  tax_id: { from: vat, optional: true }"
    ]


def test_a_draft_is_changed_and_thrown_away(office: Office) -> None:
    draft = office.draft(UPPER)
    path = f"/mapping-versions/{draft['id']}"
    changed = office.got("ben", "PUT", path, json={"text": SHOP, "reason": "calmer"})
    assert (changed["author"], changed["reason"], changed["version"]) == ("ben", "calmer", 4)
    assert office.got("ben", "DELETE", path) == {"done": True}
    assert office.ask("ben", "GET", path).status_code == 422


def test_a_version_with_a_fault_is_refused_with_the_fault(office: Office) -> None:
    draft = office.draft(SHOP.replace("title", "tit le", 1).replace("{ from: tit le }", "{ formula: 'NO(' }"))
    answer = office.ask("ben", "POST", f"/mapping-versions/{draft['id']}/activate")
    assert answer.status_code == 422
    assert "shop/customer.in v4:5" in answer.json()["error"]


def test_local_tables_are_set_and_wrong_ones_named(office: Office) -> None:
    path = "/connections/shop/tables/terms"
    assert office.got("ann", "PUT", path, json={"entries": {"x": "COD"}})["entries"] == {"x": "COD"}
    assert office.got("vic", "GET", "/connections/shop/tables") == [
        {"name": "terms", "entries": {"x": "COD"}}
    ]
    answer = office.ask("ann", "PUT", "/connections/shop/tables/terrms", json={"entries": {}})
    assert (answer.status_code, answer.json()["field"]) == (422, "table")


def test_lineage_tells_where_every_value_comes_from(office: Office) -> None:
    office.mapped.send({"id": 7, "title": "Acme", "terms": "30"})
    [customer] = office.mapped.customers()
    found = office.got("vic", "GET", f"/documents/{customer.document.id}/lineage")
    fields = {one["field"]: one for one in found["fields"]}
    assert fields["payment_terms"]["origin"]["inputs"] == [{"path": "terms", "value": "30"}]
    assert fields["payment_terms"]["source"]["mapping"] == "http.account -> customer v3"
    assert fields["state"]["how"] == "hub"
    assert {one["connection"] for one in found["sent"]} >= {"erp"}
    assert office.ask("vic", "GET", "/documents/none/lineage").status_code == 404


def test_decimals_are_text_on_the_wire(office: Office) -> None:
    text = SHOP.replace("{ from: title }", "{ formula: 'TEXT(DECIMAL(price) * 3)' }")
    record = {"price": "0.10", "title": "x"}
    [shown] = office.got("vic", "POST", f"{PLACE}/preview", json={"text": text, "record": record})
    assert shown["document"]["name"] == "0.30"


@pytest.mark.parametrize("given", [{}, {"text": SHOP, "content": {}}])
def test_a_draft_is_given_either_as_text_or_as_content(office: Office, given: dict[str, Any]) -> None:
    answer = office.ask("ann", "POST", f"{PLACE}/drafts", json=given)
    assert (answer.status_code, answer.json()["error"]) == (422, "give either text or content")


def test_places_that_are_not_there_are_named(office: Office) -> None:
    for path, told in (
        ("/mappings/shopp/customer/in", "no connection called 'shopp'"),
        ("/mappings/shop/order/in", "there is no mapping shop/order.in"),
        ("/mapping-versions/none", "there is no version 'none'"),
    ):
        answer = office.ask("vic", "GET", path)
        assert answer.status_code == 422
        assert told in answer.json()["error"]


def test_a_record_sent_as_text_keeps_its_digits_and_one_that_lost_some_is_refused(office: Office) -> None:
    text = SHOP.replace("{ from: title }", "{ formula: 'TEXT(limit)' }")
    sent = {"text": text, "record": '{"limit": 9007199254740993.01}'}
    [shown] = office.got("vic", "POST", f"{PLACE}/preview", json=sent)
    assert shown["document"]["name"] == "9007199254740993.01"
    refused = office.ask("vic", "POST", f"{PLACE}/preview", json={"text": text, "record": {"limit": 1.5}})
    assert (refused.status_code, refused.json()["field"]) == (422, "record")


def test_a_kind_that_there_is_not_gets_no_drafts(office: Office) -> None:
    answer = office.ask("ann", "POST", "/mappings/shop/nonsense/in/drafts", json={"text": SHOP})
    assert (answer.status_code, answer.json()["field"]) == (422, "kind")

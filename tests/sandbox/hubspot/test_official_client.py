"""The vendor's own client, which nobody here wrote, works with the simulated account."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from sandbox.hubspot.webhooks import SIGNATURES
from tests.sandbox.hubspot.place import SECRET, TOKEN, Place

hubspot = pytest.importorskip("hubspot", reason="the vendor's client is not installed")
from hubspot.crm import associations, companies, contacts, deals, properties  # noqa: E402 - after the check
from hubspot.crm.associations.v4 import models as links  # noqa: E402 - after the check
from hubspot.utils.signature import Signature  # noqa: E402 - after the check


@pytest.fixture
def client(place: Place) -> Any:
    return hubspot.HubSpot(access_token=TOKEN, host=place.url)


def test_one_object_from_its_creation_to_its_end(client: Any) -> None:
    api = client.crm.deals.basic_api
    given = deals.SimplePublicObjectInputForCreate(
        properties={"dealname": "A", "amount": "10"}, associations=[]
    )
    made = api.create(given)
    assert made.properties["dealname"] == "A"
    changed = api.update(made.id, deals.SimplePublicObjectInput(properties={"amount": "11"}))
    assert changed.properties["amount"] == "11"
    assert api.get_by_id(made.id, properties=["amount"]).properties["amount"] == "11"
    assert [one.id for one in client.crm.deals.get_all()] == [made.id]
    api.archive(made.id)
    with pytest.raises(deals.exceptions.NotFoundException):
        api.get_by_id(made.id)
    assert [one.id for one in api.get_page(archived=True).results] == [made.id]


def test_batches(client: Any, place: Place) -> None:
    place.unique("companies")
    api = client.crm.companies.batch_api
    inputs = [
        companies.SimplePublicObjectBatchInputForCreate(
            properties={"name": f"C{n}", "o2c_key": f"K{n}"}, associations=[], object_write_trace_id=f"t{n}"
        )
        for n in range(3)
    ]
    made = api.create(companies.BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs))
    assert [one.object_write_trace_id for one in made.results] == ["t0", "t1", "t2"]
    again = [
        companies.SimplePublicObjectBatchInputUpsert(
            id=key, id_property="o2c_key", properties={"city": "Kiel"}
        )
        for key in ("K1", "K9")
    ]
    put = api.upsert(companies.BatchInputSimplePublicObjectBatchInputUpsert(inputs=again))
    assert [one.new for one in put.results] == [False, True]
    wanted = [companies.SimplePublicObjectId(id=one.id) for one in (*made.results, *put.results)]
    asked = companies.BatchReadInputSimplePublicObjectId(
        inputs=[*wanted, companies.SimplePublicObjectId(id="1")],
        properties=["city"],
        properties_with_history=[],
    )
    read = api.read(asked)
    assert (len(read.results), read.num_errors) == (4, 1)
    changes = [
        companies.SimplePublicObjectBatchInput(id=one.id, properties={"zip": "1"}) for one in made.results
    ]
    assert len(api.update(companies.BatchInputSimplePublicObjectBatchInput(inputs=changes)).results) == 3
    api.archive(companies.BatchInputSimplePublicObjectId(inputs=wanted))
    assert client.crm.companies.basic_api.get_page().results == []


def test_search_and_merge(client: Any, place: Place) -> None:
    first, second = (place.box.create_company(name=name) for name in ("Ash", "Birch"))
    question = companies.PublicObjectSearchRequest(
        filter_groups=[{"filters": [{"propertyName": "name", "operator": "IN", "values": ["Ash", "Birch"]}]}],
        sorts=[{"propertyName": "name", "direction": "DESCENDING"}],
        limit=1,
        properties=["name"],
        after="0",
    )
    found = client.crm.companies.search_api.do_search(question)
    assert (found.total, found.results[0].id, found.paging.next.after) == (2, second, "1")
    merged = companies.PublicMergeInput(primary_object_id=first, object_id_to_merge=second)
    api = client.crm.companies.basic_api
    result = api.merge(merged)
    assert {api.get_by_id(id).id for id in (first, second)} == {result.id}


def test_a_conflict_is_the_clients_exception(client: Any) -> None:
    api = client.crm.contacts.basic_api
    given = contacts.SimplePublicObjectInputForCreate(properties={"email": "a@b.test"}, associations=[])
    made = api.create(given)
    with pytest.raises(contacts.ApiException) as refused:
        api.create(given)
    assert refused.value.status == 409
    assert f"Existing ID: {made.id}" in refused.value.body


def test_associations_of_version_4(client: Any, place: Place) -> None:
    deal, company = place.box.create_deal(dealname="A"), place.box.create_company(name="C")
    v4 = client.crm.associations.v4
    ids = {
        one.label: one.type_id
        for one in client.crm.associations.v4.schema.definitions_api.get_all("deals", "companies").results
    }
    assert ids == {"Primary": 5, None: 341}
    spec = links.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=ids["Primary"])
    made = v4.basic_api.create("deals", deal, "companies", company, [spec])
    assert (made.to_object_id, made.labels) == (company, ["Primary"])
    asked = links.BatchInputPublicFetchAssociationsBatchRequest(
        inputs=[links.PublicFetchAssociationsBatchRequest(id=deal)]
    )
    read = v4.batch_api.get_page("deals", "companies", asked)
    assert read.results[0].to[0].to_object_id == company
    assert len(v4.basic_api.get_page("deals", deal, "companies").results) == 1
    v4.basic_api.archive("deals", deal, "companies", company)
    assert v4.basic_api.get_page("deals", deal, "companies").results == []
    both = v4.basic_api.create_default("deals", deal, "companies", company)
    assert [one.association_spec.association_type_id for one in both.results] == [341, 342]


def test_properties_groups_and_pipelines(client: Any) -> None:
    api = client.crm.properties
    group = properties.PropertyGroupCreate(name="o2c", label="O2C", display_order=-1)
    assert api.groups_api.create("deals", group).name == "o2c"
    wanted = properties.PropertyCreate(
        name="o2c_key", label="Key", type="string", field_type="text", group_name="o2c", has_unique_value=True
    )
    assert api.core_api.create("deals", wanted).has_unique_value
    assert api.core_api.get_by_name("deals", "o2c_key").group_name == "o2c"
    assert "o2c_key" in [one.name for one in api.core_api.get_all("deals").results]
    api.core_api.archive("deals", "o2c_key")
    with pytest.raises(properties.exceptions.NotFoundException):
        api.core_api.get_by_name("deals", "o2c_key")
    lines = client.crm.pipelines.pipelines_api.get_all("deals").results
    won = [stage for stage in lines[0].stages if stage.metadata["probability"] == "1.0"]
    assert [stage.id for stage in won] == ["closedwon"]
    stages = client.crm.pipelines.pipeline_stages_api.get_all("deals", lines[0].id).results
    assert len(stages) == len(lines[0].stages)


def test_owners(client: Any) -> None:
    api = client.crm.owners.owners_api
    assert [one.email for one in api.get_page().results] == ["olga@sandbox.test", "saul@sandbox.test"]
    assert api.get_by_id(41_002).last_name == "Seller"
    assert [one.id for one in api.get_page(email="saul@sandbox.test").results] == ["41002"]


def test_an_app_gets_and_uses_tokens(client: Any, place: Place) -> None:
    code = place.box.authorize("https://app.test/back", ["oauth", "crm.objects.deals.read"])
    app = {"client_id": place.box.oauth.client_id, "client_secret": SECRET}
    tokens = client.oauth.tokens_api
    given = tokens.create(
        grant_type="authorization_code", code=code, redirect_uri="https://app.test/back", **app
    )
    again = tokens.create(grant_type="refresh_token", refresh_token=given.refresh_token, **app)
    assert (again.expires_in, again.refresh_token) == (1800, given.refresh_token)
    seen = client.oauth.access_tokens_api.get(again.access_token)
    assert (seen.hub_id, seen.scopes) == (place.box.portal_id, ["crm.objects.deals.read", "oauth"])
    assert client.oauth.refresh_tokens_api.get(given.refresh_token).hub_id == place.box.portal_id
    theirs = hubspot.HubSpot(access_token=again.access_token, host=place.url)
    assert theirs.crm.deals.basic_api.get_page().results == []
    with pytest.raises(companies.ApiException) as refused:
        theirs.crm.companies.basic_api.get_page()
    assert refused.value.status == 403
    client.oauth.refresh_tokens_api.archive(given.refresh_token)
    with pytest.raises(hubspot.oauth.ApiException) as gone:
        tokens.create(grant_type="refresh_token", refresh_token=given.refresh_token, **app)
    assert gone.value.status == 400


def test_associations_of_version_3_are_read_without_labels(client: Any, place: Place) -> None:
    deal = place.box.create_deal(place.box.create_company(name="C"), dealname="A")
    wanted = [associations.PublicObjectId(id=id) for id in (deal, "1")]
    asked = associations.BatchInputPublicObjectId(inputs=wanted)
    answer = client.crm.associations.batch_api.read("deals", "companies", asked)
    assert answer.results[0].to[0].type == "deal_to_company"
    assert answer.num_errors == 1


class Receiver:
    """A web server that keeps what it is sent."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], str]] = []
        outer = self

        class Keeper(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                outer.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Keeper)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks?source=hubspot"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    thread = threading.Thread(target=found.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join(5)


@pytest.mark.parametrize("version", SIGNATURES)
def test_the_clients_signature_check_accepts_our_webhooks(
    place: Place, receiver: Receiver, version: str
) -> None:
    place.clock.time = datetime.now(UTC)  # the client's check reads the real clock
    box = place.box
    box.webhooks.target, box.webhooks.signatures = receiver.url, (version,)
    box.create_deal(dealname="Blüte")
    assert [receipt.status for receipt in box.send_pending()] == [204]
    ((headers, body),) = receiver.got
    sent = headers["x-hubspot-signature-v3" if version == "v3" else "x-hubspot-signature"]
    proof = {
        "request_body": body,
        "http_uri": receiver.url,
        "signature_version": version,
        "timestamp": headers.get("x-hubspot-request-timestamp"),
    }
    assert Signature.is_valid(sent, SECRET, **proof)
    assert not Signature.is_valid(sent, "another secret", **proof)
    assert headers["x-hubspot-signature-version"] == version

"""Lists in both directions, filters, search with its lag, and reading nested forms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.stripe.fields import METADATA, TEXT, checked, group, many
from sandbox.stripe.forms import parsed
from sandbox.stripe.refusals import Refused
from tests.sandbox.stripe.place import Place


def test_a_list_is_read_forwards_and_backwards(place: Place) -> None:
    ids = [place.customer(name=str(at)) for at in range(7)]
    first = place.get("/v1/customers?limit=3")
    assert [one["id"] for one in first["data"]] == ids[:3:-1]
    assert first["has_more"] is True
    after = place.get(f"/v1/customers?limit=3&starting_after={ids[4]}")
    assert [one["id"] for one in after["data"]] == ids[3:0:-1]
    assert after["has_more"] is True
    back = place.get(f"/v1/customers?limit=2&ending_before={ids[0]}")
    assert [one["id"] for one in back["data"]] == [ids[2], ids[1]]
    assert back["has_more"] is True
    end = place.get(f"/v1/customers?limit=5&ending_before={ids[4]}")
    assert [one["id"] for one in end["data"]] == [ids[6], ids[5]]
    assert end["has_more"] is False


def test_two_directions_or_an_unknown_place_are_refused(place: Place) -> None:
    id = place.customer()
    place.call("GET", f"/v1/customers?starting_after={id}&ending_before={id}", status=400)
    told = place.call("GET", "/v1/customers?starting_after=cus_none", status=400)["error"]
    assert (told["code"], told["param"]) == ("resource_missing", "starting_after")
    place.call("GET", "/v1/customers?limit=101", status=400)


def test_a_deleted_object_leaves_the_list(place: Place) -> None:
    ids = [place.customer(name=str(at)) for at in range(3)]
    place.call("DELETE", f"/v1/customers/{ids[1]}")
    assert [one["id"] for one in place.listed("/v1/customers")] == [ids[2], ids[0]]


def test_created_filters_by_time(place: Place) -> None:
    place.customer(name="early")
    at = int(place.clock().timestamp())
    place.clock.forward(hours=1)
    place.customer(name="late")
    assert [one["name"] for one in place.get(f"/v1/customers?created[gt]={at}")["data"]] == ["late"]
    assert [one["name"] for one in place.get(f"/v1/customers?created={at}")["data"]] == ["early"]


def test_events_are_filtered_by_type_and_wildcard(place: Place) -> None:
    place.box.pay(place.invoice(900)["id"])
    asked = place.get("/v1/events?types[]=invoice.paid&types[]=charge.succeeded")["data"]
    assert {one["type"] for one in asked} == {"invoice.paid", "charge.succeeded"}
    charges = place.get("/v1/events?type=charge.*")["data"]
    assert charges
    assert all(one["type"].startswith("charge.") for one in charges)


def test_events_after_the_last_known_one_come_newest_first(place: Place) -> None:
    place.customer(name="0")
    last = place.listed("/v1/events")[0]["id"]
    for at in (1, 2, 3):
        place.customer(name=str(at))
    page = place.get(f"/v1/events?ending_before={last}&limit=2")
    assert [one["data"]["object"]["name"] for one in page["data"]] == ["2", "1"]
    assert page["has_more"] is True


def test_an_event_tells_the_request_that_caused_it(place: Place) -> None:
    made = place.http.post("/v1/customers", data={"name": "A"}, headers={"idempotency-key": "k9"})
    event = place.listed("/v1/events")[0]
    assert event["request"] == {"id": made.headers["request-id"], "idempotency_key": "k9"}
    place.box.pay_freely(900)
    assert place.listed("/v1/events")[0]["request"] == {"id": None, "idempotency_key": None}


def _found(place: Place, query: str, kind: str = "customers") -> list[Any]:
    answer = place.http.get(f"/v1/{kind}/search", params={"query": query})
    assert answer.status_code == 200, answer.text
    return [one["name"] if kind == "customers" else one["id"] for one in answer.json()["data"]]


def test_search_finds_by_metadata_and_fields(place: Place) -> None:
    place.customer(name="Bolt AG", **{"metadata[o2c_key]": "C-1"})
    place.customer(name="Nut Ltd", **{"metadata[o2c_key]": "C-2"})
    assert _found(place, 'metadata["o2c_key"]:"C-1"') == [], "the index has not heard of it yet"
    place.box.advance(60)
    assert _found(place, 'metadata["o2c_key"]:"C-1"') == ["Bolt AG"]
    assert _found(place, "name~'nut' OR name~'bolt'") == ["Nut Ltd", "Bolt AG"]
    assert _found(place, '-metadata["o2c_key"]:"C-1" AND created>1') == ["Nut Ltd"]
    assert _found(place, "phone:null AND name:'bolt ag'") == ["Bolt AG"]


def test_search_knows_a_change_only_after_its_lag(place: Place) -> None:
    id = place.customer(name="Bolt AG")
    place.box.advance(60)
    place.call("POST", f"/v1/customers/{id}", {"name": "Nut AG"})
    assert _found(place, "name:'Bolt AG'") == ["Bolt AG"]
    assert _found(place, "name:'Nut AG'") == []
    place.box.advance(60)
    assert _found(place, "name:'Nut AG'") == ["Nut AG"]


def test_search_pages_and_refuses_what_it_cannot_read(place: Place) -> None:
    for at in range(5):
        place.customer(name=f"C{at}")
    place.box.advance(60)
    first = place.http.get("/v1/customers/search", params={"query": "name~'C'", "limit": "3"}).json()
    assert (first["object"], first["has_more"], len(first["data"])) == ("search_result", True, 3)
    rest = {"query": "name~'C'", "limit": "3", "page": first["next_page"]}
    assert len(place.http.get("/v1/customers/search", params=rest).json()["data"]) == 2
    for query in ("name", "colour:'red'", "name:'a' AND name:'b' OR name:'c'", "metadata:'x'", "created>x"):
        answer = place.http.get("/v1/customers/search", params={"query": query})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "query"), query


def test_what_is_expanded_is_whole_and_what_cannot_be_is_refused(place: Place) -> None:
    place.box.pay(place.invoice(900)["id"])
    path = "/v1/charges?expand[]=data.balance_transaction&expand[]=data.payment_intent.customer"
    one = place.get(path)["data"][0]
    assert one["balance_transaction"]["object"] == "balance_transaction"
    assert one["payment_intent"]["customer"]["name"] == "Bolt AG"
    for wrong in ("data.status", "data.colour", "data.a.b.c.d"):
        told = place.call("GET", f"/v1/charges?expand[]={wrong}", status=400)
        assert told["error"]["param"] == "expand", wrong


def test_brackets_nest_lists_and_hashes() -> None:
    raw = "a[b][c]=1&l[0][x]=1&l[1][x]=2&m[0]=zero&e[]=p&e[]=q&n[][x]=1&n[][y]=2&n[][x]=3"
    spec = {
        "a": group(b=group(c=TEXT)),
        "l": many(group(x=TEXT)),
        "m": METADATA,
        "e": many(TEXT),
        "n": many(group(x=TEXT, y=TEXT)),
    }
    assert checked(parsed(raw), spec) == {
        "a": {"b": {"c": "1"}},
        "l": [{"x": "1"}, {"x": "2"}],
        "m": {"0": "zero"},
        "e": ["p", "q"],
        "n": [{"x": "1", "y": "2"}, {"x": "3"}],
    }


@pytest.mark.parametrize(
    "raw", ["a[=1", "[a]=1", "a[b]=1&a=2", "a=1&a[b]=2", "a" + "[b]" * 9 + "=1", "&".join(["a=1"] * 5001)]
)
def test_forms_that_make_no_sense_are_refused(raw: str) -> None:
    with pytest.raises(Refused) as refused:
        parsed(raw)
    assert refused.value.status == 400
    assert not refused.value.kept


@given(st.text(max_size=200))
def test_any_form_is_read_or_refused(raw: str) -> None:
    status = 200
    try:
        found = parsed(raw)
    except Refused as refused:
        found, status = {}, refused.status
    assert isinstance(found, dict)
    assert status in (200, 400)

"""The retailer on a real port: its inbox, its answers and their troubles, its books, its control routes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.kit import serve
from sandbox.partner import Apart, How, Mischief
from sandbox.partner.x12 import NotX12, Segment, parse
from tests.sandbox.partner.supplier import (
    CONFIRMATION,
    CREDIT,
    INVOICE,
    NOTICE,
    Supplier,
    edited,
    items,
    labelled,
)

D = Decimal
EDI = {"authorization": "Bearer partner-key", "content-type": "application/edi-x12"}


@dataclass
class Door:
    """A hub's upload door that keeps what comes."""

    status: int = 202
    bodies: list[bytes] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        self.keys.append(request.headers.get("authorization", ""))
        return JSONResponse({"status": "new"}, status_code=self.status)

    def segments(self, id: str) -> list[str]:
        """All segments of an id in all that came, as text."""
        read = [it for body in self.bodies for it in parse(body)]
        inside: list[Segment] = [s for one in read for g in one.groups for it in g.sets for s in it.segments]
        inside += [s for one in read for s in one.technical]
        return ["*".join((one.id, *one.elements)) for one in inside if one.id == id]


@pytest.fixture
def door() -> Iterator[Door]:
    made = Door()
    with serve(Starlette(routes=[Route("/files/edi", made.take, methods=["POST"])])) as url:
        made.url = f"{url}/files/edi"  # type: ignore[attr-defined]
        yield made


@pytest.fixture
def one(door: Door) -> Supplier:
    made = Supplier()
    made.partner.connect(door.url, "upload-key")  # type: ignore[attr-defined]
    return made


@pytest.fixture
def http(one: Supplier) -> Iterator[httpx.Client]:
    with serve(one.partner.app) as url, httpx.Client(base_url=url, timeout=10) as client:
        yield client


def test_an_order_is_posted_with_the_upload_key(one: Supplier, door: Door) -> None:
    sent = one.partner.send_order(one.order)
    assert (sent.status, door.keys, door.bodies) == (202, ["Bearer upload-key"], [sent.body])
    assert door.segments("BEG") == ["BEG*00*SA*0045-1**20260302**AC"]


def test_a_file_in_the_inbox_is_answered_by_itself(one: Supplier, door: Door, http: httpx.Client) -> None:
    body = one.file("855", CONFIRMATION)
    reply = http.post("/inbox", content=body, headers=EDI)
    assert (reply.status_code, reply.json()) == (200, {"received": ["000000001"]})
    _until(lambda: door.bodies)
    assert door.segments("AK1") == ["AK1*PR*1"]
    assert door.segments("AK9") == ["AK9*A*1*1*1"]
    assert http.get("/_sandbox/received/000000001").content.rstrip() == body.rstrip()
    (listed,) = http.get("/_sandbox/received").json()
    assert listed["sets"] == [{"set": "855", "number": "0001", "status": "A", "about": "0045-1"}]


def _until(happened: object) -> None:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if happened():  # type: ignore[operator]
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen in 5 seconds")


def test_the_inbox_wants_its_key_and_x12(one: Supplier, http: httpx.Client) -> None:
    body = one.file("855", CONFIRMATION)
    assert http.post("/inbox", content=body, headers={**EDI, "authorization": "Bearer no"}).status_code == 401
    assert http.post("/inbox", content=body, headers={**EDI, "content-type": "text/xml"}).status_code == 415
    assert http.post("/inbox", content=b"<xml/>", headers=EDI).status_code == 400
    assert one.rules() == {"file-unreadable"}
    assert http.get("/_sandbox/effects").json()["effects"] == []


def test_faults_of_the_kit_hold_for_the_inbox(one: Supplier, http: httpx.Client) -> None:
    http.post("/_sandbox/faults", json={"kind": "fail_after", "path": "/inbox", "status": 503})
    body = one.file("855", CONFIRMATION)
    assert http.post("/inbox", content=body, headers=EDI).status_code == 503
    assert http.post("/inbox", content=body, headers=EDI).status_code == 200
    assert [one.repeats for one in one.partner.world.received] == [1]
    created = [it for it in http.get("/_sandbox/effects").json()["effects"] if it["action"] == "create"]
    assert [(it["id"], it["sets"]) for it in created] == [("000000001", ["855"])]
    assert not one.rules()


def test_the_same_bytes_again_are_a_repeat_and_get_the_same_answer(one: Supplier, door: Door) -> None:
    body = one.file("855", CONFIRMATION)
    for _ in range(2):
        one.partner.take(body)
        one.partner.send_due()
    assert len(door.bodies) == 2
    assert door.bodies[0] == door.bodies[1]
    assert not one.rules()


def test_the_same_number_with_other_content_is_refused_by_ta1(one: Supplier, door: Door) -> None:
    one.confirm()
    one.number = 0
    one.ship()
    one.partner.send_due()
    assert [it.split("*")[4:] for it in door.segments("TA1")] == [["R", "025"]]
    assert one.partner.told("0045-1")["shipments"] == []


def test_a_rejection_names_segment_and_element(one: Supplier, door: Door) -> None:
    wrong = edited(
        edited(CONFIRMATION, "PO1*1*10*", "PO1*1*ten*"),
        "BAK*00*AC*0045-1*20260302",
        "BAK*00*AC*0045-1*20261301",
    )
    one.send("855", wrong, CONFIRMATION)
    one.partner.send_due()
    assert door.segments("AK3") == ["AK3*BAK*2**8", "AK3*PO1*4**8"]
    assert door.segments("AK4") == ["AK4*4*373*8*20261301", "AK4*2*330*6*ten"]
    assert door.segments("AK5") == ["AK5*R*5", "AK5*A"]
    assert door.segments("AK9") == ["AK9*P*2*2*1"]
    assert one.partner.told("0045-1")["acknowledged"] == ["all"]


def test_a_set_that_is_rejected_on_purpose_is_not_in_the_books_and_may_come_again(
    one: Supplier, door: Door
) -> None:
    one.confirm()
    one.ship()
    one.partner.trouble("reject", set_id="810")
    one.invoice()
    one.partner.send_due()
    assert door.segments("AK5")[-1] == "AK5*R*5"
    assert one.partner.told("0045-1")["invoices"] == []
    one.invoice()
    assert one.partner.told("0045-1")["invoiced"] == "176"
    assert not one.rules()


@pytest.mark.parametrize(("kind", "status"), [("errors", "E"), ("reject", "R")])
def test_an_answer_can_be_told_to_object(one: Supplier, door: Door, kind: str, status: str) -> None:
    one.partner.trouble(kind)
    one.confirm()
    one.partner.send_due()
    assert door.segments("AK9")[0].split("*")[1] == status
    assert len(door.segments("AK4")) == 1


def test_an_answer_can_be_late_or_not_come_at_all(one: Supplier, door: Door) -> None:
    one.partner.trouble("silent", set_id="855")
    one.partner.trouble("late", set_id="856", hours=30)
    one.confirm()
    one.ship()
    one.partner.send_due()
    assert door.bodies == []
    one.clock.advance(30)
    one.partner.send_due()
    assert door.segments("AK1") == ["AK1*SH*2"]


def test_an_answer_can_come_twice_or_be_about_a_stranger_or_refuse_all(one: Supplier, door: Door) -> None:
    one.partner.trouble("twice")
    one.confirm()
    one.partner.trouble("stranger")
    one.ship()
    one.partner.trouble("technical")
    one.invoice()
    one.partner.send_due()
    assert door.segments("AK1") == ["AK1*PR*1", "AK1*PR*1", "AK1*SH*100002"]
    assert [it.split("*")[1] for it in door.segments("TA1")] == ["000000003"]
    numbers = [it.number for body in door.bodies for it in parse(body)]
    assert len(set(numbers)) == len(numbers) == 4
    one.invoice()
    assert not one.rules(), "what was refused is sent again, and no number is missing"


def test_a_hub_that_is_down_gets_it_later(one: Supplier, door: Door) -> None:
    door.status = 503
    assert one.partner.send_order(one.order).status == 503
    door.status = 202
    assert [sent.status for sent in one.partner.send_due()] == [202]
    assert one.partner.send_due() == []


def test_the_same_number_can_be_sent_with_the_same_or_other_content(one: Supplier, door: Door) -> None:
    first = one.partner.send_order(one.order)
    one.partner.again(first)
    other = one.partner.say("Something else", ["in it"], How(number=first.number))
    last = one.partner.send_order(one.order, how=How(number=first.number + 9))
    late = one.partner.send_order(one.order, how=How(number=first.number + 5))
    numbers = [it.number for body in door.bodies for it in parse(body)]
    assert numbers == ["000000001", "000000001", "000000001", "000000010", "000000006"]
    assert door.bodies[0] == door.bodies[1] != door.bodies[2]
    groups = [group.number for sent in (first, other, last, late) for group in sent.groups]
    assert groups == ["1", "2", "3", "4"]
    assert one.partner.say("Next", ["x"]).control == "000000011"


def test_several_orders_and_groups_go_in_one_file(one: Supplier, door: Door) -> None:
    from sandbox.partner import buying

    more = [one.partner.order(items(), f"0045-{n}") for n in (2, 3)]
    docs = [buying.purchase_order(it) for it in (one.order, *more)]
    sent = one.partner.send([docs[:2], docs[2:]])
    assert [[it.about for it in group.sets] for group in sent.groups] == [["0045-1", "0045-2"], ["0045-3"]]
    assert [group.number for group in sent.groups] == ["1", "2"]


def test_an_order_is_told_from_its_850_to_its_payment(one: Supplier, door: Door, http: httpx.Client) -> None:
    one.partner.send_order(one.order)
    one.everything()
    paid = one.partner.remit(
        [one.partner.pays("INV-1", withheld=D("12.50"), reason="04", discount=D("3.52"))]
    )
    assert (paid.amount, paid.trace) == (D("159.98"), "HARB2026030300001")
    assert paid.trace in paid.sent.body.decode()  # type: ignore[union-attr]
    assert door.segments("BPR")[0].startswith("BPR*I*159.98*C*ACH*CTX*")
    assert door.segments("RMR") == ["RMR*IV*INV-1**159.98*176*3.52"]
    assert door.segments("ADX") == ["ADX*-12.5*04*CM*CL-000001"]
    told = http.get("/_sandbox/orders/0045-1").json()
    assert [told[name] for name in ("ordered", "invoiced", "paid", "withheld", "open")] == [
        "176", "176", "159.98", "12.5", "0",
    ]  # fmt: skip
    assert [(it["direction"], it["set"]) for it in told["history"]] == [
        ("out", "850"), ("in", "855"), ("in", "856"), ("in", "810"),
    ]  # fmt: skip
    assert told["chargebacks"] == []
    assert http.get("/_sandbox/orders/45-1").status_code == 404


def test_all_that_is_open_is_paid_less_credit(one: Supplier) -> None:
    one.everything()
    one.send("810", CREDIT)
    paid = one.partner.remit(apart=[Apart(D("6.50"), "56")])
    assert paid.amount == D("160.00")
    assert one.partner.told("0045-1")["open"] == "0"
    assert one.partner.remit().amount == 0
    with pytest.raises(KeyError, match="INV-9"):
        one.partner.pays("INV-9")


def test_advice_without_money_leaves_the_invoice_open(one: Supplier, door: Door) -> None:
    one.everything()
    one.partner.remit(handling="H")
    assert one.partner.told("0045-1")["open"] == "176"
    assert door.segments("BPR")[0].startswith("BPR*H*176*C*")


def test_an_820_can_fail_to_foot(one: Supplier, door: Door) -> None:
    one.everything()
    assert one.partner.remit(amount=D("100.00")).amount == D("100.00")
    assert door.segments("RMR") == ["RMR*IV*INV-1**176*176"]


def test_an_invoice_that_does_not_add_up_is_not_booked(one: Supplier) -> None:
    one.confirm()
    one.ship()
    one.send("810", edited(INVOICE, "TDS*17600*", "TDS*17601*"))
    assert one.partner.told("0045-1")["invoices"] == []


def test_a_document_that_is_not_booked_can_be_objected_to_by_824(door: Door) -> None:
    made = Supplier(objects=True)
    made.partner.connect(door.url, "upload-key")  # type: ignore[attr-defined]
    made.confirm()
    made.ship()
    made.send("810", edited(INVOICE, "TDS*17600*", "TDS*17601*"))
    made.partner.send_due()
    assert door.segments("OTI") == ["OTI*TR*IV*INV-1*****3*0001*810"]
    assert door.segments("TED")[0].startswith("TED*ZZZ*TDS01 says 176.01")
    assert [one.split("*")[1] for one in door.segments("AK5")] == ["A", "A", "A"]


def test_terms_of_payment_may_be_told_as_days_or_as_dates() -> None:
    def rules(itd: str) -> set[str]:
        made = Supplier()
        made.confirm()
        made.ship()
        made.send("810", edited(INVOICE, "ITD*08*3*2**10**30*352", itd))
        return made.rules()

    assert rules("ITD*08*3*2*20260313**20260402**352") == set()
    assert rules("ITD*08*3*2*20260314**20260402**352") == {"terms"}
    assert rules("ITD*08*3*2**10*20260403**352") == {"terms"}


def test_an_order_that_wants_no_acknowledgment_may_be_shipped_without() -> None:
    made = Supplier()
    made.order.response = ""
    made.ship()
    assert not made.rules()


def test_stores_of_an_order_are_served_one_by_one() -> None:
    from dataclasses import replace

    from sandbox.partner import Item

    made = Supplier(labels=False, carrier=False)
    made.order = made.partner.order(
        [replace(items()[0], stores={"0017": D(4), "0018": D(6)})], "SDQ-1", made.order.on, ship_to="DC"
    )
    assert isinstance(made.order.lines[0].item, Item)

    def to(store: str, quantity: int) -> list[str]:
        head = ["BSN*00*SH-" + store + f"{quantity}*20260303*1200*0004", "DTM*011*20260303"]
        tree = ["HL*1**S*1", f"N1*ST**92*{store}", "HL*2*1*O*1", "PRF*SDQ-1***20260302", "HL*3*2*I*0"]
        item = ["LIN*1*UP*012345678905*VN*SKU-1", f"SN1**{quantity}*EA"]
        return [*head, *tree, *item, "CTT*3"]

    for store, quantity in (("0017", 4), ("0018", 6)):
        told = edited(CONFIRMATION[:1], "0045-1", "SDQ-1")
        line = [f"PO1*1*{quantity}*EA*9.5**UP*012345678905*VN*SKU-1", f"ACK*IA*{quantity}*EA", "CTT*1"]
        made.send("855", [*told, f"N1*ST**92*{store}", *line])
        made.send("856", to(store, quantity))
    assert not made.rules()
    made.send("856", to("0017", 1))
    assert made.rules() == {"shipped-over"}
    made.send("856", to("0099", 1))
    assert "ship-to" in made.rules()


def test_a_release_is_another_order_than_its_blanket(one: Supplier) -> None:
    one.partner.order(items(), "B-1", one.order.on, type="BK")
    one.partner.order(items(), "B-1", one.order.on, release="3", type="RL", ship_to="0017")
    one.send("855", edited(edited(CONFIRMATION, "0045-1", "B-1"), "*20260302****SO-9", "*20260302*3***SO-9"))
    assert not one.rules()
    assert one.partner.told("B-1")["acknowledged"] == []
    assert one.partner.told("B-1", "3")["acknowledged"] == ["all"]


def test_people_act_by_the_control_routes(one: Supplier, door: Door, http: httpx.Client) -> None:
    line = {"quantity": "5", "price": "2.50", "ids": [["VN", "SKU-1"]], "schedules": [["5", "2026-04-01"]]}
    order = {"items": [line], "number": "WEB-1", "ship_to": "0017", "how": {"mischief": {"set_count": 1}}}
    assert http.post("/_sandbox/orders", json=order).json()["sent"]["status"] == 202
    alter = {"line": "1", "code": "QD", "quantity": "4"}
    assert http.post("/_sandbox/orders/WEB-1/changes", json={"alters": [alter]}).status_code == 200
    assert http.post("/_sandbox/say", json={"subject": "Hello", "lines": ["world"]}).status_code == 200
    objected = {"set_id": "810", "reference": "INV-1", "words": ["wrong price"]}
    assert http.post("/_sandbox/object", json=objected).status_code == 200
    assert http.post("/_sandbox/troubles", json={"kind": "silent"}).json()[0]["kind"] == "silent"
    one.everything()
    paid = http.post(
        "/_sandbox/remit", json={"items": [{"invoice": "INV-1", "withheld": "6", "reason": "01"}]}
    )
    assert paid.json()["amount"] == "170.00"
    assert [it.id for body in door.bodies for x in parse(body) for g in x.groups for it in g.sets] == [
        "850", "860", "864", "824", "820",
    ]  # fmt: skip
    assert {"number": "WEB-1", "release": ""} in http.get("/_sandbox/orders").json()
    assert len(http.get("/_sandbox/sent").json()) == 5
    assert http.get("/_sandbox/chargebacks").json() == []


def test_wrong_requests_to_the_control_routes_say_what_is_wrong(http: httpx.Client) -> None:
    assert "items" in http.post("/_sandbox/orders", json={"items": []}).json()["error"]
    assert http.post("/_sandbox/remit", json={"items": [{"invoice": "X"}]}).status_code == 404
    assert http.post("/_sandbox/troubles", json={"kind": "strange"}).status_code == 400


def test_chargebacks_are_told_in_words_with_where_and_what_is_demanded(
    one: Supplier, http: httpx.Client
) -> None:
    one.confirm()
    one.send("856", labelled(edited(NOTICE, "SN1**4*CA", "SN1**4*EA")))
    (told,) = http.get("/_sandbox/chargebacks").json()
    assert told["words"] == "line 2: unit EA, ordered CA"
    assert told["demand"] == "the unit of measure is the one that was ordered"
    where = [told[name] for name in ("set_id", "document", "order", "interchange")]
    assert where == ["856", "SH-1", "0045-1", "000000002"]


def test_every_answer_that_a_supplier_gives_is_kept_with_what_we_sent(one: Supplier) -> None:
    other = one.partner.order(items(), "0045-2")
    sent = one.partner.send_order(one.order, other, how=How(mischief=Mischief(unknown_segment=True)))
    one.send(
        "997", ("AK1*PO*1", "AK2*850*0001", "AK3*ZZZ*3**1", "AK5*R*5", "AK2*850*0002", "AK5*A", "AK9*P*2*2*1")
    )
    assert not one.rules()
    assert sent.results == {("1", "0001"): "R", ("1", "0002"): "A"}
    assert sent.statuses == {"1": "P"}


@pytest.mark.parametrize("cut", [0, 50, 105, 106, 107, 200, 380])
def test_a_file_cut_anywhere_is_told_and_never_booked(cut: int) -> None:
    made = Supplier()
    body = made.file("855", CONFIRMATION)[:cut]
    try:
        made.partner.take(body)
    except NotX12:
        assert cut < 106
    assert made.rules()
    assert made.partner.told("0045-1")["acknowledged"] == []

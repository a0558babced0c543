"""Purchase orders become orders exactly as they were sent, or are refused in words."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.edi.footing import PRICED_FOR
from tests.connectors.edi.arriving import bought, changes, of_kind, purchase, refusal

LINE = "PO1*1*10*EA*9.5**VN*SKU-1"
END = "CTT*1"


def price(*lines: str) -> Decimal:
    found = purchase(*lines)["lines"][0]["unit_price"]
    assert isinstance(found, Decimal)
    return found


# numbers, prices and allowances


def test_trap_01_an_allowance_without_a_point_is_in_cents() -> None:
    found = purchase(LINE, "SAC*A*C310***150*******02", END)["lines"][0]
    assert found["allowances"][0]["amount"] == Decimal("1.50")
    assert found["unit_price"] == Decimal("9.35")  # 95.00 - 1.50 over ten


@pytest.mark.parametrize(("basis", "divisor"), PRICED_FOR.items())
def test_trap_02_a_price_for_many_is_divided_exactly(basis: str, divisor: int) -> None:
    found = purchase(f"PO1*1*250*EA*12*{basis}*VN*SKU-1", END)["lines"][0]
    assert found["unit_price"] * divisor == 12
    assert (found["told_price"], found["basis"]) == (Decimal(12), basis)


def test_trap_02_a_price_without_an_end_is_refused() -> None:
    assert "10 for 12 has no exact price" in refusal("PO1*1*24*EA*10*PD*VN*SKU-1", END)


def test_a_price_basis_that_is_not_known_is_asked_about_and_can_be_agreed() -> None:
    line = "PO1*1*250*EA*12*XQ*VN*SKU-1"
    assert "price_bases" in refusal(line, END)
    (found,) = of_kind("order", bought(line, END), price_bases={"XQ": 10})
    assert found.record is not None
    assert found.record["lines"][0]["unit_price"] == Decimal("1.2")


def test_a_price_per_pound_of_cases_is_refused() -> None:
    assert "for a pound" in refusal("PO1*1*10*CA*2.5*PP*VN*SKU-1", END)
    assert price("PO1*1*10*LB*2.5*PP*VN*SKU-1", END) == Decimal("2.5")


def test_no_charge_is_a_price_of_nothing() -> None:
    assert price("PO1*1*10*EA*9.5*NC*VN*SKU-1", END) == 0


def test_a_price_is_never_a_binary_fraction() -> None:
    assert price("PO1*1*3*EA*0.1**VN*SKU-1", END) == Decimal("0.1")
    assert format(price("PO1*1*3*EA*100**VN*SKU-1", END), "f") == "100"


def test_the_retail_price_is_not_the_order_price() -> None:
    bare = "PO1*1*10*EA***VN*SKU-1"
    assert "no price is told" in refusal(bare, "CTP*RS*RES*19.99", END)
    assert price(bare, "CTP*RS*RES*19.99", "CTP**UCP*7.25", END) == Decimal("7.25")
    found = purchase(LINE, "CTP*RS*RES*19.99", END)["lines"][0]
    assert found["unit_price"] == Decimal("9.5")
    assert found["prices"] == [{"type": "RES", "price": Decimal("19.99")}]


def test_a_multiplied_price_is_refused() -> None:
    assert "multiplier" in refusal("PO1*1*10*EA***VN*SKU-1", "CTP**UCP*7.25***DIS*.9", END)


@pytest.mark.parametrize(
    ("segment", "unit_price"),
    [
        ("SAC*A*C310****3*10*****02", "8.55"),  # ten per cent off
        ("SAC*C*D240****3*10*****06", "10.45"),
        ("SAC*A*C310***150*3*10*****02", "9.35"),  # the amount wins over the percentage
        ("SAC*A*C310******0.25*EA*10**02", "9.25"),  # a rate for each
        ("SAC*A*C310***150*******04", "9.5"),  # credited elsewhere
        ("SAC*A*C310***150*******01", "9.5"),
        ("SAC*N*C310***150", "9.5"),
    ],
)
def test_allowances_and_charges_of_a_line_change_its_price(segment: str, unit_price: str) -> None:
    assert price(LINE, segment, END) == Decimal(unit_price)


@pytest.mark.parametrize(
    ("segments", "words"),
    [
        (["SAC*A*C310***-150*******02"], "below zero"),
        (["SAC*A*C310***100*******02"], "no exact share"),
        (["SAC*A*C310**********02"], "names no amount"),
        (["SAC*A*C310******0.25*CA*1**02"], "a rate for CA"),
        (["SAC*A*C310****3*10*****02", "SAC*A*F800****3*2*****02"], "several percentages"),
    ],
)
def test_allowances_that_have_no_exact_price_are_refused(segments: list[str], words: str) -> None:
    assert words in refusal("PO1*1*3*EA*9.5**VN*SKU-1", *segments, END)


def test_a_percentage_on_the_whole_order_is_in_every_price() -> None:
    head = ("BEG*00*SA*PO-1**20261122", "SAC*A*C310****3*10*****02")
    found = purchase(LINE, "PO1*2*1*EA*20**VN*B", "CTT*2", head=head)
    assert [line["unit_price"] for line in found["lines"]] == [Decimal("8.55"), Decimal(18)]
    assert found["allowances"][0]["percent"] == 10


@pytest.mark.parametrize("segment", ["SAC*C*D240***2500*******06", "SAC*A*C310******2*EA*10**02"])
def test_an_amount_on_the_whole_order_is_refused_with_the_way_out(segment: str) -> None:
    said = refusal(LINE, END, head=("BEG*00*SA*PO-1**20261122", segment))
    assert "on the whole order" in said
    assert "put it on lines" in said


# items


def test_trap_04_lines_without_or_with_repeated_numbers_have_ids_of_their_own() -> None:
    found = purchase(
        "PO1**1*EA*1**VN*A", "PO1*7*1*EA*1**VN*B", "PO1*7*1*EA*1**VN*C", "PO1*1*1*EA*1**VN*D", "CTT*4"
    )["lines"]  # fmt: skip
    assert [line["line_number"] for line in found] == ["", "7", "7", "1"]
    ids = [line["line_id"] for line in found]
    assert ids == ["1.2", "2", "3", "1"]
    assert len(set(ids)) == 4


def test_trap_05_unknown_qualifiers_are_kept_as_they_were_sent() -> None:
    head = ("BEG*00*SA*PO-1**20261122", "REF*9X7*WHATEVER", "REF*DP*017*SHOES", "DTM*9Q9*20261224")
    found = purchase("N1*Q7Z*SOMEBODY*ZZ*1234", "PO1*1*1*EA*1**VN*A*QQ*0001*QQ*0002", END, head=head)
    assert found["references"][0] == {"qualifier": "9X7", "value": "WHATEVER", "text": ""}
    assert found["references"][1]["text"] == "SHOES"
    assert found["dates"] == [{"qualifier": "9Q9", "date": "2026-12-24"}]
    assert found["parties"][0]["role"] == "Q7Z"
    assert [pair["id"] for pair in found["lines"][0]["ids"]] == ["A", "0001", "0002"]


def test_our_item_is_that_of_the_most_trusted_qualifier() -> None:
    line = "PO1*1*1*EA*1**IN*THEIRS*UP*012345678905*VP*OURS"
    assert purchase(line, END)["lines"][0]["sku"] == "OURS"
    (found,) = of_kind("order", bought(line, END), sku_qualifiers=["IN"])
    assert found.record is not None
    assert found.record["lines"][0]["sku"] == "THEIRS"


def test_a_gtin_has_the_right_check_digit_or_is_left_out() -> None:
    assert purchase("PO1*1*1*EA*1**VN*A*UP*012345678905", END)["lines"][0]["gtin"] == "012345678905"
    assert purchase("PO1*1*1*EA*1**VN*A*UP*012345678904", END)["lines"][0]["gtin"] == ""


def test_an_item_that_is_not_ours_has_no_number_and_waits_for_a_person() -> None:
    assert purchase("PO1*1*1*EA*1**CB*X", END)["lines"][0]["sku"] == ""


def test_parts_of_a_pack_are_told_and_not_ordered_beside_it() -> None:
    parts = ("SLN*1**I*2*EA*1.50***VN*A", "SLN*2**I*4*EA*.25***VN*B")
    found = purchase(LINE, *parts, END)["lines"]
    assert len(found) == 1
    assert found[0]["unit_price"] == Decimal("9.5")
    assert [part["quantity"] for part in found[0]["sublines"]] == [2, 4]
    assert price("PO1*1*10*EA***VN*SKU-1", *parts, END) == 4  # 2 at 1.50 and 4 at .25


@pytest.mark.parametrize("relation", ["A", "D", "S"])
def test_a_subline_that_adds_or_replaces_is_refused(relation: str) -> None:
    assert "more than a part" in refusal(LINE, f"SLN*1**{relation}*2*EA*1.50***VN*A", END)


def test_units_are_those_of_trade_and_an_unknown_one_is_left_to_the_table() -> None:
    assert purchase("PO1*1*1*CA*1**VN*A", END)["lines"][0]["unit_code"] == "XCS"
    assert purchase("PO1*1*1*QQ*1**VN*A", END)["lines"][0]["unit_code"] == ""


# days and places


def test_trap_03_one_delivery_day_is_that_of_the_line() -> None:
    line = purchase(LINE, "SCH*10*EA***002*20261220", END)["lines"][0]
    assert (line["quantity"], line["requested_on"]) == (10, "2026-12-20")


def test_trap_03_several_delivery_days_split_a_line() -> None:
    lines = purchase(LINE, "SCH*4*EA***002*20261220", "SCH*6*EA***002*20270110", END)["lines"]
    assert [(x["line_id"], x["quantity"], x["requested_on"]) for x in lines] == [
        ("1-1", 4, "2026-12-20"), ("1-2", 6, "2027-01-10"),
    ]  # fmt: skip
    assert {(x["line_number"], x["ordered"]) for x in lines} == {("1", Decimal(10))}


def test_trap_03_schedules_and_stores_must_add_up() -> None:
    assert "SCH add up to 9, the line is over 10" in refusal(LINE, "SCH*9*EA***002*20261220", END)
    assert "SDQ add up to 9, the line is over 10" in refusal(LINE, "SDQ*EA*92*0017*4*0018*5", END)
    assert "SDQ counts in CA" in refusal(LINE, "SDQ*CA*92*0017*10", END)


def test_trap_03_the_quantity_may_stand_in_schedules_alone() -> None:
    line = purchase("PO1*1***9.5**VN*A", "SCH*4*EA***002*20261220", "SCH*6*EA***002*20261220", END)
    assert [(x["quantity"], x["unit"]) for x in line["lines"]] == [(10, "EA")]
    assert "no quantity is told" in refusal("PO1*1***9.5**VN*A", END)


def test_trap_03_stores_get_an_order_each() -> None:
    lines = (
        "PO1*1*10*EA*9.5**VN*A", "SDQ*EA*92*0017*4*0018*6", "PO1*2*5*EA*2**VN*B", "SDQ*EA*92*0018*5", "CTT*2",
    )  # fmt: skip
    head = ("BEG*00*SA*PO-1**20261122",)
    found = of_kind("order", bought("N1*ST**92*0018", "N3*1 MAIN ST", "N4*DOVER*DE*19901", *lines, head=head))
    records = [one.record or {} for one in found]
    assert [one.external_id for one in found] == ["PO-1@0017", "PO-1@0018"]
    assert [[(x["line_id"], x["quantity"]) for x in one["lines"]] for one in records] == [
        [("1", 4)], [("1", 6), ("2", 5)],
    ]  # fmt: skip
    assert [(one["ship_to"]["code"], one["ship_to"]["city"]) for one in records] == [
        ("0017", ""),
        ("0018", "DOVER"),
    ]
    assert sum(x["quantity"] for one in records for x in one["lines"]) == 15


def test_trap_03_a_line_without_stores_among_lines_that_have_them_is_refused() -> None:
    said = refusal(LINE, "SDQ*EA*92*0017*10", "PO1*2*5*EA*2**VN*B", "CTT*2")
    assert "who gets it is not told" in said


def test_a_total_of_stores_is_checked_over_all_of_them() -> None:
    lines = (LINE, "SDQ*EA*92*0017*4*0018*6", END)
    assert "comes to 96, its lines come to 95" in refusal(*lines, "AMT*TT*96")
    found = of_kind("order", bought(*lines, "AMT*TT*95"))
    assert [(one.record or {})["total"] for one in found] == [None, None]


def test_one_place_is_the_place_and_several_are_refused() -> None:
    one = ("N1*ST*STORE 17*92*0017", "N3*1 MAIN ST*DOCK 4", "N4*SPRINGFIELD*IL*62701")
    found = purchase(*one, LINE, END)["ship_to"]
    assert (found["street"], found["additional_street"], found["country"]) == ("1 MAIN ST", "DOCK 4", "US")
    assert "several places (0017, 0018)" in refusal(*one, "N1*ST**92*0018", LINE, END)
    assert "several places" in refusal(*one, LINE, "N1*ST**92*0019", END)
    assert purchase(LINE, "N1*ST**92*0019", END)["ship_to"]["code"] == "0019"


def test_codes_keep_their_leading_zeros() -> None:
    (found,) = of_kind("order", bought(LINE, END, head=("BEG*00*SA*000123**20261122",)))
    assert found.external_id == "000123"


def test_days_of_shipping_are_no_days_of_delivery() -> None:
    head = ("BEG*00*SA*PO-1**20261122", "DTM*010*20261214", "DTM*001*20270101")
    found = purchase(LINE, END, head=head)
    assert found["requested_on"] == ""
    assert found["days"] == {"ship_on": "2026-12-14", "cancel_after": "2027-01-01"}
    assert purchase(LINE, END, head=(*head, "DTM*002*20261220"))["requested_on"] == "2026-12-20"


def test_trap_18_dates_of_six_digits_are_read_before_004010() -> None:
    head = ("BEG*00*SA*PO-1**981122", "DTM*002*991220")
    found = purchase(LINE, END, head=head, version="003040")
    assert (found["date"], found["requested_on"]) == ("1998-11-22", "1999-12-20")


# what kind of order it is


@pytest.mark.parametrize("purpose", ["00", "05", "07"])
def test_the_same_order_told_again_is_the_same_order(purpose: str) -> None:
    (found,) = of_kind("order", bought(LINE, END, head=(f"BEG*{purpose}*SA*PO-1**20261122",)))
    assert found.external_id == "PO-1"
    assert (found.record or {})["purpose"] == purpose


def test_an_order_that_is_taken_back_is_a_change() -> None:
    body = bought(LINE, END, head=("BEG*01*SA*PO-1*7*20261122",))
    assert of_kind("order", body) == []
    (found,) = of_kind("order_change", body)
    assert found.record is not None
    assert (found.external_id, found.record["action"]) == ("PO-1/7#2026-11-22.0001", "cancel")
    assert (found.record["order_key"], found.record["lines"]) == ("PO-1/7", [])


@pytest.mark.parametrize("head", ["BEG*22*SA*PO-1**20261122", "BEG*00*IN*PO-1**20261122"])
def test_a_copy_for_information_orders_nothing(head: str) -> None:
    body = bought(LINE, END, head=(head,))
    assert of_kind("order", body) == []
    (found,) = of_kind("message", body)
    assert (found.record or {})["topic"] == "Copy for information of order PO-1"


def test_a_blanket_order_orders_nothing_and_its_releases_do() -> None:
    body = bought(LINE, END, head=("BEG*00*BK*PO-1**20261122",))
    assert [one.kind for one in changes(body)] == ["interchange", "message", "acknowledgment"]
    (found,) = of_kind("order", bought(LINE, END, head=("BEG*00*RL*PO-1*0007*20261122",)))
    assert (found.external_id, (found.record or {})["release"]) == ("PO-1/0007", "0007")


def test_a_release_without_its_number_is_refused() -> None:
    assert "BEG04" in refusal(LINE, END, head=("BEG*00*RL*PO-1**20261122",))


@pytest.mark.parametrize(
    ("purpose", "words"), [("04", "860"), ("06", "is here already"), ("18", "not known")]
)
def test_other_purposes_are_put_before_a_person(purpose: str, words: str) -> None:
    assert words in refusal(LINE, END, head=(f"BEG*{purpose}*SA*PO-1**20261122",))


def test_an_unknown_type_is_asked_about_and_can_be_agreed() -> None:
    head = ("BEG*00*ZQ*PO-1**20261122",)
    assert "order_types" in refusal(LINE, END, head=head)
    (found,) = of_kind("order", bought(LINE, END, head=head), order_types=["ZQ"])
    assert found.problem is None


@pytest.mark.parametrize(
    ("response", "asked", "wanted"),
    [
        ("always", "", True),
        ("asked", "", False),
        ("asked", "AC", True),
        ("asked", "NA", False),
        ("never", "AC", False),
    ],
)
def test_an_answer_is_wanted_by_the_order_or_by_the_profile(response: str, asked: str, wanted: bool) -> None:
    body = bought(LINE, END, head=(f"BEG*00*SA*PO-1**20261122*CONTRACT*{asked}".rstrip("*"),))
    (found,) = of_kind("order", body, response=response)
    assert (found.record or {})["response_wanted"] is wanted


# terms, currency, notes


@pytest.mark.parametrize(
    ("segments", "code"),
    [
        (["ITD*01*3*****30"], "NET 30"),
        (["ITD*01*3*2**10**30"], "2/10 NET 30"),
        (["ITD*01*3*2.50**10**030"], "2.5/10 NET 30"),
        (["ITD*14***********AS AGREED"], "AS AGREED"),
        (["ITD*14"], ""),
        (["ITD*01*3*****30", "ITD*01*3*****60"], "NET 30; NET 60"),
    ],
)
def test_terms_are_told_by_one_code(segments: list[str], code: str) -> None:
    found = purchase(LINE, END, head=("BEG*00*SA*PO-1**20261122", *segments))["terms"]
    assert found["code"] == code


def test_an_order_has_one_currency() -> None:
    assert purchase(LINE, END)["currency"] == "USD"
    assert purchase(LINE, END, head=("BEG*00*SA*PO-1**20261122", "CUR*BY*CAD"))["currency"] == "CAD"
    assert "an order has one currency" in refusal(LINE, "CUR*BY*CAD", END)


def test_notes_keep_their_lines_in_order() -> None:
    head = ("BEG*00*SA*PO-1**20261122", "N9*ZZ*HANDLING", "MSG*FIRST", "MSG*SECOND")
    assert purchase(LINE, END, head=head)["notes"] == ["HANDLING\nFIRST\nSECOND"]


def test_the_record_names_where_it_stood() -> None:
    assert purchase(LINE, END)["set"] == {
        "version": "004010", "control_number": "0001", "group": "7", "interchange": "000000042",
    }  # fmt: skip


def test_a_head_that_says_two_things_is_refused() -> None:
    head = ("BEG*00*SA*PO-1**20261122", "CUR*BY*USD", "CUR*BY*CAD")
    assert "CUR stands 2 times" in refusal(LINE, END, head=head)
    assert purchase(LINE, END, head=(*head[:2], head[1]))["currency"] == "USD"

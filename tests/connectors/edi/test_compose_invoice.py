"""Our 810 adds up to the cent, repeats the order in the partner's words, and is refused where it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.edi import footing
from tests.connectors.edi import sending
from tests.connectors.edi.sending import body, invoice, line, order, refusal, segments, trees

QUANTITIES = st.decimals(min_value=1, max_value=99_999, places=0) | st.decimals(
    min_value="0.001", max_value=9_999, places=3
)
PRICES = st.decimals(min_value=0, max_value=99_999, places=4)
NAMES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x24F), max_size=200)
BASES = {"PE": 1, "HP": 100, "TP": 1000, "": 1, "QT": 1}


@st.composite
def orders(draw: Any) -> dict[str, Any]:
    """An order of up to six lines, priced for one, for a hundred, for a thousand."""
    lines = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        basis = draw(st.sampled_from(sorted(BASES)))
        told = draw(PRICES)
        lines.append(
            line(
                number, str(draw(QUANTITIES)), name=draw(NAMES), basis=basis, told_price=told,
                unit_price=told / BASES[basis],
            )
        )  # fmt: skip
    return order(*lines)


@settings(max_examples=30, deadline=None)
@given(orders(), st.sampled_from(["0", "8.25", "19"]), st.sampled_from(["TXI", "SAC"]))
def test_an_810_of_any_order_foots_and_is_read_back(told: dict[str, Any], percent: str, tax: str) -> None:
    record = invoice(told, percent=percent)
    found = trees(body("invoice", record, tax=tax))[0]
    result = footing.invoice(found)
    assert result.holds
    assert result.said == record["total"]
    read = [_read(one) for one in found["lines"]]
    assert read == [_ordered(one) for one in told["lines"]]


def _read(one: Mapping[str, Any]) -> tuple[Any, ...]:
    head = one["IT1"]
    price = footing.line_amount({**head, "quantity": "1"})
    return head["line_number"], Decimal(head["quantity"]), head["unit"], price, head["ids"]


def _ordered(one: Mapping[str, Any]) -> tuple[Any, ...]:
    return one["line_number"], one["quantity"], one["unit"], one["unit_price"], one["ids"]


def test_an_810_repeats_the_order_byte_by_byte() -> None:
    told = order(line(line_number="0007", unit="CA", unit_code="XCS"), release="R-3", freight="PP")
    record = invoice(told, shipped_on="2026-11-21", carrier="UPSN", tracking="1Z9,1Z8")
    found = segments("invoice", record)
    assert "BIG*20261122*INV-1*20261120*0004501*R-3**DI*00" in found
    assert "N1*ST*Store 17*92*0017" in found
    assert "IT1*0007*10*CA*9.5*PE*UP*012345678905*VN*SKU-1" in found
    assert [one for one in found if one.startswith("REF")] == ["REF*IA*55501", "REF*VN*SO-1"]
    assert "ITD*01*3****20261222*30*****NET30" in found
    assert found[-5:-1] == ["TDS*9500", "CAD****UPSN***CN*1Z9", "ISS*10*CA", "CTT*1"]
    assert {"DTM*011*20261121", "FOB*PP"} <= set(found)


def test_an_order_split_by_store_is_invoiced_with_its_store() -> None:
    whole = order(line(quantity="4", ordered=Decimal(9)), store="0099", ship_to=None)
    found = segments("invoice", invoice(whole), "N1")
    assert found[0] == "N1*ST**92*0099"
    assert sum(one.startswith("N1*ST") for one in found) == 1


def test_a_partial_invoice_bills_what_it_bills() -> None:
    told = order(line(1), line(2, "8", "2.50"))
    record = invoice(order(line(1, "3"), line(2, "8", "2.50")), theirs=[told])
    assert segments("invoice", record, "IT1", "TDS", "CTT") == [
        "IT1*1*3*EA*9.5*PE*UP*012345678905*VN*SKU-1", "IT1*2*8*EA*2.5*PE*UP*012345678905*VN*SKU-2",
        "TDS*4850", "CTT*2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("currency", "price", "places", "total"),
    [
        ("JPY", "1000", "1", "TDS*100000"),
        ("KWD", "1.230", "0.001", "TDS*123"),
        ("EUR", "0.01", "0.01", "TDS*1"),
    ],
)
def test_totals_are_hundredths_in_every_currency(currency: str, price: str, places: str, total: str) -> None:
    record = invoice(order(line(1, "1", price), currency=currency), places)
    assert segments("invoice", record, "TDS", "CUR") == [f"CUR*SE*{currency}", total]


def test_less_than_a_hundredth_is_refused_in_words() -> None:
    record = invoice(order(line(1, "1", "1.234"), currency="KWD"), "0.001")
    assert "does not foot: 1 x 1.234 is 1.23, the invoice says 1.234" in refusal("invoice", record)
    record = invoice(order(line(1, "1", "1"), currency="KWD"), total=Decimal("1.001"))
    assert "1.001 has more than the two decimals" in refusal("invoice", record)


@pytest.mark.parametrize(("sign", "prefix"), [("positive", ""), ("negative", "-")])
@pytest.mark.parametrize(
    ("tax", "segment"), [("TXI", "TXI*TX*{}7.84*8.25"), ("SAC", "SAC*{}*H850***784**********TAX 8.25%")]
)
def test_a_credit_memo_is_positive_or_negative_throughout(
    sign: str, prefix: str, tax: str, segment: str
) -> None:
    record = invoice(order(), percent="8.25", due_date=None, note="Damaged", references={"OI": "INV-1"})
    found = segments("credit_memo", record, credit_sign=sign, tax=tax)
    told = segment.format(prefix if tax == "TXI" else "C" if sign == "positive" else "A")
    assert {f"TDS*{prefix}10284", told, "REF*OI*INV-1", "NTE*GEN*Damaged"} <= set(found)
    assert f"IT1*1*{prefix}10*EA*9.5*PE*UP*012345678905*VN*SKU-1" in found
    assert found[1].split("*")[7:] == ["CR", "00"]


def test_a_credit_memo_without_lines_is_one_charge_with_its_reason() -> None:
    record = invoice(order(), percent="0", lines=[], due_date=None, note="Goodwill", charge="ZZZZ")
    found = segments("credit_memo", record, "SAC", "TDS", "CTT")
    assert found == ["TDS*9500", "SAC*C*ZZZZ***9500**********Goodwill", "CTT*0"]


def test_an_allowance_of_the_order_is_taken_from_the_line_again() -> None:
    off = {"indicator": "A", "code": "C310", "amount": Decimal("5.00"), "handling": "02", "text": "Discount"}
    told = order(line(1, "10", "9.5", unit_price=Decimal("9"), allowances=[off]))
    assert segments("invoice", invoice(told), "IT1", "SAC", "TDS") == [
        "IT1*1*10*EA*9.5*PE*UP*012345678905*VN*SKU-1", "SAC*A*C310***500*******02***Discount", "TDS*9000",
    ]  # fmt: skip
    part = invoice(order(line(1, "3", "9.5", unit_price=Decimal("9"))), theirs=[told])
    assert segments("invoice", part, "SAC", "TDS") == ["SAC*A*C310***150*******02***Discount", "TDS*2700"]


def test_percentages_and_rates_are_told_apart_and_the_last_takes_the_rest() -> None:
    rate = {"indicator": "C", "code": "D240", "amount": None, "percent": None, "rate": Decimal("0.50")}
    percent = {"indicator": "A", "code": "C310", "amount": None, "percent": Decimal(10), "rate": None}
    told = order(line(1, "3", "9.5", unit_price=Decimal("9"), allowances=[rate]), allowances=[percent])
    assert segments("invoice", invoice(told), "SAC", "TDS") == [
        "SAC*C*D240***150", "SAC*A*C310***300", "TDS*2700",
    ]  # fmt: skip


def test_a_price_that_was_agreed_later_is_said_in_the_basis_of_the_order() -> None:
    told = order(line(1, "500", "0.12", basis="HP", told_price=Decimal(12)))
    record = invoice(order(line(1, "500", "0.11")), theirs=[told])
    assert segments("invoice", record, "IT1")[0].startswith("IT1*1*500*EA*11*HP*")


def test_a_basis_that_only_the_partner_knows_is_said_for_one() -> None:
    told = order(line(1, "500", "0.12", basis="BX", told_price=Decimal(6)))
    assert segments("invoice", invoice(told), "IT1", price_bases={"BX": 50})[0].startswith(
        "IT1*1*500*EA*0.12*PE*"
    )


def test_what_was_not_ordered_is_a_charge_or_refused() -> None:
    told = order()
    freight = {
        "order_line": "", "sku": "FREIGHT", "name": "Freight", "quantity": 1, "unit_code": "C62",
        "unit_price": Decimal(12), "amount": Decimal(12), "charge": "D240",
    }  # fmt: skip
    record = invoice(told)
    more = {**record, "lines": [*record["lines"], freight], "total": Decimal(107), "net": Decimal(107)}
    assert segments("invoice", more, "SAC", "TDS", "CTT") == [
        "TDS*10700",
        "SAC*C*D240***1200**********Freight",
        "CTT*1",
    ]
    more["lines"] = [*record["lines"], {**freight, "charge": ""}]
    assert "'Freight' is no line of the order, and no charge" in refusal("invoice", more)


def test_an_invoice_that_does_not_foot_is_never_sent() -> None:
    record = invoice(order(line(1, "7", "1.005")), percent="8.25")
    words = refusal("invoice", {**record, "total": record["total"] + Decimal("0.01")})
    assert "lines 7.04, allowances and charges 0, taxes 0.58 come to 7.62, its total says 7.63" in words
    lines = [{**record["lines"][0], "amount": Decimal("7.03")}]
    assert "line 1 (SKU-1) does not foot: 7 x 1.005 is 7.04, the invoice says 7.03" in refusal(
        "invoice", {**record, "lines": lines}
    )


@pytest.mark.parametrize(("changed", "words"), [
    ({"theirs": []}, "the partner's own order is not known"),
    ({"number": ""}, "it has no number"),
    ({"number": "INV-12345678901234567890123"}, "has 27 characters where 22 are the most"),
    ({"number": "INV-é"}, "invalid character"),
    ({"total": "lots"}, "'lots' is not a number"),
    ({"date": "soon"}, "'soon' is not a day"),
])  # fmt: skip
def test_what_cannot_be_said_is_refused_in_words(changed: dict[str, Any], words: str) -> None:
    assert words in refusal("invoice", {**invoice(order()), **changed})


def test_another_unit_than_the_ordered_one_is_refused() -> None:
    record = invoice(order(line(unit="CA", unit_code="XCS")))
    record["lines"][0]["unit_code"] = "C62"
    assert "is billed in C62 and was ordered in XCS" in refusal("invoice", record)


def test_a_line_free_of_charge_stays_so() -> None:
    free = line(1, "10", "0", basis="NC", told_price=Decimal(4))
    assert segments("invoice", invoice(order(free, line(2))), "IT1", "TDS")[0::2] == [
        "IT1*1*10*EA*4*NC*UP*012345678905*VN*SKU-1", "TDS*9500",
    ]  # fmt: skip
    billed = invoice(order(line(1, "10", "3")), theirs=[order(free)])
    assert "was ordered free of charge (NC), and has a price" in refusal("invoice", billed)


def test_terms_repeat_the_discount_of_the_order() -> None:
    terms = {"type": "08", "basis": "3", "discount_percent": "2", "discount_days": "10", "net_days": "30"}
    found = segments("invoice", invoice(order(terms=terms)), "ITD")
    assert found == ["ITD*08*3*2*20261202*10*20261222*30*****NET30"]


def test_a_cancelled_invoice_is_taken_back() -> None:
    assert segments("invoice", invoice(order(), cancelled=True), "BIG")[0].endswith("*DI*01")


def test_long_and_accented_names_are_told_whole_and_plainly() -> None:
    name = "Müller & Söhne Großhandel für Schrauben, Muttern und sonstige Kleinteile aller Art Straße 中"
    told = order(ship_to={**sending.STORE, "name": name, "subdivision": "Schleswig-Holstein"})
    found = segments("invoice", invoice(told), "N1", "N2", "N4")
    assert found[0] == "N1*ST*Muller & Sohne Grosshandel fur Schrauben, Muttern und*92*0017"
    assert found[1] == "N2*sonstige Kleinteile aller Art Strasse ?"
    assert found[2] == "N4*Springfield**62701*US*SP*Schleswig-Holstein"

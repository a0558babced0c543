"""Every rule of the compliance team finds what breaks it, and nothing is found in files that break none."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.partner import Allowance, Alter, How, Mischief
from sandbox.partner.rules import RULES
from sandbox.partner.x12 import NotX12
from tests.sandbox.partner.supplier import (
    CHANGE,
    CONFIRMATION,
    CREDIT,
    INVOICE,
    NOTICE,
    ONE,
    Supplier,
    edited,
    labelled,
)

DOCS = {"855": CONFIRMATION, "856": NOTICE, "810": INVOICE}

# Rule -> document, what is replaced in it, by what. `\n` makes two lines; nothing takes a line away.
SPOILED: dict[str, tuple[str, str, str]] = {
    # syntax
    "segment-unknown": ("855", "CTT*2", "ZZZ*1\nCTT*2"),
    "segment-missing": ("810", "TDS*17600*17600*17248*352", ""),
    "segment-too-often": ("810", "CTT*2", "CTT*2\nCTT*2"),
    "segment-not-here": ("855", "CTT*2", "TDS*100\nCTT*2"),
    "segment-order": ("810", "TDS*17600*17600*17248*352\nCTT*2", "CTT*2\nTDS*17600*17600*17248*352"),
    "element-missing": ("856", "*20260303*1200*0001", "**1200*0001"),
    "element-condition": ("856", "TD1*CTN25*2****G*12*LB", "TD1*CTN25*2****G*12"),
    "element-too-many": ("855", "CTT*2", "CTT*2*"),
    "element-short": ("855", "*SO-9*20260303", "*SO-9*20260303*X"),
    "element-long": ("810", "INV-1", "I" * 23),
    "element-character": ("810", "TDS*17600*", "TDS*176.00*"),
    "element-code": ("856", "HL*6*5*I*0", "HL*6*5*I*2"),
    "element-date": ("810", "BIG*20260303", "BIG*20260230"),
    "element-time": ("856", "*1200*", "*2530*"),
    # all documents
    "order-unknown": ("810", "0045-1", "45-1"),
    "order-date": ("855", "0045-1*20260302", "0045-1*20260301"),
    "line-unknown": ("810", "IT1*1*", "IT1*01*"),
    "line-ids": ("856", "UP*012345678905", "UP*12345678905"),
    "line-unit": ("856", "SN1**4*CA", "SN1**4*EA"),
    "ship-to": ("810", "*92*0017", "*92*17"),
    "reference-missing": ("856", "REF*DP*012", "REF*DP*12"),
    "line-count": ("856", "CTT*6", "CTT*2"),
    # 855
    "line-missing": ("855", f"PO1*1*10*EA*9.5**{ONE}\nACK*IA*10*EA*068*20260401\n", ""),
    "line-twice": ("855", "CTT*2", f"PO1*1*10*EA*9.5**{ONE}\nACK*IA*10*EA\nCTT*3"),
    "line-quantity": ("855", "PO1*1*10*", "PO1*1*9*"),
    "line-price": ("855", "*9.5*", "*9.51*"),
    "ack-missing": ("855", "ACK*IA*4*CA", ""),
    "ack-code": ("855", "ACK*IA*4*CA", "ACK*XY*4*CA"),
    "ack-sum": ("855", "ACK*IA*10*EA*068*20260401", "ACK*IA*7*EA\nACK*IR*2*EA"),
    "ack-unit": ("855", "ACK*IA*4*CA", "ACK*IA*4*EA"),
    "ack-date": ("855", "ACK*IA*4*CA", "ACK*DR*4*CA"),
    "ack-type": ("855", "BAK*00*AC", "BAK*00*RD"),
    # 856
    "hl-number": ("856", "HL*4*3*I*0", "HL*9*3*I*0"),
    "hl-parent": ("856", "HL*6*5*I*0", "HL*6*2*I*0"),
    "hl-child": ("856", "HL*6*5*I*0", "HL*6*5*I*1"),
    "hl-shape": ("856", "*1200*0001", "*1200*0004"),
    "carrier": ("856", "TD5**2*UPSN*M", "TD5**2*united*M"),
    "ship-date": ("856", "DTM*011*20260303", "DTM*017*20260303"),
    "ship-quantity": ("856", "SN1**10*EA", "SN1**0*EA"),
    "shipped-over": ("856", "SN1**10*EA", "SN1**11*EA"),
    "label-missing": ("856", "MAN*GM*00{1}\n", ""),
    "label-form": ("856", "00{1}", "1234567890"),
    "label-repeated": ("856", "{1}", "{0}"),
    # 810
    "invoiced-over": ("810", "IT1*1*10*", "IT1*1*11*"),
    "invoice-quantity": ("810", "IT1*1*10*", "IT1*1*0*"),
    "invoice-price": ("810", "*9.5*", "*9.50001*"),
    "allowance": ("810", "CTT*2", "SAC*C*D240***100*******06\nCTT*2"),
    "total-wrong": ("810", "TDS*17600*", "TDS*17601*"),
    "terms": ("810", "**10**30", "**10**45"),
    "terms-sum": ("810", "**10**30*352", "**10**30*353"),
    "tax-way": ("810", "CTT*2", "SAC*C*H850***100*******06\nCTT*2"),
    "tax-sum": ("810", "CTT*2", "TXI*ST*1.01*5*****20\nCTT*2"),
    "currency": ("810", "CUR*SE*USD", "CUR*SE*CAD"),
    "amount-sign": ("810", "*DI", "*CR"),
}


def spoil(rule: str) -> Supplier:
    """A supplier whose document breaks this rule, after everything that should come before it."""
    set_id, old, new = SPOILED[rule]
    one = Supplier(**({"credit_sign": "negative"} if rule == "amount-sign" else {}))  # type: ignore[arg-type]
    if set_id in ("856", "810"):
        one.confirm()
    if set_id == "810":
        one.ship()
    wrong = edited(DOCS[set_id], old, new)
    assert not one.rules(), "the documents before it were right"
    one.send(set_id, labelled(wrong) if set_id == "856" else wrong)
    return one


@pytest.mark.parametrize("rule", SPOILED)
def test_a_document_that_breaks_a_rule_is_found(rule: str) -> None:
    assert rule in spoil(rule).rules()


def test_a_right_order_right_to_its_end_is_charged_nothing() -> None:
    one = Supplier()
    one.everything()
    one.send("810", CREDIT)
    assert one.partner.chargebacks() == []
    told = one.partner.told("0045-1")
    assert (told["ordered"], told["invoiced"], told["open"]) == ("176", "166.5", "166.5")
    assert [line["shipped"] for line in told["lines"]] == ["10", "4"]
    assert told["lines"][0]["credited"] == "1"


# Envelopes: rule -> what is replaced in the file, by what.
ENVELOPES: dict[str, tuple[str, str]] = {
    "isa-ids": ("ZZ*ACMEINSTR ", "01*ACMEINSTR "),
    "isa-usage": ("*0*P*>", "*0*T*>"),
    "isa-standard": ("*U*00401*", "*^*00501*"),
    "isa-number": ("*000000001*0", "*00000000A*0"),
    "iea-missing": ("IEA*1*000000001~", ""),
    "iea-count": ("IEA*1*", "IEA*2*"),
    "iea-number": ("IEA*1*000000001", "IEA*1*000000002"),
    "ta1-place": ("IEA*1*", "TA1*000000009*260302*0930*A*000~IEA*1*"),
    "segment-empty": ("CTT*2~", "CTT*2~~"),
    "segment-stray": ("GE*1*1~", "REF*IA*1~GE*1*1~"),
    "gs-ids": ("GS*PR*ACMEINSTR", "GS*PR*ACME"),
    "gs-code": ("GS*PR*", "GS*IN*"),
    "gs-version": ("X*004010~", "X*00401~"),
    "gs-number": ("*0930*1*X", "*0930*01*X"),
    "ge-missing": ("GE*1*1~", ""),
    "ge-count": ("GE*1*1~", "GE*2*1~"),
    "ge-number": ("GE*1*1~", "GE*1*2~"),
    "group-empty": (
        "GE*1*1~\nIEA*1*",
        "GE*1*1~GS*PR*ACMEINSTR*HARBORPINE*20260302*0930*2*X*004010~GE*0*2~IEA*2*",
    ),
    "set-unsupported": ("ST*855*0001~", "ST*846*0001~"),
    "set-number": ("*0001~", "*1~"),
    "se-missing": ("SE*9*0001~\n", ""),
    "se-count": ("SE*9*", "SE*10*"),
    "se-number": ("SE*9*0001", "SE*9*0002"),
    "file-unreadable": ("ACMEINSTR      *", "ACMEINSTR*"),
}


def replaced(old: str, new: str) -> Callable[[str], str]:
    """An edit that must change something."""

    def edit(text: str) -> str:
        assert old in text, f"{old!r} does not stand in the file"
        return text.replace(old, new)

    return edit


@pytest.mark.parametrize("rule", ENVELOPES)
def test_an_envelope_that_breaks_a_rule_is_found(rule: str) -> None:
    one = Supplier()
    body = one.file("855", CONFIRMATION, edit=replaced(*ENVELOPES[rule]))
    try:
        one.partner.take(body)
    except NotX12:
        assert rule == "file-unreadable"
    assert rule in one.rules()


def _repeated_number(one: Supplier) -> None:
    one.confirm()
    one.number = 0
    one.ship()


def _gap(one: Supplier) -> None:
    one.confirm()
    one.number += 1
    one.ship()


def _group_repeated(one: Supplier) -> None:
    one.confirm()
    notice = labelled(NOTICE)
    one.send(
        "856", notice, edit=lambda text: text.replace("*0930*2*X", "*0930*1*X").replace("GE*1*2", "GE*1*1")
    )


def _confirmed_twice(one: Supplier) -> None:
    one.confirm()
    one.confirm()


def _unknown_change(one: Supplier) -> None:
    one.send("865", CHANGE)


def _shipment_repeated(one: Supplier) -> None:
    one.confirm()
    one.ship()
    one.send("856", labelled(edited(NOTICE, "SN1**10*EA", "SN1**1*EA"), first=9))


def _unconfirmed(one: Supplier) -> None:
    one.ship()


def _refused_is_shipped(one: Supplier) -> None:
    one.send("855", edited(CONFIRMATION, "ACK*IA*10*EA*068*20260401", "ACK*IA*7*EA\nACK*IR*3*EA"))
    one.ship()


def _cancelled(one: Supplier) -> None:
    one.confirm()
    one.partner.change(one.order, [], purpose="01")
    one.send("865", ["BCA*00*AT*0045-1**1*20260302"])
    one.ship()


def _wrong_digit(one: Supplier) -> None:
    one.confirm()
    good = labelled(NOTICE)
    mark = next(line for line in good if line.startswith("MAN"))
    one.send("856", edited(good, mark, mark[:-1] + str((int(mark[-1]) + 1) % 10)))


def _invoice_repeated(one: Supplier) -> None:
    one.everything()
    one.invoice()


def _early(one: Supplier) -> None:
    one.confirm()
    one.invoice()


def _overcredited(one: Supplier) -> None:
    one.everything()
    one.send("810", edited(edited(CREDIT, "*1*1*EA*", "*1*11*EA*"), "TDS*950", "TDS*10450"))


SCENES: dict[str, Callable[[Supplier], None]] = {
    "isa-repeated": _repeated_number,
    "isa-gap": _gap,
    "gs-gap": _gap,
    "gs-repeated": _group_repeated,
    "confirmed-twice": _confirmed_twice,
    "change-unknown": _unknown_change,
    "shipment-repeated": _shipment_repeated,
    "shipment-unconfirmed": _unconfirmed,
    "shipped-refused": _refused_is_shipped,
    "order-cancelled": _cancelled,
    "label-digit": _wrong_digit,
    "invoice-repeated": _invoice_repeated,
    "invoice-early": _early,
    "credit-over": _overcredited,
}


@pytest.mark.parametrize("rule", SCENES)
def test_a_history_that_breaks_a_rule_is_found(rule: str) -> None:
    one = Supplier()
    SCENES[rule](one)
    assert rule in one.rules()


GOOD_ANSWER = ("AK1*PO*1", "AK2*850*0001", "AK5*A", "AK9*A*1*1*1")

# Rule -> the answer to our one 850 (group PO 1, set 0001), and its version.
ANSWERS: dict[str, tuple[tuple[str, ...], str]] = {
    "ack-group": (("AK1*PO*99", *GOOD_ANSWER[1:]), "004010"),
    "ack-set": (("AK1*PO*1", "AK2*850*00001", "AK5*A", "AK9*A*1*1*1"), "004010"),
    "ack-incomplete": (("AK1*PO*1", "AK9*A*1*1*1"), "004010"),
    "ack-count": ((*GOOD_ANSWER[:3], "AK9*A*1*1*0"), "004010"),
    "ack-status": ((*GOOD_ANSWER[:3], "AK9*P*1*1*1"), "004010"),
    "ack-version": (GOOD_ANSWER, "005010"),
    "ack-harsh": (("AK1*PO*1", "AK2*850*0001", "AK5*R*5", "AK9*R*1*1*0"), "004010"),
}


@pytest.mark.parametrize("rule", ANSWERS)
def test_an_acknowledgment_that_breaks_a_rule_is_found(rule: str) -> None:
    one = Supplier()
    one.partner.send_order(one.order)
    lines, version = ANSWERS[rule]
    one.send("997", lines, version=version)
    assert rule in one.rules()


def test_a_right_acknowledgment_is_kept_and_charged_nothing() -> None:
    one = Supplier()
    sent = one.partner.send_order(one.order)
    one.send("997", GOOD_ANSWER, technical=["TA1*000000001*260302*0930*A*000"])
    assert not one.rules()
    assert (sent.statuses, sent.results, sent.technical) == ({"1": "A"}, {("1", "0001"): "A"}, "A")


def test_a_faulty_set_that_is_accepted_is_found() -> None:
    one = Supplier()
    one.partner.send_order(one.order, how=How(mischief=Mischief(set_count=1)))
    one.send("997", GOOD_ANSWER)
    assert "ack-lenient" in one.rules()


def test_a_second_answer_with_another_result_is_found_and_the_same_again_is_not() -> None:
    one = Supplier()
    one.partner.send_order(one.order)
    one.send("997", GOOD_ANSWER)
    one.send("997", GOOD_ANSWER)
    assert not one.rules()
    one.send("997", ("AK1*PO*1", "AK2*850*0001", "AK5*E*5", "AK9*E*1*1*1"))
    assert one.rules() == {"ack-again"}


def test_an_answer_to_an_answer_is_found() -> None:
    one = Supplier()
    one.confirm()
    one.partner.connect("http://127.0.0.1:9/files/edi", "key")
    one.partner.send_due()
    one.send("997", ("AK1*FA*1", "AK2*997*0001", "AK5*A", "AK9*A*1*1*1"))
    assert "ack-of-ack" in one.rules()


def test_a_technical_answer_to_nothing_is_found() -> None:
    one = Supplier()
    one.send("997", technical=["TA1*000000077*260302*0930*A*000"])
    assert one.rules() == {"ta1-unknown"}


def test_answers_that_do_not_come_are_overdue_after_the_agreed_hours() -> None:
    one = Supplier()
    sent = one.partner.send_order(one.order, how=How(wants_ta1=True))
    sent.status = 202
    one.clock.advance(23)
    assert not one.rules()
    one.clock.advance(1)
    assert one.rules() == {"ack-overdue", "ta1-missing"}
    one.send("997", GOOD_ANSWER, technical=["TA1*000000001*260302*0930*A*000"])
    assert not one.rules()


def test_every_rule_has_a_test_that_breaks_it() -> None:
    elsewhere = {"ack-lenient", "ack-again", "ack-of-ack", "ta1-unknown", "ack-overdue", "ta1-missing"}
    elsewhere |= {"receipt", "as2-refused"}  # test_as2
    assert set(SPOILED) | set(ENVELOPES) | set(SCENES) | set(ANSWERS) | elsewhere == set(RULES)


def test_allowances_may_be_in_the_price_or_told_apart_and_must_be_granted() -> None:
    def invoiced(*lines: str) -> set[str]:
        one = Supplier(payment=None)
        one.order.allowances = [Allowance(percent=Decimal(10))]
        one.confirm()
        one.ship()
        one.send("810", (*INVOICE[:5], *lines, "CTT*2"))
        return one.rules()

    full = (f"IT1*1*10*EA*9.5**{ONE}", "IT1*2*4*CA*2025*HP*VN*SKU-2*IN*B-2")
    net = (f"IT1*1*10*EA*8.55**{ONE}", "IT1*2*4*CA*1822.5*HP*VN*SKU-2*IN*B-2")
    assert invoiced(*full, "TDS*15840", "SAC*A*C310***1760*******02") == set()
    assert invoiced(*net, "TDS*15840") == set()
    assert invoiced(*full, "TDS*17600") == {"allowance"}


def test_a_change_counts_once_it_is_accepted() -> None:
    one = Supplier()
    one.confirm()
    one.partner.change(one.order, [Alter("1", "QD", Decimal(8))])
    assert one.order.lines[0].ordered() == 10
    one.send("865", CHANGE)
    assert not one.rules()
    assert one.order.lines[0].ordered() == 8
    one.ship()
    assert one.rules() == {"shipped-over"}


def test_a_line_that_goes_is_answered_by_id_and_a_cancelled_order_line_by_line() -> None:
    one = Supplier()
    one.confirm()
    one.partner.change(one.order, [Alter("1", "DI")])
    gone = f"POC*1*DI*0*0*EA*9.5**{ONE}"
    one.send("865", ["BCA*00*AD*0045-1**1*20260302", gone, "ACK*ID*0*EA", "CTT*1"])
    assert [line.cancelled for line in one.order.lines] == [True, False]
    one.partner.change(one.order, [], purpose="01")
    one.send(
        "865",
        ["BCA*01*AD*0045-1**2*20260302", "POC*2*DI*0*0*CA*2025*HP*VN*SKU-2*IN*B-2", "ACK*ID*0*CA", "CTT*1"],
    )
    assert one.order.cancelled
    assert not one.rules()


def test_a_change_that_is_refused_does_not_count() -> None:
    one = Supplier()
    one.confirm()
    one.partner.change(one.order, [Alter("1", "QD", Decimal(8))])
    one.send("865", edited(edited(CHANGE, "*AC*", "*RJ*"), "ACK*IA*8*EA", "ACK*IR*8*EA"))
    assert not one.rules()
    assert one.order.lines[0].ordered() == 10


def test_every_rule_is_in_the_documentation() -> None:
    told = (Path(__file__).parents[3] / "docs" / "edi-partner.md").read_text()
    assert [rule for rule, words in RULES.items() if f"| `{rule}` | {words} |" not in told] == []

"""Remittances tell what a payment is for, with the sign of their adjustments; they post nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.edi import remittance
from connectors.edi.settings import Settings
from hub.connector import Change
from hub.mapping import compile_mapping, load
from hub.model import Money, Remittance
from hub.stages import remitted
from tests.connectors.edi.arriving import BASE, advice, of_kind, paid
from tests.mappings.pairs import MAPPINGS, Answers

ONE = ("ENT*1", "RMR*IV*INV-1**90*100*10")


def canonical(*lines: str, **told: str) -> Remittance:
    record = advice(*lines, **told)
    translator = compile_mapping(load(MAPPINGS / "edi" / "remittance.in.yaml"))
    fields = translator.apply(record, Answers({"customer": {"netsuite:107": "cus-1"}}))
    return Remittance.model_validate({"id": "rem-1", **fields})


def foots(found: Remittance) -> bool:
    return remitted.foot(remitted.of_remittance(found), found.amount).total == found.amount


def test_trap_20_what_adds_up_is_seen_to_add_up_and_what_does_not_is_not() -> None:
    good = ("ENT*1", "ADX*-10*54*DB*900", "RMR*IV*INV-1**90*100*10", "RMR*CM*CM-1**-20*-20")
    assert foots(canonical(*good, bpr="C*60*C*ACH"))
    assert not foots(canonical(*good, bpr="C*61*C*ACH"))


def test_trap_20_an_adjustment_under_a_document_is_in_its_amount_already() -> None:
    found = canonical("ENT*1", "RMR*IV*INV-1**85*100*10", "ADX*-5*01*CM*77", bpr="C*85*C*ACH")
    assert foots(found)
    assert found.documents[0].adjustments[0].amount == Money(amount=Decimal(-5), currency="USD")
    assert found.documents[0].adjustments[0].text == "CM 77"


@pytest.mark.parametrize(
    ("version", "setting", "turned"),
    [
        ("003030", "", -1), ("003040", "", -1), ("003050", "", 1), ("004010", "", 1), ("005010", "", 1),
        ("004010", "reduces", -1), ("003030", "adds", 1),
    ],
)  # fmt: skip
def test_trap_20_the_sign_of_an_adjustment_is_by_release_and_profile(
    version: str, setting: str, turned: int
) -> None:
    told = Settings.model_validate({**BASE, "adx_sign": setting})
    assert remittance.sign(version, told) == turned


def test_trap_20_the_profile_turns_adjustments() -> None:
    lines = ("ENT*1", "ADX*10*54", "RMR*IV*INV-1**90*100*10")
    as_told = advice(*lines, bpr="C*80*C*ACH")
    assert as_told["adjustments"][0]["amount"] == 10
    assert "set adx_sign to reduces" in as_told["notes"][-1]
    turned = advice(*lines, bpr="C*80*C*ACH", settings={"adx_sign": "reduces"})
    assert (turned["adjustments"][0]["amount"], turned["notes"]) == (-10, [])


def test_documents_without_an_entity_are_read_where_they_stand() -> None:
    assert [one["number"] for one in advice("RMR*IV*INV-1**90")["documents"]] == ["INV-1"]


def test_several_entities_are_one_payment() -> None:
    found = advice("ENT*1", "RMR*IV*INV-1**40", "ENT*2", "RMR*IV*INV-2**50")
    assert [one["number"] for one in found["documents"]] == ["INV-1", "INV-2"]


def test_an_adjustment_that_names_our_invoice_is_of_that_invoice() -> None:
    found = advice("ENT*1", "ADX*-10*06*IV*INV-9", "ADX*-7*54*DB*900", *ONE[1:])
    assert [one["number"] for one in found["documents"]] == ["INV-1", "INV-9"]
    assert found["documents"][1]["adjustments"][0]["amount"] == -10
    assert [(one["amount"], one["text"]) for one in found["adjustments"]] == [(-7, "DB 900")]


def test_what_a_dispute_needs_is_kept() -> None:
    found = advice(
        *ONE,
        "DTM*003*20261001",
        "ADX*-5*01*CM*77",
        "NTE*ADD*OLD PRICE USED",
        "REF*PO*PO-1*SHOES",
        bpr="C*90*C*ACH",
    )
    (document,) = found["documents"]
    assert document["dated"] == "2026-10-01"
    assert document["adjustments"][0]["text"] == "CM 77; PO PO-1; SHOES; OLD PRICE USED"


def test_the_adjustment_inside_a_document_segment_is_kept() -> None:
    found = advice("ENT*1", "RMR*IV*INV-1**85*100*10*01*-5")
    assert found["documents"][0]["adjustments"] == [{"amount": Decimal(-5), "reason": "01", "text": ""}]


@pytest.mark.parametrize(
    ("code", "announces"), [("C", True), ("I", True), ("D", True), ("X", True), ("H", False), ("P", False)]
)
def test_trap_22_notices_announce_no_money_and_advice_apart_from_it_does(code: str, announces: bool) -> None:
    assert canonical(*ONE, bpr=f"{code}*90*C*ACH").money_follows is announces


def refused(bpr: str) -> Change:
    (only,) = of_kind("remittance", paid(*ONE, bpr=bpr))
    assert only.record is None
    return only


@pytest.mark.parametrize(
    ("bpr", "words"), [("Z*90*C*ACH", "BPR01 Z"), ("C*90*D*ACH", "takes money back"), ("C*-5*C*ACH", "BPR02")]
)
def test_what_is_no_payment_to_us_is_refused(bpr: str, words: str) -> None:
    assert words in str(refused(bpr).problem)


def test_trace_and_day_are_its_name() -> None:
    (found,) = of_kind("remittance", paid(*ONE))
    assert found.external_id == "TRACE-1@2026-11-22"
    (bare,) = of_kind("remittance", paid(*ONE, trn=""))
    assert bare.external_id == "000000042:0001@2026-11-22"


def test_who_pays_is_told_by_bank_and_by_name() -> None:
    bank = "C*90*C*ACH*CTX*01*999999992*DA*123456*1512345678**01*999988880*DA*98765*20261123"
    body = paid("N1*PR*ACME STORES*9*0012345670000", *ONE, bpr=bank)
    body = body.replace(b"*20261123************20261122", b"*20261123")
    (found,) = of_kind("remittance", body)
    assert found.record is not None
    payer = found.record["payer"]
    assert (payer["name"], payer["account"]) == ("ACME STORES", "123456")
    assert (found.record["payer_id"], found.record["paid_on"]) == ("1512345678", "2026-11-23")


def test_a_payment_of_nothing_nets_credits() -> None:
    found = canonical("ENT*1", "RMR*IV*INV-1**90", "RMR*CM*CM-1**-90", bpr="C*0*C*NON")
    assert (found.amount.amount, found.method, foots(found)) == (0, "NON", True)


def test_the_currency_is_told_or_the_partners() -> None:
    assert advice("CUR*PR*CAD", *ONE)["currency"] == "CAD"
    assert advice(*ONE, settings={"default_currency": "EUR"})["currency"] == "EUR"

"""The rules of the retailer's compliance team, each with what it says; who breaks one is charged for it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

RULES: Mapping[str, str] = MappingProxyType(
    {
        # the file and its envelopes
        "file-unreadable": "a file begins with an ISA of 106 characters, and after IEA nothing but another",
        "isa-ids": "ISA05 to ISA08 are the agreed qualifiers and ids",
        "isa-usage": "ISA15 is P in production and T in test",
        "isa-standard": "ISA11 and ISA12 are those of the agreed version",
        "isa-number": "ISA13 has nine digits and is not 0",
        "isa-repeated": "an ISA13 comes once, or again with the same bytes",
        "isa-gap": "no ISA13 between the first and the last is left out",
        "iea-missing": "an interchange ends with IEA",
        "iea-count": "IEA01 is the number of groups",
        "iea-number": "IEA02 is ISA13",
        "ta1-place": "TA1 stands directly behind ISA",
        "segment-empty": "there are no empty segments",
        "segment-stray": "between envelopes stands nothing",
        "gs-ids": "GS02 and GS03 are the agreed codes",
        "gs-code": "GS01 is the code of the sets in the group",
        "gs-version": "GS07 is X and GS08 the agreed version",
        "gs-number": "GS06 is a number without leading zeros",
        "gs-repeated": "a GS06 comes once",
        "gs-gap": "no GS06 between the first and the last is left out",
        "ge-missing": "a group ends with GE",
        "ge-count": "GE01 is the number of sets",
        "ge-number": "GE02 is GS06",
        "group-empty": "a group holds a set",
        "set-unsupported": "only 855, 856, 810, 865, 997 and 999 are sent to us",
        "set-number": "ST02 has 4 to 9 digits and is not repeated in its group",
        "se-missing": "a set ends with SE",
        "se-count": "SE01 is the number of segments, with ST and SE",
        "se-number": "SE02 is ST02",
        # syntax
        "segment-unknown": "there are no segments that the standard does not know",
        "segment-missing": "mandatory segments are there",
        "segment-too-often": "a segment comes no more often than it may",
        "segment-not-here": "a segment stands only in sets that have it",
        "segment-order": "segments stand in the order of the standard",
        "element-missing": "mandatory elements are there",
        "element-condition": "elements that go together come together",
        "element-too-many": "there are no elements behind the last, and no separators at the end",
        "element-short": "an element is not shorter than it may be",
        "element-long": "an element is not longer than it may be",
        "element-character": "an element has the characters of its type: N2 has no decimal point",
        "element-code": "a code is one of the standard's",
        "element-date": "a date is one",
        "element-time": "a time is one",
        # what all documents have in common
        "order-unknown": "the purchase order number is ours, character by character",
        "order-date": "the date of the purchase order is the one we sent",
        "order-cancelled": "nothing comes for an order that was cancelled",
        "line-unknown": "a line is one of the order's, by PO101 as we sent it",
        "line-ids": "a line has every item id of the order, character by character",
        "line-unit": "the unit of measure is the one that was ordered",
        "ship-to": "N1*ST has the code that the order has",
        "reference-missing": "IA and DP are given back as they were sent",
        "line-count": "CTT01 is the number of lines (856: of HL)",
        # 855 and 865
        "confirmed-twice": "an order is acknowledged once",
        "change-unknown": "an 865 answers a change of ours, by its number",
        "line-missing": "an acknowledgment with detail has every line",
        "line-twice": "a line is acknowledged once",
        "line-quantity": "PO102 is what was ordered",
        "line-price": "PO104 is the ordered price, unless ACK01 says that it changes",
        "ack-missing": "every line has an ACK",
        "ack-code": "ACK01 is a code that we know",
        "ack-sum": "the quantities of all ACK of a line make up what was ordered",
        "ack-unit": "ACK03 is the ordered unit",
        "ack-date": "a line that comes on another day (DR) says on which",
        "ack-type": "BAK02 agrees with the lines: AD changes nothing, RD and RJ accept nothing",
        # 856
        "shipment-repeated": "a BSN02 comes once",
        "shipment-unconfirmed": "an order is acknowledged before it is shipped",
        "hl-number": "HL01 counts from 1",
        "hl-parent": "HL02 names a level before it that may hold this one",
        "hl-child": "HL04 is 1 where levels follow below, else 0",
        "hl-shape": "the levels are those that BSN05 names",
        "carrier": "the shipment has TD5 with a SCAC, and a bill of lading (BM) or tracking number (CN)",
        "ship-date": "the shipment has the date on which it left (DTM*011)",
        "ship-quantity": "SN102 is above zero",
        "shipped-over": "no more is shipped than was ordered",
        "shipped-refused": "no more is shipped than was acknowledged",
        "label-missing": "every carton has an SSCC-18 (MAN*GM)",
        "label-form": "an SSCC has 18 digits, or 20 with 00 before it",
        "label-digit": "the check digit of an SSCC is right",
        "label-repeated": "an SSCC comes once",
        # 810
        "invoice-repeated": "an invoice number comes once",
        "invoice-early": "an invoice comes after the ship notice of its order",
        "invoiced-over": "no more is invoiced than was shipped",
        "invoice-quantity": "IT102 is above zero (below, where credit memos are negative)",
        "invoice-price": "the price is the ordered one, its basis included",
        "allowance": "allowances and charges are those of the order",
        "total-wrong": "TDS01 is lines, allowances, charges and tax, to the cent",
        "terms": "the terms of payment are those of the order",
        "terms-sum": "the discount in ITD08 and TDS04 is the percentage of the amount it is taken from",
        "tax-way": "tax is told in the agreed way, and once",
        "tax-sum": "a tax is its percentage of its own basis",
        "currency": "the currency is the order's",
        "credit-over": "no more is credited than was invoiced",
        "amount-sign": "amounts of a credit memo have the agreed sign, those of an invoice none",
        # 997, 999, TA1
        "ack-group": "an acknowledgment is about a group that we sent",
        "ack-set": "AK2 names a set of that group",
        "ack-incomplete": "every set of the group has its AK2",
        "ack-count": "AK9 counts the sets of the group, those received and those accepted",
        "ack-status": "AK901 agrees with the AK5",
        "ack-version": "an acknowledgment has the version of the group it is about",
        "ack-again": "a group is not acknowledged a second time with another result",
        "ack-of-ack": "acknowledgments are not acknowledged",
        "ack-lenient": "a set that is faulty is not accepted",
        "ack-harsh": "a set that is sound is not rejected",
        "ack-overdue": "every group is acknowledged within the agreed hours",
        "ta1-unknown": "a TA1 is about an interchange that we sent",
        "ta1-missing": "a TA1 that ISA14 asked for comes",
        "receipt": "an AS2 message gets a signed receipt with the MIC of its content",
        "as2-refused": "an AS2 message is from the agreed name, signed by it and encrypted for us",
    }
)

# Whoever breaks one of these has sent a document that we do not take into our books.
NOT_BOOKED = frozenset(
    ("order-unknown", "order-cancelled", "confirmed-twice", "change-unknown", "shipment-repeated",
     "invoice-repeated", "total-wrong", "ack-group")
)  # fmt: skip


class Terms(BaseModel):
    """What was agreed with the supplier beyond the standard."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    confirm: bool = True  # an 855 comes before the 856
    labels: bool = True  # cartons have SSCC-18 labels
    carrier: bool = True  # TD5 and a bill of lading or tracking number
    notice: bool = True  # an 856 comes before the 810
    counts: Literal["HL", "LIN"] = "HL"  # CTT01 of an 856
    rounding: Literal["line", "total"] = "line"  # where cents are rounded
    tax: Literal["TXI", "SAC", "none"] = "TXI"
    credit_sign: Literal["positive", "negative"] = "positive"
    echo: tuple[str, ...] = ("IA", "DP")
    adx_reduces: bool = True  # a negative ADX01 reduces the payment
    hours: int = 24  # until a 997 is overdue
    objects: bool = False  # an 824 says why a document was not booked


class Chargeback(NamedTuple):
    """One violation: which rule, in which document, in words."""

    rule: str
    words: str
    set_id: str = ""
    document: str = ""  # invoice, shipment or order number
    order: str = ""
    interchange: str = ""
    at: str = ""

    @property
    def shown(self) -> dict[str, Any]:
        """As the API tells it."""
        return {**self._asdict(), "demand": RULES[self.rule]}

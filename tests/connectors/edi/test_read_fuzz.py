"""Whatever arrives: reading raises what it may and nothing else, and answers only what it told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.edi.faults import RULES
from hub.connector import Change
from hub.sdk import ConnectorError, Invalid, encode
from tests.connectors.edi.arriving import changes, group, interchange, order, paid

QUICK = settings(max_examples=40, deadline=4000, suppress_health_check=[HealthCheck.too_slow])
CHANGE = order("BCH*04*SA*PO-1**2*20261101*****20261122", "POC*1*RZ*5**EA*2.5**VN*A", "CTT*1", set_id="860")
STORES = order(
    "BEG*00*SA*PO-7**20261122", "SAC*A*C310****3*10*****02", "ITD*01*3*2**10**30", "N1*ST**92*0017",
    "PO1*1*10*CA*12*HP*VN*A", "SDQ*CA*92*0017*4*0018*6", "SLN*1**I*2*EA*1.5***VN*P", "AMT*TT*1", "CTT*1",
    control="0002",
)  # fmt: skip
DAYS = order("BEG*00*SA*PO-8**20261122", "PO1*1*10*EA*12**VN*A", "SCH*4*EA***002*20261220",
             "SCH*6*EA***002*20270110", "CTT*1", control="0003")  # fmt: skip
FA = order(
    "AK1*IN*31", "AK2*810*0001", "AK3*IT1*4**8", "AK4*4*212*6*ten", "AK5*R*5", "AK9*R*1*1*0", set_id="997"
)
BODIES = (
    interchange(
        group(order(), STORES, DAYS), group(CHANGE, code="PC", number="8"), group(FA, code="FA", number="9")
    ),
    paid("ENT*1", "ADX*-10*54*DB*9", "RMR*IV*INV-1**90*100*10", "ADX*-5*01", "NTE*ADD*X"),
)
SPICE = st.sampled_from([
    "BEG*05*BK*~", "PO1*1*1E400*EA*9*XX*VN~", "PO1**.*~", "SAC*A*C310***5*3*1*****02~", "CTP**UCP*-~",
    "SLN*1**A~", "SDQ*EA*92*~", "SCH~", "ADX*x*01~", "RMR~", "POC*1*~", "N1~", "AK9~", "TA1~", "ITD*01*3*x~",
    "AMT*TT*NaN~", "~~", "*", "~", ">", "é", "\x00", "DTM*002*20261332~", "ISA*00*",
    "GS*PO*A*B*1*2*3*X*004010~", "ST*850*0009~",
])  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """An interchange with values exchanged, segments strewn in, cut out and doubled."""
    segments = draw(st.sampled_from(BODIES)).decode().split("~\n")
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(1, len(segments) - 1))
        kind = draw(st.sampled_from(["cut", "twice", "spice", "value", "swap"]))
        if kind == "cut" and len(segments) > 3:
            del segments[at]
        elif kind == "twice":
            segments.insert(at, segments[at])
        elif kind == "spice":
            segments.insert(at, draw(SPICE).rstrip("~"))
        elif kind == "swap":
            segments[at - 1 : at + 1] = (
                segments[at - 1 : at + 1][::-1] if at > 1 else segments[at - 1 : at + 1]
            )
        else:
            values = segments[at].split("*")
            value = draw(st.sampled_from(["", "-1", "0", "9" * 20, "1E5", "NaN", "ÿ", "A" * 90, "20260230"]))
            values[draw(st.integers(0, len(values) - 1))] = value
            segments[at] = "*".join(values)
    return "~\n".join(segments).encode("utf-8", "surrogatepass")


def read(body: bytes, **profile: Any) -> Sequence[Change]:
    try:
        return changes(body, **profile)
    except (ConnectorError, Invalid):
        return ()


@given(mutated(), st.sampled_from(["ignore", "note", "reject"]), st.sets(st.sampled_from(sorted(RULES))))
@QUICK
def test_reading_raises_nothing_but_what_it_may(body: bytes, weight: str, rules: set[str]) -> None:
    for one in read(body, checks=dict.fromkeys(rules, weight), acknowledge="999"):
        assert one.external_id
        assert (one.record is None) is (one.problem is not None)
        assert one.record is None or encode(one.record)


@given(st.binary(max_size=300))
@QUICK
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    read(body)
    read(BODIES[0][:150] + body)


@given(mutated())
@QUICK
def test_nothing_is_answered_that_has_no_status_in_the_interchange(body: bytes) -> None:
    interchanges: dict[str, Mapping[str, Any]] = {}
    for one in read(body):
        if one.kind == "interchange" and one.record:
            interchanges[one.external_id] = one.record
        if one.external_id.startswith("our:"):
            assert one.record is not None
            told = list(_told(interchanges[one.record["interchange_key"]]))
            answered = list(_answered(one.record["answer"]))
            if any(number == "odd" for _, _, number, _ in told):  # an answer writes such numbers otherwise
                told, answered = ([(a, b, "", d) for a, b, _, d in many] for many in (told, answered))
            assert not Counter(answered) - Counter(told)


def _told(record: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Group, set, its number and whether it is taken, as the interchange keeps them."""
    for one in record["groups"]:
        for inner in one["sets"] if one["code"] != "FA" else ():
            taken = "R" if inner["status"] in ("rejected", "unsupported") else "A"
            name = inner["set_id"] if re.fullmatch(r"[A-Z0-9]{3}", inner["set_id"], re.ASCII) else "000"
            plain = re.fullmatch(r"[A-Z0-9]{1,9}", inner["number"], re.ASCII)
            yield one["number"], name, inner["number"].rjust(4, "0") if plain else "odd", taken


def _answered(answer: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for group_ in answer["groups"]:
        for one in group_["sets"]:
            number, name = "", ("", "")
            for segment in one["segments"]:
                if segment[0] == "AK1":
                    number = segment[2]
                elif segment[0] == "AK2":
                    name = segment[1], segment[2]
                elif segment[0] in ("AK5", "IK5"):
                    yield number, *name, "R" if segment[1] == "R" else "A"


@given(
    st.lists(
        st.tuples(st.integers(1, 5000), st.integers(0, 10**7), st.sampled_from(["", "PE", "HP", "TP"])),
        min_size=1,
        max_size=8,
    )
)
@QUICK
def test_lines_come_to_what_quantity_price_and_basis_come_to(lines: list[tuple[int, int, str]]) -> None:
    divisors = {"HP": 100, "TP": 1000}
    prices = [Decimal(cents).scaleb(-2) for _, cents, _ in lines]
    segments = [
        f"PO1*{n}*{quantity}*EA*{price:f}*{basis}*VN*A{n}"
        for n, ((quantity, _, basis), price) in enumerate(zip(lines, prices, strict=True), 1)
    ]
    body = interchange(group(order("BEG*00*SA*PO-1**20261122", *segments, f"CTT*{len(lines)}")))
    record = next(one.record for one in changes(body) if one.kind == "order")
    assert record is not None
    wanted = [
        quantity * price / divisors.get(basis, 1)
        for (quantity, _, basis), price in zip(lines, prices, strict=True)
    ]
    assert [line["quantity"] * line["unit_price"] for line in record["lines"]] == wanted

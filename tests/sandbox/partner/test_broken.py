"""Whatever comes is judged: no file makes the retailer fail, and nothing faulty gets into its books."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.partner.x12 import NotX12
from tests.sandbox.partner.supplier import (
    CHANGE,
    CONFIRMATION,
    INVOICE,
    NOTICE,
    Supplier,
    labelled,
)

ANSWER = ("AK1*PO*1", "AK2*850*0001", "AK3*PO1*3**8", "AK4*2*330*6*x", "AK5*R*5", "AK9*R*1*1*0")
DOCS = {
    "855": CONFIRMATION,
    "856": labelled(NOTICE),
    "810": INVOICE,
    "865": CHANGE,
    "997": ANSWER,
}
PIECES = st.sampled_from(
    ["*", "~", "~~", ">", "^", "", "²", "A", "-1", "0", "99999999999999999999", " ", "\n"]
)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), PIECES), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(DOCS)), EDITS)
def test_any_damage_is_survived(set_id: str, edits: list[tuple[float, int, str]]) -> None:
    one = Supplier()
    one.partner.send_order(one.order)
    text = one.file(set_id, DOCS[set_id]).decode("latin-1")
    for where, length, piece in edits:
        at = int(where * len(text))
        text = text[:at] + piece + text[at + length :]
    try:
        one.partner.take(text.encode("latin-1"))
    except NotX12:
        assert one.rules() == {"file-unreadable"}
    one.partner.chargebacks()
    one.partner.told("0045-1")
    one.partner.outbox.send_due()


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(["855", "856", "810"]), st.data())
def test_a_set_without_one_of_its_segments_is_never_taken_for_right_where_it_is_mandatory(
    set_id: str, draw: st.DataObject
) -> None:
    one = Supplier()
    lines = list(DOCS[set_id])
    gone = draw.draw(
        st.sampled_from([n for n, line in enumerate(lines) if line[:3] in ("BAK", "BSN", "BIG", "TDS")])
    )
    one.send(set_id, [line for n, line in enumerate(lines) if n != gone])
    assert "segment-missing" in one.rules()
    told = one.partner.told("0045-1")
    assert (told["acknowledged"], told["shipments"], told["invoices"]) == ([], [], [])

"""What the retailer writes is X12 by two other judges: the connector's reading, and pyx12."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.edi import commands, reading, tokens
from connectors.edi.envelope import Problem
from connectors.edi.examine import SetRead
from connectors.edi.faults import DEFAULT
from connectors.edi.header import Marks as TheirMarks
from connectors.edi.reading import GroupRead, InterchangeRead
from connectors.edi.second import objections
from sandbox.partner import Allowance, Alter, Apart, How, Item, Marks, Mischief, Paid, Payment, Style
from sandbox.partner.outbox import drop
from sandbox.partner.x12 import parse
from tests.sandbox.partner.supplier import INVOICE, Supplier, items, labelled

APRIL = date(2026, 4, 1)
D = Decimal
STORES = {f"{n:04}": D(n) for n in range(1, 26)}
RICH = [
    Item(
        D(325),
        D("1.2345"),
        ids=(("UK", "10012345678902"), ("IN", "A-1")),
        stores=STORES,
        text="Socks",
        pack=6,
    ),
    Item(D(10), D("9.50"), ids=(("VN", "SKU-1"),), schedules=((D(4), APRIL), (D(6), date(2026, 5, 1)))),
    Item(D(7), D(250), basis="HP", ids=(("EN", "4006381333931"),), allowances=(Allowance(percent=D(5)),)),
    Item(D(2), D(100), ids=(("VN", "KIT"),), line="", parts=((D(2), "VN", "PART-1"), (D(1), "VN", "PART-2"))),
    Item(D(1), None, ids=(("BP", "NO-PRICE"),), allowances=(Allowance("C", "D240", amount=D("4.50")),)),
    Item(D(3), D(1), ids=(("VN", "R"),), allowances=(Allowance(rate=D("0.10")),)),
]


def judged(body: bytes) -> list[tuple[str, str, list[str]]]:
    """Every set: its id, what became of it, and why."""
    found: list[tuple[str, str, list[str]]] = []
    for one in reading.read(tokens.of_bytes(body), DEFAULT):
        assert not isinstance(one, Problem), one
        if isinstance(one, GroupRead | InterchangeRead):
            assert not one.notes
        if isinstance(one, SetRead):
            found.append((one.id, one.status.value, [fault.message for fault in one.faults]))
    return found


def second(body: bytes) -> list[str]:
    """What pyx12 has against any set."""
    told = []
    for one in parse(body):
        marks = TheirMarks(one.marks.element, one.marks.component, "", one.marks.terminator)
        for it in (it for group in one.groups for it in group.sets):
            lines = [one.marks.element.join((segment.id, *segment.elements)) for segment in it.segments]
            told += objections(it.id, 4010, lines, marks)
    return told


def everything(one: Supplier) -> bytes:
    """Orders, changes, money and texts in several groups of one interchange."""
    box = one.partner
    rich = box.order(
        RICH, release="7", type="RL", currency="USD", contract="C-1", buyer="0001", ship_to="DC-9",
        address=("Distribution center", "1 Pier Road", "Oakland", "CA", "94607", "US"),
        references=[("DP", "012"), ("ZZ", "kept")], dates={"002": APRIL, "001": date(2026, 5, 2)},
        payment=Payment(60), allowances=[Allowance(percent=D(3)), Allowance("C", "D240", amount=D("12.50"))],
        notes=["Ring twice", "x" * 300],
    )  # fmt: skip
    blanket = box.order(items(), type="BK", response="")
    box.send_order(rich, one.order, blanket)
    box.send_order(one.order, purpose="01")
    box.change(rich, [Alter("1", "QD", D(300)), Alter("2", "DI"), Alter("9", "AI", item=items()[0])])
    box.change(rich, [], purpose="01")
    paid = Paid("INV-1", D("90.00"), D("2.00"), D("8.00"), "01", "0045-1", "CL-1", "20260303")
    box.remit([paid, Paid("CM-1", D("-5.00"))], apart=[Apart(D("10.00"), "56", "CL-2")])
    box.remit([])
    box.say("Store 12 is closed", ["Deliver to 13", "y" * 400])
    box.object("810", "INV-1", ["the price is not the ordered one"])
    return b"".join(it.body for it in box.world.sent)


def test_all_that_is_sent_is_accepted_by_the_connector_without_a_word() -> None:
    found = judged(everything(Supplier()))
    assert [id for id, _, _ in found] == [*["850"] * 4, "860", "860", "820", "820", "864", "824"]
    assert [one for one in found if one[1] != "accepted"] == []


def test_pyx12_has_no_objection_to_what_is_sent() -> None:
    assert second(everything(Supplier())) == []


def test_answers_are_accepted_by_both() -> None:
    one = Supplier()
    one.partner.connect("http://127.0.0.1:9/files/edi", "key")
    one.confirm()
    one.partner.trouble("errors")
    one.send("856", labelled(["BSN*00*X*20260303*1200*0001", "HL*1**S*1"]))
    one.send("810", ["BIG*20260230*INV~1"[:12], "TDS*1.5"], INVOICE)
    bodies = b"".join(it.body for it in one.partner.send_due())
    assert [id for id, status, _ in judged(bodies) if status == "accepted"] == ["997"] * 3
    assert second(bodies) == []


@pytest.mark.parametrize(
    "style",
    [
        Style(marks=Marks("|", ":", "\r", "^"), newline=""),
        Style(marks=Marks("*", ">", "\n", "^"), newline=""),
        Style(marks=Marks("*", "\\", "\x15", "^"), newline="\r\n"),
        Style(marks=Marks("\x1d", "\x1f", "\x1c", "^"), newline=""),
        Style(version="005010"),
        Style(version="004010VICS"),
        Style(version="004030"),
    ],
)
def test_other_separators_and_versions_are_read_the_same(style: Style) -> None:
    one = Supplier()
    sent = one.partner.send_order(one.order, how=How(style=style))
    assert judged(sent.body) == [("850", "accepted", [])]


@pytest.mark.parametrize(
    "mischief",
    [
        Mischief(set_count=1),
        Mischief(set_number="0009"),
        Mischief(unknown_segment=True),
        Mischief(drop="BEG"),
        Mischief(spoil=("PO1", 2, "ten")),
        Mischief(group_code="IN"),
    ],
)
def test_a_faulty_set_is_refused_by_the_connector_and_its_neighbour_is_not(mischief: Mischief) -> None:
    one = Supplier()
    other = one.partner.order(items(), "0045-2")
    sent = one.partner.send_order(one.order, other, how=How(mischief=mischief))
    statuses = [status for _, status, _ in judged_loosely(sent.body)]
    assert statuses[0] == "rejected"
    assert [it.sound for it in sent.groups[0].sets] == [False, bool(not mischief.group_code)]
    assert statuses[1] == ("rejected" if mischief.group_code else "accepted")


def judged_loosely(body: bytes) -> list[tuple[str, str, list[str]]]:
    """As `judged`, whatever is told of the envelopes."""
    found = [one for one in reading.read(tokens.of_bytes(body), DEFAULT) if isinstance(one, SetRead)]
    return [(one.id, one.status.value, [fault.message for fault in one.faults]) for one in found]


@pytest.mark.parametrize(
    "mischief",
    [
        Mischief(group_count=1),
        Mischief(group_number="77"),
        Mischief(interchange_count=1),
        Mischief(interchange_number="000000077"),
        Mischief(no_end=True),
        Mischief(same_set_number=True),
        Mischief(short_isa=True),
    ],
)
def test_a_faulty_envelope_is_noted_by_the_connector(mischief: Mischief) -> None:
    one = Supplier()
    other = one.partner.order(items(), "0045-2")
    sent = one.partner.send_order(one.order, other, how=How(mischief=mischief))
    read = list(reading.read(tokens.of_bytes(sent.body), DEFAULT))
    told = [note.message for it in read if isinstance(it, GroupRead | InterchangeRead) for note in it.notes]
    told += [it.message for it in read if isinstance(it, Problem)]
    told += [fault.message for it in read if isinstance(it, SetRead) for fault in it.faults]
    assert told


def test_amounts_and_counts_are_what_was_meant() -> None:
    one = Supplier()
    body = one.partner.remit([Paid("INV-1", D("90.00"), D(2), D(8), "01")], apart=[Apart(D(10), "56")]).sent
    assert body is not None
    (payment,) = [it for it in reading.read(tokens.of_bytes(body.body), DEFAULT) if isinstance(it, SetRead)]
    assert payment.status.value == "accepted"
    text = body.body.decode()
    assert "BPR*I*80*C*ACH*CTX*" in text
    assert "RMR*IV*INV-1**90*100*2~" in text
    assert "ADX*-8*01~" in text
    assert "ADX*-10*56~" in text


def test_a_text_with_a_separator_is_refused_before_it_is_sent() -> None:
    one = Supplier()
    with pytest.raises(ValueError, match="separator"):
        one.partner.say("a*b", ["c"])


def test_the_command_line_reads_what_is_sent(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = tmp_path / "partner.edi"
    path.write_bytes(everything(Supplier()))
    commands.read([path], json=True)
    told = json.loads(capfdbinary.readouterr().out)
    groups = [group for one in told["interchanges"] for group in one["groups"]]
    assert [it["status"] for group in groups for it in group["sets"]] == ["accepted"] * 10
    assert told["problems"] == []


def test_a_file_is_dropped_into_a_folder_whole(tmp_path: Path) -> None:
    one = Supplier()
    sent = one.partner.send_order(one.order)
    path = drop(sent, tmp_path)
    assert (path.name, path.read_bytes()) == ("000000001.edi", sent.body)
    assert list(tmp_path.iterdir()) == [path]

"""Files of many senders: every set found and judged, and by a second reader judged alike."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from connectors.edi import acknowledge, footing, guide, reading, second, summary, tokens, tree, write
from connectors.edi.envelope import GroupOpened
from connectors.edi.examine import SetRead
from connectors.edi.faults import Level, Status
from connectors.edi.reading import GroupRead, InterchangeRead

SAMPLES = Path(__file__).parents[4] / "shared" / "samples" / "edi"
CORE = (
    "810", "820", "820_hipaa", "824", "824_hipaa", "850", "855", "856", "860", "865", "997", "999", "TA1",
    "negative", "other",
)  # fmt: skip
STAMP = datetime(2026, 11, 22, 9, tzinfo=UTC)
# Rules that pyx12 does not have, or that it has and we do not want: see docs/edi.md.
OURS_ALONE = {"totals", "trailing_separator", "trailing_space", "sequence", "terminator", "levels"}

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no {SAMPLES.name} samples beside the checkout")


def files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((SAMPLES / folder).glob("*.edi"))]


@cache
def read(path: Path) -> tuple[reading.Read, ...]:
    return tuple(reading.read(tokens.of_file(path)))


def sets(path: Path) -> list[SetRead]:
    return [one for one in read(path) if isinstance(one, SetRead)]


def counted(body: bytes) -> int:
    """How many ST there are, by looking for nothing else: ST, a separator, three digits, the separator."""
    found = 0
    for match in re.finditer(rb"ST([^A-Za-z0-9\r\n])\d{3}\1[A-Za-z0-9]", body):
        before = body[match.start() - 1 : match.start()]
        found += not before.isalnum() and before != match.group(1)
    return found


@pytest.mark.parametrize("folder", CORE)
def test_every_set_of_every_file_is_found(folder: str) -> None:
    wrong = {
        path.name: (len(sets(path)), counted(path.read_bytes()))
        for path in files(folder)
        if len(sets(path)) != counted(path.read_bytes())
    }
    assert wrong == {}


@pytest.mark.parametrize("folder", CORE)
def test_every_set_has_a_status_and_a_reason_where_it_is_not_accepted(folder: str) -> None:
    for path in files(folder):
        for one in sets(path):
            told = bool(one.faults or one.reason)
            assert told is (one.status is not Status.ACCEPTED), (path.name, one.status, one.faults)


@pytest.mark.parametrize("path", files("negative") or [Path("absent")], ids=lambda path: path.stem)
def test_what_is_wrong_on_purpose_is_not_accepted(path: Path) -> None:
    told = [one for one in read(path) if isinstance(one, InterchangeRead | GroupRead) and one.notes]
    refused = [one for one in sets(path) if one.status in (Status.REJECTED, Status.UNSUPPORTED)]
    assert refused, (path.name, [one.status for one in sets(path)], told)
    assert all(one.faults or one.reason for one in refused)


def test_most_orders_and_invoices_are_accepted_and_their_versions_have_guides() -> None:
    found = Counter(one.status for path in files("850", "855", "856", "810") for one in sets(path))
    assert found[Status.ACCEPTED] > 160
    assert found[Status.UNSUPPORTED] < 20


def test_files_that_are_no_x12_at_all_are_told_and_crash_nothing() -> None:
    for path in sorted((SAMPLES / "edifact").rglob("*")) + files("ach_ctx_820"):
        found = summary.of_file(path, trees=True)
        assert found.problems or found.interchanges


def test_our_answers_to_every_file_read_back_as_accepted() -> None:
    answered = 0
    for path in files(*CORE):
        for one in acknowledge.received(read(path)):
            for kind in acknowledge.Kind:
                made = acknowledge.answer(one, acknowledge.Numbers(1, 1), STAMP, kind)
                if made is not None:
                    answered += 1
                    _is_clean(write.interchange(made).encode(), path.name)
    assert answered > 500


def _is_clean(body: bytes, name: str) -> None:
    for one in reading.read(tokens.of_bytes(body)):
        if isinstance(one, SetRead) and not one.reason.startswith(("version", "GS08")):
            assert one.status is Status.ACCEPTED, (name, one.faults, one.reason)
        if isinstance(one, InterchangeRead | GroupRead):
            assert one.notes == (), (name, one.notes)


def test_every_answer_goes_to_the_one_who_sent_what_it_answers() -> None:
    for path in files(*CORE):
        for one in acknowledge.received(read(path)):
            made = acknowledge.answer(one, acknowledge.Numbers(1, 1), STAMP)
            if made is not None:
                header = one.interchange.header
                assert (made.receiver.id, made.sender.id) == (header.at(6), header.at(8)), path.name


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.prove)])
@pytest.mark.parametrize("folder", ["850", "855", "810", "856", "820", "860", "865", "824"])
def test_pyx12_walking_maps_of_our_guides_judges_alike(folder: str, every: int) -> None:
    """Two walks that share no code: where they differ, it is for a rule that only one of them has."""
    differing = []
    for path in files(folder)[::every]:
        for one in _of_own_versions(path):
            theirs = second.objections(one.id, int(one.guide[-4:]), one.found.segments, one.found.marks)
            ours = {fault.check for fault in one.faults if fault.level is not Level.SET}
            if bool(theirs) != bool(ours) and (theirs or not ours <= OURS_ALONE):
                differing.append((path.name, one.control_number, ours, theirs[:2]))
    assert differing == []


def _of_own_versions(path: Path) -> list[SetRead]:
    """Sets of versions that have a guide of their own; others are read more leniently than pyx12 can."""
    found, own = [], False
    for one in read(path):
        if isinstance(one, GroupOpened):
            own = guide.release_of((*one.elements, *[""] * 9)[8]) in guide.OWN_RELEASES
        elif isinstance(one, SetRead) and one.walked and own:
            found.append(one)
    return found


def test_invoices_that_add_up_are_seen_to_add_up() -> None:
    held = Counter(
        footing.invoice(tree.named(one.walked.root, one.found.marks)).holds
        for path in files("810")
        for one in sets(path)
        if one.walked and one.id == "810" and not any(fault.segment == "TDS" for fault in one.faults)
    )
    assert held[True] >= 36


def test_every_tree_holds_every_segment_of_its_set() -> None:
    for path in files("850", "810", "820", "856"):
        for one in sets(path):
            if one.walked is not None:
                found = tree.named(one.walked.root, one.found.marks)
                assert _segments(found) == one.segments, (path.name, one.control_number)


def _segments(found: object, name: str = "") -> int:
    """How many segments stand in a tree: their keys are ids in capitals."""
    if isinstance(found, list):
        return len(found) if name == tree.STRAYS else sum(_segments(one, name) for one in found)
    if isinstance(found, dict):
        return 1 if name.isupper() else sum(_segments(value, key) for key, value in found.items())
    return 0

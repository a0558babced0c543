"""Titles of cases are true sentences, for what comes in and for what goes out."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from hub import failures, settling
from hub.errors import Ambiguous, Invalid, NotYet, Rejected, Transient, UnknownOutcome, Unmappable
from tests.world import World


class Row(NamedTuple):
    """As much of a queue row as a title needs."""

    connection: str
    attempts: int


def titled(error: Exception, reason: str, what: str = "", attempts: int = 3) -> str:
    return settling._title(Row("acme", attempts), what, reason, error, "2026-03-02 14:00 UTC")


@pytest.mark.parametrize(
    ("error", "reason", "coming", "going"),
    [
        (
            Rejected("no such thing"), "rejected", "A delivery from acme cannot be taken: no such thing",
            "Acme refused invoice INV-1: no such thing",
        ),
        (
            Rejected("no such thing", sent=False), "rejected",
            "A delivery from acme cannot be taken: no such thing",
            "Invoice INV-1 cannot be sent to acme: no such thing",
        ),
        (
            Invalid("no connection is called 'acme'"), "rejected",
            "A delivery from acme cannot be taken: no connection is called 'acme'",
            "Invoice INV-1 cannot be sent to acme: no connection is called 'acme'",
        ),
        (
            Unmappable("acme", "total", "no value"), "unmappable",
            "A delivery from acme cannot be translated: acme: total: no value",
            "Invoice INV-1 cannot be translated for acme: acme: total: no value",
        ),
        (
            NotYet("order O-1 is not known yet"), "missing_reference",
            "A delivery from acme waits for something that does not come: order O-1 is not known yet",
            "Invoice INV-1 cannot go to acme before something that does not come: order O-1 is not known yet",
        ),
        (
            UnknownOutcome("timed out"), "unknown_outcome",
            "Nobody knows what became of a delivery from acme: timed out",
            "Nobody knows whether acme has invoice INV-1: timed out",
        ),
        (
            Transient("busy"), "dead_letter", "A delivery from acme was given up after 3 tries: busy",
            "Sending invoice INV-1 to acme was given up after 3 tries: busy",
        ),
    ],
)  # fmt: skip
def test_a_title_says_what_happened_in_either_direction(
    error: Exception, reason: str, coming: str, going: str
) -> None:
    assert (titled(error, reason), titled(error, reason, "invoice INV-1")) == (coming, going)


def test_a_single_try_is_one_try() -> None:
    assert titled(Transient("busy"), "dead_letter", attempts=1).endswith("after 1 try: busy")


@pytest.mark.parametrize("what", ["", "invoice INV-1"])
def test_every_failure_that_opens_a_case_has_a_title(what: str) -> None:
    reasons = {reason for _, reason in failures._STOPS}
    reasons |= {"auth_failed", "quota_spent", "missing_reference", "dead_letter"}
    for reason in reasons:
        assert "acme" in titled(Ambiguous("2 there", {}), reason, what).lower(), reason


def test_what_cannot_be_taken_is_not_said_to_be_refused_by_its_sender(world: World) -> None:
    def refuse() -> None:
        raise Rejected("the file is about another account")

    world.vendors["crm"].on_read = refuse
    world.send("crm", world.company())
    world.work()
    [case] = world.cases()
    assert case.title == "A delivery from crm cannot be taken: the file is about another account"


def test_what_never_left_is_not_said_to_be_refused_by_its_receiver(world: World) -> None:
    world.vendors["erp"].faults = [Rejected("material M-1 is marked for deletion", sent=False)]
    world.send("crm", world.company(name="Blue Finch Studio"))
    world.work()
    [case] = world.cases()
    told = "Customer Blue Finch Studio cannot be sent to erp: material M-1 is marked for deletion"
    assert case.title == told

"""What trading partners exchange: interchanges, and the acknowledgments that answer them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from hub.model.states import AcknowledgmentState, InterchangeState
from hub.model.values import Document, Value

Status = Literal["sent", "accepted", "accepted_with_errors", "partly_accepted", "rejected", "unsupported"]
Direction = Literal["in", "out"]


class SetFault(Value):
    """What is wrong at one place of a transaction set (X12 AK3, AK4, AK5)."""

    segment: str = Field(default="", description="segment id", max_length=3)
    position: int = Field(default=0, ge=0, description="of the segment in its set, ST is 1")
    element: str = Field(default="", description="place in the segment, `4-2` for a component", max_length=8)
    code: str = Field(default="", description="X12 code (AK304, AK403 or AK502)", max_length=10)
    message: str = Field(description="in words", max_length=500)
    value: str = Field(default="", description="the bad value, where it was told", max_length=99)


class TransactionSet(Value):
    """One business document on its way (X12 ST to SE)."""

    set_id: str = Field(description="850, 810 ...", max_length=6)
    number: str = Field(default="", description="control number (ST02)", max_length=35)
    reference: str = Field(
        default="", description="what people call it: number of the order or invoice", max_length=100
    )
    document: str = Field(default="", description="document id of what it carries, where that is ours")
    status: Status = "sent"
    reason: str = Field(default="", description="why it is refused as a whole", max_length=500)
    faults: tuple[SetFault, ...] = Field(default=(), max_length=1_000)


class FunctionalGroup(Value):
    """Transaction sets of one purpose and version (X12 GS to GE)."""

    code: str = Field(default="", description="GS01: PO, IN, RA ...", max_length=6)
    version: str = Field(default="", description="GS08", max_length=12)
    number: str = Field(default="", description="control number (GS06)", max_length=35)
    status: Status = "sent"
    notes: tuple[str, ...] = Field(default=(), max_length=100)
    sets: tuple[TransactionSet, ...] = Field(default=(), max_length=10_000)


class TechnicalAnswer(Value):
    """What a partner says of an envelope (X12 TA1)."""

    number: str = Field(description="control number of the interchange it is about (TA101)", max_length=20)
    status: Status
    code: str = Field(default="", description="note code (TA105), 000 for none", max_length=6)
    message: str = Field(default="", description="the code in words", max_length=300)


def envelope_key(partner: str, code: str, number: str) -> str:
    """What ties an acknowledgment to what it answers: partner, GS01, and GS06 without zeros before it."""
    return f"{partner} {code} {number.lstrip('0')}"


class Interchange(Document):
    """One envelope between two trading partners, as it came or as it was sent (X12 ISA to IEA)."""

    kind: ClassVar[str] = "interchange"
    number: str = Field(description="control number as it stands in the envelope (ISA13)", max_length=35)
    direction: Direction
    partner: str = Field(default="", description="the connection it came from or goes to", max_length=64)
    sender: str = Field(description="qualifier and id, as in ZZ/ACME", max_length=40)
    receiver: str = Field(description="qualifier and id", max_length=40)
    is_test: bool = Field(default=False, description="ISA15 T")
    groups: tuple[FunctionalGroup, ...] = Field(default=(), max_length=1_000)
    notes: tuple[str, ...] = Field(default=(), description="findings about the envelope", max_length=1_000)
    digest: str = Field(default="", description="sha256 of its bytes", max_length=64)
    body: str = Field(default="", description="what leaves, byte by byte (latin-1); empty for what came")
    order: str = Field(default="", description="document id of the order, where all its sets are of one")
    answers: str = Field(
        default="", description="document id of the acknowledgment that it carries, if it carries one"
    )
    exchanged_at: datetime | None = Field(default=None, description="when it came or was composed (UTC)")
    unique_days: int = Field(
        default=0, ge=0, description="days until its sender may use the number again; 0: never"
    )
    acknowledge_by: datetime | None = Field(
        default=None, description="when its acknowledgment is overdue (UTC); None: none is expected"
    )
    state: InterchangeState = InterchangeState.RECEIVED

    @property
    def trace(self) -> str:
        """By what a partner's acknowledgment finds it; one group is sent per interchange."""
        if self.direction == "in" or not self.groups:
            return ""
        return envelope_key(self.partner, self.groups[0].code, self.groups[0].number)


class Acknowledgment(Document):
    """What the receiver of an interchange says of it: a partner of ours, or we of theirs."""

    kind: ClassVar[str] = "acknowledgment"
    number: str = Field(default="", description="control number of what it answers (GS06 or ISA13)")
    direction: Direction = Field(description="in: a partner's about what we sent")
    level: str = Field(description="997, 999, TA1, 824, or MDN of the transport", max_length=10)
    interchange: str = Field(default="", description="document id of the interchange it is about, once known")
    order: str = Field(default="", description="document id of the order, where all it answers is of one")
    groups: tuple[FunctionalGroup, ...] = Field(default=(), description="what it says of groups and sets")
    technical: TechnicalAnswer | None = Field(default=None, description="what it says of the envelope")
    status: Status = "accepted"
    answer: dict[str, Any] = Field(
        default_factory=dict, description="what we answer, without control numbers: the same for a repeat"
    )
    received_at: datetime | None = Field(
        default=None, description="when what it answers came, the last time (UTC)"
    )
    state: AcknowledgmentState = AcknowledgmentState.RECEIVED

"""Everything a trading partner keeps: profile, books, numbers, what was sent, received and charged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from sandbox.kit import Kit
from sandbox.partner import hearing
from sandbox.partner.book import Book
from sandbox.partner.envelopes import Agreed
from sandbox.partner.hearing import Sent
from sandbox.partner.rules import Chargeback, Terms
from sandbox.partner.writing import Doc, Envelope, Mischief, Party, Style, interchange
from sandbox.partner.x12 import Found

KEPT_MAX = 100_000


class Trouble(BaseModel):
    """How the next answers misbehave. `silent`: none is sent. `late`: after `hours`. `reject`, `errors`:
    AK5 R or E although nothing is wrong (a rejected set is not taken into the books). `technical`: TA1 R.
    `twice`: the 997 comes in two interchanges. `stranger`: the 997 is about a group that never was."""

    model_config = ConfigDict(extra="forbid")
    kind: str = Field(pattern="^(silent|late|reject|errors|technical|twice|stranger)$")
    set_id: str = ""  # only for groups or sets of this id; empty: any
    times: int = 1  # how often; -1 for ever
    skip: int = 0
    hours: int = 0

    def hits(self, kind: str, set_id: str) -> bool:
        """Does this one meet it? Uses up `skip` and `times`."""
        if self.times == 0 or self.kind != kind or (self.set_id and self.set_id != set_id):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= self.times > 0
        return True


class How(BaseModel):
    """How something is sent: a control number of one's own choice, other marks, faults, TA1 wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    number: int | None = Field(default=None, ge=1, le=999_999_999)
    style: Style | None = None
    mischief: Mischief = Mischief()
    wants_ta1: bool = False
    post: bool = True


@dataclass
class Pending:
    """An answer that is still to be sent: TA1 segments and 997 sets, or bytes that went out before."""

    due: datetime
    technical: Sequence[Sequence[str]] = ()
    docs: Sequence[Doc] = ()
    again: Sent | None = None


@dataclass
class Received:
    """An interchange of theirs, exactly as it came."""

    number: str
    raw: bytes
    at: datetime
    via: str
    sets: list[dict[str, str]] = field(default_factory=list)
    repeats: int = 0
    answer: Pending | None = None
    answered: Sent | None = None


@dataclass
class World:
    """The state. `kit.lock` guards it."""

    kit: Kit
    now: Callable[[], datetime]
    name: str
    us: Party
    supplier: Party
    supplier_name: str
    style: Style
    usage: str
    terms: Terms
    book: Book = field(default_factory=Book)
    sent: list[Sent] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    charged: list[Chargeback] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    groups_seen: dict[str, str] = field(default_factory=dict)  # GS06 -> ISA13
    last_interchange: int = 0
    last_group: int = 0

    @property
    def agreed(self) -> Agreed:
        """What envelopes are held against."""
        return Agreed(self.supplier, self.us, self.usage, self.style)

    def meets(self, kind: str, set_id: str = "") -> Trouble | None:
        """The first trouble of this kind that this set meets."""
        return next((one for one in self.troubles if one.hits(kind, set_id)), None)

    def charge(self, found: Found, **where: str) -> None:
        """Somebody has broken a rule."""
        if len(self.charged) >= KEPT_MAX:
            raise RuntimeError(f"over {KEPT_MAX} chargebacks; start a new sandbox")
        stamp = self.now().isoformat(timespec="seconds")
        self.charged.append(Chargeback(found.rule, found.words, at=stamp, **where))

    def write(
        self, groups: Sequence[Sequence[Doc]], how: How, technical: Sequence[Sequence[str]] = ()
    ) -> Sent:
        """Make the bytes of an interchange under the next numbers; nothing is carried yet."""
        if len(self.sent) >= KEPT_MAX:
            raise RuntimeError(f"over {KEPT_MAX} interchanges; start a new sandbox")
        number = self.last_interchange + 1 if how.number is None else how.number
        head = Envelope(
            self.us, self.supplier, number, self.last_group + 1, self.now(), self.usage, how.wants_ta1
        )
        style = how.style or self.style
        body, made = interchange(groups, head, style, how.mischief, technical)
        fresh = all(one.number != number for one in self.sent)
        due = fresh and not how.mischief.breaks_envelope
        self.last_interchange = max(self.last_interchange, number)
        self.last_group += len(groups)
        out = Sent(number, body, made, head.at, how.wants_ta1, due)
        self.sent.append(out)
        sets = [one.id for group in made for one in group.sets]
        self.kit.effect("send", "interchange", out.control, sets=sets or ["TA1"])
        return out

    def gaps(self) -> Iterator[Found]:
        """Control numbers that were left out. Any order is good, so this is asked for, not noticed."""
        told = {int(one.number) for one in self.received if one.number.isdecimal()}
        yield from _left_out("isa-gap", "ISA13", told)
        yield from _left_out("gs-gap", "GS06", {int(one) for one in self.groups_seen if one.isdecimal()})

    def chargebacks(self) -> list[Chargeback]:
        """Everything charged so far, with what is missing as of now."""
        stamp = self.now().isoformat(timespec="seconds")
        late = [
            Chargeback(found.rule, found.words, interchange=one.control, at=stamp)
            for one, found in hearing.overdue(self.sent, self.now(), self.terms.hours)
        ]
        return [*self.charged, *(Chargeback(*found, at=stamp) for found in self.gaps()), *late]

    def due(self) -> list[Pending]:
        """Answers whose time has come; they are taken out."""
        now = self.now()
        ready = [one for one in self.pending if one.due <= now]
        self.pending = [one for one in self.pending if one.due > now]
        return ready

    def later(self, hours: int) -> datetime:
        """So many hours from now."""
        return self.now() + timedelta(hours=hours)


def _left_out(rule: str, name: str, told: set[int]) -> Iterator[Found]:
    if not told:
        return
    lost = sorted(set(range(min(told), min(max(told), min(told) + KEPT_MAX))) - told)
    if lost:
        shown = ", ".join(map(str, lost[:10]))
        yield Found(rule, f"{name} {shown}{' and more' if len(lost) > 10 else ''} never came")

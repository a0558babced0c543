"""Is an acknowledgment of theirs right: 997, 999 and TA1 about what we have sent (reference, section 4.0)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.partner.reading import blocks
from sandbox.partner.writing import GroupOut
from sandbox.partner.x12 import Found, Segment, SetIn

ACCEPTED = frozenset("AE")


@dataclass
class Sent:
    """An interchange of ours: its exact bytes, what was answered by HTTP, and by acknowledgments since."""

    number: int
    body: bytes
    groups: list[GroupOut]
    at: datetime
    wants_ta1: bool = False
    due: bool = True  # is an answer to be expected?
    status: int = 0  # of the HTTP answer; 0: not sent yet
    told: str = ""
    tries: int = 0
    technical: str = ""  # TA104
    results: dict[tuple[str, str], str] = field(default_factory=dict)  # (GS06, ST02) -> AK501
    statuses: dict[str, str] = field(default_factory=dict)  # GS06 -> AK901

    @property
    def control(self) -> str:
        """ISA13."""
        return f"{self.number:09}"


def of(it: SetIn, sent: list[Sent]) -> tuple[Sent | None, GroupOut | None]:
    """The group that a 997 or 999 is about."""
    told = it.first("AK1")
    for one in reversed(sent):
        for group in one.groups:
            if (group.code, group.number) == (told.at(1), told.at(2)):
                return one, group
    return None, None


def results(it: SetIn) -> list[tuple[Segment, str]]:
    """AK2 of each set with its AK501."""
    found: list[tuple[Segment, str]] = []
    for block in blocks(it.segments, "AK2", frozenset(("AK9", "SE"))):
        end = next((one for one in block.inside if one.id in ("AK5", "IK5")), Segment("AK5", ()))
        found.append((block.head, end.at(1)))
    return found


def check(it: SetIn, version: str, sent: list[Sent]) -> list[Found]:
    """Everything that is wrong with a 997 or 999. `version` is its GS08."""
    one, group = of(it, sent)
    told = it.first("AK1")
    if one is None or group is None:
        return [Found("ack-group", f"AK1 names group {told.at(1)} {told.at(2)}, which we have not sent")]
    found = []
    if group.code == "FA":
        found.append(Found("ack-of-ack", f"group {group.number} holds acknowledgments"))
    if version[:6] != group.version[:6]:
        found.append(Found("ack-version", f"GS08 is {version}, the group had {group.version}"))
    judged = results(it)
    found += _sets(judged, group)
    found += _counts(it.first("AK9"), [code for _, code in judged], group)
    now = {(group.number, ack.at(2)): code for ack, code in judged}
    before = {key: code for key, code in one.results.items() if key[0] == group.number}
    if before and before != now:
        found.append(Found("ack-again", f"group {group.number} was acknowledged before, otherwise"))
    return found


def _sets(judged: list[tuple[Segment, str]], group: GroupOut) -> Iterator[Found]:
    ours = {(one.id, one.number): one for one in group.sets}
    for ack, code in judged:
        mine = ours.get((ack.at(1), ack.at(2)))
        if mine is None:
            yield Found("ack-set", f"AK2 names {ack.at(1)} {ack.at(2)}, which group {group.number} has not")
        elif mine.sound and code not in ACCEPTED:
            yield Found("ack-harsh", f"{mine.id} {mine.number} ({mine.about}) is sound and was rejected")
        elif not mine.sound and code in ACCEPTED:
            yield Found("ack-lenient", f"{mine.id} {mine.number} ({mine.about}) is faulty and was accepted")
    told = {(ack.at(1), ack.at(2)) for ack, _ in judged}
    lost = [number for id, number in ours if (id, number) not in told]
    if lost:
        yield Found("ack-incomplete", f"no AK2 about {', '.join(lost)}")


def _counts(end: Segment, codes: list[str], group: GroupOut) -> Iterator[Found]:
    accepted = sum(code in ACCEPTED for code in codes)
    wanted = (str(len(group.sets)), str(accepted))
    if (end.at(3), end.at(4)) != wanted:
        words = f"AK903 and AK904 are {end.at(3)} and {end.at(4)}, received {wanted[0]}, accepted {wanted[1]}"
        yield Found("ack-count", words)
    status = "R" if not accepted else ("P" if accepted < len(codes) else ("E" if "E" in codes else "A"))
    allowed = {status, "E"} if status == "A" and end.at(5) else {status}
    if codes and end.at(1) not in allowed:
        yield Found("ack-status", f"AK901 is {end.at(1)}, the sets say {status}")


def post(it: SetIn, sent: list[Sent]) -> None:
    """Keep what was answered."""
    one, group = of(it, sent)
    assert one is not None
    assert group is not None
    one.statuses[group.number] = it.first("AK9").at(1)
    for ack, code in results(it):
        one.results[group.number, ack.at(2)] = code


def technical(one: Segment, sent: list[Sent]) -> tuple[Sent | None, list[Found]]:
    """The interchange that a TA1 is about."""
    about = next((it for it in reversed(sent) if it.control == one.at(1)), None)
    if about is None:
        return None, [Found("ta1-unknown", f"TA1 names interchange {one.at(1)}, which we have not sent")]
    return about, []


def overdue(sent: list[Sent], now: datetime, hours: int) -> Iterator[tuple[Sent, Found]]:
    """What should have been acknowledged by now. Nothing is due for what was not taken."""
    for one in sent:
        if not one.due or one.at + timedelta(hours=hours) > now or not 200 <= one.status < 300:
            continue
        for group in one.groups:
            if group.code != "FA" and group.number not in one.statuses and one.technical != "R":
                yield one, Found("ack-overdue", f"group {group.number} of {one.control} has no 997")
        if one.wants_ta1 and not one.technical:
            yield one, Found("ta1-missing", f"interchange {one.control} asked for a TA1")

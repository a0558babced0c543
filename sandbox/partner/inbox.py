"""What the retailer does with a file of the supplier: read it, judge it, book it, and answer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sandbox.partner import confirming, envelopes, grammar, hearing, invoicing, shipping, syntax, telling
from sandbox.partner.book import Order
from sandbox.partner.rules import NOT_BOOKED
from sandbox.partner.syntax import Fault
from sandbox.partner.telling import Answer, Judged
from sandbox.partner.world import KEPT_MAX, Pending, Received, World
from sandbox.partner.writing import Doc
from sandbox.partner.x12 import GROUP_CODES, Found, GroupIn, InterchangeIn, Marks, NotX12, SetIn, parse

# TA105 of what makes us refuse an interchange as a whole.
REFUSED = {
    "isa-ids": "006", "isa-usage": "020", "isa-number": "018", "iea-missing": "023", "iea-number": "001",
    "iea-count": "021",
}  # fmt: skip
GROUP_REASONS = {
    "gs-version": "2",
    "ge-missing": "3",
    "ge-number": "4",
    "ge-count": "5",
    "gs-number": "6",
}  # AK905
DUPLICATE = "025"


def take(world: World, body: bytes, via: str = "http") -> list[Received]:
    """Take in a file; the answers are pending afterwards. Raises NotX12, which is charged for as well."""
    try:
        found = parse(body)
    except NotX12 as error:
        world.charge(Found("file-unreadable", str(error)))
        raise
    return [_interchange(world, one, via) for one in found]


def _interchange(world: World, one: InterchangeIn, via: str) -> Received:
    raw = one.raw.encode("latin-1")
    earlier = next((it for it in world.received if it.number == one.number), None)
    if earlier and earlier.raw.rstrip() == raw.rstrip():
        earlier.repeats += 1
        if earlier.answered:
            world.pending.append(Pending(world.now(), again=earlier.answered))
        return earlier
    if len(world.received) >= KEPT_MAX:
        raise RuntimeError(f"over {KEPT_MAX} interchanges; start a new sandbox")
    made = Received(one.number, raw, world.now(), via)
    if earlier:
        world.charge(
            Found("isa-repeated", f"ISA13 {one.number} came before with other content"),
            interchange=one.number,
        )
        _refuse(world, made, one, DUPLICATE)
        return made
    world.received.append(made)
    _read(world, one, made)
    world.kit.effect("create", "interchange", one.number, sets=[it["set"] for it in made.sets])
    return made


def _read(world: World, one: InterchangeIn, made: Received) -> None:
    note = ""
    for found in envelopes.interchange(one, world.agreed):
        world.charge(found, interchange=one.number)
        note = note or REFUSED.get(found.rule, "")
    if not note and world.meets("technical"):
        note = "024"
    if note:
        _refuse(world, made, one, note)
        return
    for ta1 in one.technical:
        about, faults = hearing.technical(ta1, world.sent)
        for found in faults:
            world.charge(found, interchange=one.number)
        if about:
            about.technical = ta1.at(4)
        made.sets.append({"set": "TA1", "number": "", "status": ta1.at(4), "about": ta1.at(1)})
    answers = [_group(world, group, made, one.marks) for group in one.groups]
    _answer(world, made, one, [it for it in answers if it.code != "FA"], "")


def _refuse(world: World, made: Received, one: InterchangeIn, note: str) -> None:
    """Answer by TA1 alone. The groups were not looked at, and their numbers are used up."""
    for group in one.groups:
        world.groups_seen.setdefault(group.head.at(6), one.number)
    _answer(world, made, one, [], note)


class _Place(NamedTuple):
    """Where a set stands: GS01, GS06, GS08, the separators around it, and whether its group is refused."""

    code: str
    group: str
    version: str
    marks: Marks
    made: Received
    refused: bool


def _group(world: World, group: GroupIn, made: Received, marks: Marks) -> Answer:
    head, reasons = group.head, list[str]()
    for found in envelopes.group(group, world.agreed):
        world.charge(found, interchange=made.number)
        reasons += [GROUP_REASONS[found.rule]] if found.rule in GROUP_REASONS else []
    if head.at(6) in world.groups_seen:
        world.charge(Found("gs-repeated", f"GS06 {head.at(6)} came before"), interchange=made.number)
        reasons.append("6")
    world.groups_seen[head.at(6)] = made.number
    place = _Place(head.at(1), head.at(6), head.at(8), marks, made, bool({"2", "6"} & set(reasons)))
    sets: list[Judged] = []
    for it in group.sets:
        sets.append(_set(world, it, {one.number for one in sets}, place))
    told = group.tail.at(1) if group.tail else ""
    counted = int(told) if told.isdecimal() else len(sets)
    return Answer(head.at(1), head.at(6), head.at(8), counted, sets, tuple(dict.fromkeys(reasons)))


def _set(world: World, it: SetIn, earlier: set[str], place: _Place) -> Judged:
    """Judge one set, and book it where it may be. `earlier`: numbers of the sets before it."""
    where = {"set_id": it.id, "interchange": place.made.number, **_names(world, it)}
    reasons, faults = _judged(world, it, earlier, place, where)
    code = "R" if reasons or place.refused else "A"
    judged = Judged(it.id, it.number, code, tuple(dict.fromkeys(reasons)), faults)
    if judged.code == "A":
        judged = _willing(world, it, judged)
    if judged.code != "R":
        _business(world, it, place, where)
    told = {"set": it.id, "number": it.number, "status": judged.code, "about": where["document"]}
    place.made.sets.append(told)
    _history(world, it, judged, place.made)
    return judged


def _judged(
    world: World, it: SetIn, earlier: set[str], place: _Place, where: dict[str, str]
) -> tuple[list[str], Sequence[Fault]]:
    """AK502 and on, and the faults of syntax; each is charged for."""
    if it.id not in grammar.SETS:
        world.charge(Found("set-unsupported", f"set {it.id} is not taken"), **where)
        return [telling.SET_UNSUPPORTED if it.id in GROUP_CODES else telling.SET_ID], ()
    reasons: list[str] = []
    for found, reason in envelopes.ends(it, earlier):
        world.charge(found, **where)
        reasons.append(reason)
    faults = syntax.check(it, place.version, place.marks)
    for fault in faults:
        world.charge(fault.found, **where)
    reasons += [telling.IN_ERROR] if faults else []
    reasons += [telling.SET_ID] if GROUP_CODES[it.id] != place.code else []
    return reasons, faults


def _willing(world: World, it: SetIn, judged: Judged) -> Judged:
    """What the troubles make of a set that is right."""
    second = it.segments[1]
    made_up = Fault(second.id, second.position, syntax.CODE, 1, "353", second.at(1))
    for kind, code in (("reject", "R"), ("errors", "E")):
        if world.meets(kind, it.id):
            return judged._replace(code=code, reasons=(telling.IN_ERROR,), faults=[made_up])
    return judged


_CHECKS: Mapping[str, Callable[[World, SetIn, str], list[Found]]] = {
    "855": lambda world, it, _: confirming.check(it, world.book),
    "865": lambda world, it, _: confirming.check_change(it, world.book),
    "856": lambda world, it, _: shipping.check(it, world.book, world.terms),
    "810": lambda world, it, _: invoicing.check(it, world.book, world.terms),
    "997": lambda world, it, version: hearing.check(it, version, world.sent),
    "999": lambda world, it, version: hearing.check(it, version, world.sent),
}
_POSTS: Mapping[str, Callable[[World, SetIn], object]] = {
    "855": lambda world, it: confirming.post(it, world.book),
    "865": lambda world, it: confirming.post_change(it, world.book),
    "856": lambda world, it: shipping.post(it, world.book),
    "810": lambda world, it: invoicing.post(it, world.book),
    "997": lambda world, it: hearing.post(it, world.sent),
    "999": lambda world, it: hearing.post(it, world.sent),
}


def _business(world: World, it: SetIn, place: _Place, where: dict[str, str]) -> None:
    """Hold a set that is right as X12 against our books, and take it into them."""
    found = _CHECKS[it.id](world, it, place.version)
    for one in found:
        world.charge(one, **where)
    if not NOT_BOOKED & {one.rule for one in found}:
        _POSTS[it.id](world, it)
    elif world.terms.objects and where["document"]:
        words = [one.words for one in found]
        doc = telling.objection(
            f"{len(world.charged):06}", it.id, where["document"], words, world.now(),
            group=place.group, control=it.number,
        )  # fmt: skip
        world.pending.append(Pending(world.now(), (), [doc]))


def _orders(world: World, it: SetIn) -> list[Order]:
    if it.id in ("855", "865"):
        found = [confirming.of(it, world.book)[0]]
    elif it.id == "810":
        found = [invoicing.of(it, world.book)[0]]
    elif it.id == "856":
        found = list(shipping.orders(it, world.book))
    else:
        found = []
    return [one for one in found if one is not None]


def _names(world: World, it: SetIn) -> dict[str, str]:
    """By what a person knows this document: its own number and the order's."""
    at = {"855": ("BAK", 3), "865": ("BCA", 3), "856": ("BSN", 2), "810": ("BIG", 2)}.get(it.id, ("AK1", 2))
    orders = [one.number for one in _orders(world, it)]
    return {"document": it.first(at[0]).at(at[1]), "order": ", ".join(orders)}


def _history(world: World, it: SetIn, judged: Judged, made: Received) -> None:
    for order in _orders(world, it):
        order.history.append(
            {
                "at": made.at.isoformat(timespec="seconds"), "direction": "in", "set": it.id,
                "number": made.sets[-1]["about"], "interchange": made.number, "status": judged.code,
            }
        )  # fmt: skip


def _answer(world: World, made: Received, one: InterchangeIn, answers: Sequence[Answer], note: str) -> None:
    """Queue TA1 and 997, as far as the troubles let them go out."""
    technical = []
    if note or one.head.at(14) == "1":
        stamp = (one.head.at(9), one.head.at(10))
        technical = [telling.technical(one.number, stamp, "R" if note else "A", note or "000")]
    answers = [it for it in answers if not world.meets("silent", _first(it))]
    docs = [_doc(world, it) for it in answers]
    if not technical and not docs:
        return
    late = next((held for it in answers if (held := world.meets("late", _first(it)))), None)
    due = world.later(late.hours) if late else world.now()
    made.answer = Pending(due, technical, docs)
    world.pending.append(made.answer)
    if any(world.meets("twice", _first(it)) for it in answers):
        world.pending.append(Pending(due, (), docs))


def _first(answer: Answer) -> str:
    return answer.sets[0].id if answer.sets else ""


def _doc(world: World, answer: Answer) -> Doc:
    if world.meets("stranger", _first(answer)):
        answer = answer._replace(number=str(int(answer.number) + 100_000))
    return telling.functional(answer, world.style.marks)

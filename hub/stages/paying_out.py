"""Paying out: what a provider held for us leaves it, is on its way, and is recognised on the bank's line.

A bank line that is a payout pays no invoice: it is money that customers paid before, in one sum.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta

from hub import ledger
from hub.errors import Invalid
from hub.ledger import Account, Group
from hub.model import Money, Payment, PaymentState, Payout, PayoutState
from hub.stages.outcome import Case, Choice, Event, Outcome, Reader, together
from hub.stages.payout_items import Explained, explain
from hub.store.promoted import match_key

_UNDECIDED = (PayoutState.RECEIVED, PayoutState.REFUSED)
_OF_LINE = ("unmatched_payment", "overpayment", "payment_reversed")
_OF_PAYOUT = ("payout_failed", "payout_missing")
_NAME_MIN = 4  # a shorter name or descriptor is part of too many words
_TRACE_MIN = 6
_FAR = timedelta(days=60)  # a trace proves it however late the line is, within reason
SHOWN_MAX = 50


def check(payout: Payout, read: Reader) -> Outcome:
    """Bring the books to what is told of a payout now; one whose items do not explain it is a case."""
    return _judged(payout, read, accepted=_accepted(payout, read))


def retry(payout: Payout, choice: Choice, read: Reader) -> Outcome:
    """A person mended the cause: judge the payout again."""
    return _judged(payout, read, accepted=_accepted(payout, read))


def accept(payout: Payout, choice: Choice, read: Reader) -> Outcome:
    """A person takes what is not in these books as moved elsewhere. Raises Invalid where it cannot be so."""
    wrong = explain(payout, read).wrong
    if wrong:
        raise Invalid(f"{wrong[0]}; that cannot be accepted, it has to be mended", field="decision")
    return _judged(payout, read, accepted=True)


def release(payout: Payout, choice: Choice, read: Reader) -> Outcome:
    """The bank's line was not this payout's: it waits for a person again."""
    line = read.get(payout.payment) if payout.payment else None
    if not isinstance(line, Payment) or line.state is not PaymentState.TRANSFERRED:
        raise Invalid("no line of the bank counts as this payout", field="decision")
    waiting = line.model_copy(update={"state": PaymentState.UNIDENTIFIED})
    group = ledger.towards(
        f"{line.number} is not payout {payout.number}", ledger.received(line).postings,
        read.standing(payment=line.id),
    )  # fmt: skip
    title = f"Payment {line.number} of {line.amount} is not payout {payout.number}"
    case = Case("unmatched_payment", title, waiting, {"amount": str(line.amount), "payer": line.payer.name})
    events = [Event("payment.unidentified", waiting), Event("payout.unsettled", _without_line(payout))]
    return Outcome(events, [case], [group])


def line_lost(line: Payment, read: Reader) -> Outcome:
    """The bank took a line back: a payout that it was is expected again."""
    found = [one for one in read.known_as("payout", [line.id]) if isinstance(one, Payout)]
    return Outcome([Event("payout.unsettled", _without_line(one)) for one in found])


def overdue(payout: Payout, read: Reader) -> Outcome:
    """It should be at our bank by now, and no line of the bank is it: somebody has to look."""
    late = payout.arrives_on + timedelta(days=read.policies.matching.payout_days) < read.today
    if payout.state is not PayoutState.ANNOUNCED or not late:
        return Outcome()
    title = f"Payout {payout.number} of {payout.amount} was to arrive on {payout.arrives_on} and has not"
    evidence = {
        "amount": str(payout.amount), "from": payout.held_by, "arrives_on": str(payout.arrives_on),
        "trace": payout.trace, "descriptor": payout.descriptor, "account": payout.account,
    }  # fmt: skip
    return Outcome(cases=[Case("payout_missing", title, payout, evidence)])


def of_line(line: Payment, read: Reader) -> Payout | None:
    """The payout that this line of the bank is, if it is one: by trace, or by sum, name and day."""
    return _payout_of(line, (PayoutState.ANNOUNCED, PayoutState.FAILED), read)


def unexplained(line: Payment, read: Reader) -> str:
    """Why a line that looks like a payout is not taken for it yet; empty: it does not look like one."""
    found = _payout_of(line, (PayoutState.REFUSED,), read)
    return f"it is payout {found.number} of {found.held_by}, whose items do not explain it" if found else ""


def _payout_of(line: Payment, states: Collection[PayoutState], read: Reader) -> Payout | None:
    if line.held_by or line.customer or line.applications:
        return None
    found = [
        one
        for amount in (line.amount, -line.amount)
        for one in read.of_amount("payout", amount, states, _around(line.value_on or line.booked_on))
        if isinstance(one, Payout) and line.amount in _expected(one, read) and _fits(line, one, read)
    ]
    return min(found, key=lambda one: (not _traced(line, one), _apart(line, one), one.id), default=None)


def arrived(line: Payment, payout: Payout, before: Iterable[Group]) -> Outcome:
    """The line of the bank is the payout: no customer paid it, and nobody is told that one did."""
    passed = line.model_copy(update={"state": PaymentState.TRANSFERRED})
    return Outcome(
        [Event("payment.transferred", passed, touch=True), *_seen(payout, line)],
        (),
        [*before, ledger.transferred(line, payout)],
        [*((line.id, reason) for reason in _OF_LINE), *((payout.id, reason) for reason in _OF_PAYOUT)],
    )


def _judged(payout: Payout, read: Reader, *, accepted: bool) -> Outcome:
    read.hold("receipt")  # no line of a bank is booked meanwhile, so that line and payout see each other
    found = explain(payout, read)
    if found.wrong or (found.foreign and not accepted):
        return _refused(payout, found, read)
    told = payout.model_copy(update={"state": _state(payout)})
    moved = _towards(told, found, read)
    fees = [Event(f"{one.kind}.changed", one) for one in found.fees]
    events = [*fees, *([] if told == payout else [Event(f"payout.{told.state}", told)])]
    own = Outcome(events, list(_failed(payout, told)), [moved], [(payout.id, "payout_refused")])
    line = _waiting_line(told, read)
    return together(own, arrived(line, told, ())) if line is not None else own


def _towards(payout: Payout, found: Explained | None, read: Reader) -> Group:
    explained = found.postings if found is not None else ()
    return ledger.towards(
        f"payout {payout.number} of {payout.held_by}", [*ledger.paid_out(payout), *explained],
        read.standing(payment=payout.id),
    )  # fmt: skip


def _accepted(payout: Payout, read: Reader) -> bool:
    return any(one.account is Account.ELSEWHERE for one in read.standing(payment=payout.id))


def _state(payout: Payout) -> PayoutState:
    if payout.failed_on:
        return PayoutState.FAILED
    return PayoutState.SETTLED if payout.payment else PayoutState.ANNOUNCED


def _refused(payout: Payout, found: Explained, read: Reader) -> Outcome:
    """Nothing of its items is booked. One that was booked without them stays on its way."""
    problems = [*found.wrong, *found.foreign]
    evidence = {
        "problems": problems[:SHOWN_MAX], "amount": str(payout.amount), "items": len(payout.items),
        "from": payout.held_by, "arrives_on": str(payout.arrives_on),
    }  # fmt: skip
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    title = f"Payout {payout.number} of {payout.amount} is not explained: {problems[0]}{more}"
    if payout.state in _UNDECIDED:
        refused = payout.model_copy(update={"state": PayoutState.REFUSED})
        return Outcome([Event("payout.refused", refused)], [Case("payout_refused", title, refused, evidence)])
    told = payout.model_copy(update={"state": _state(payout)})
    events = [] if told == payout else [Event(f"payout.{told.state}", told)]
    cases = [Case("payout_refused", title, told, evidence), *_failed(payout, told)]
    return Outcome(events, cases, [_towards(told, None, read)])


def _failed(before: Payout, told: Payout) -> Iterator[Case]:
    """A bank that had credited it has to take it back; or the line was another's."""
    if told.state is PayoutState.FAILED and before.state is not PayoutState.FAILED and told.payment:
        title = f"Payout {told.number} of {told.amount} failed, and the bank's line for it was seen"
        evidence = {"amount": str(told.amount), "failed_on": str(told.failed_on), "payment_id": told.payment}
        yield Case("payout_failed", title, told, evidence)


def _seen(payout: Payout, line: Payment) -> Iterator[Event]:
    """The payout with its line. The second of one that failed is the bank taking the first back."""
    if payout.payment:
        yield Event("payout.returned", payout.model_copy(update={"payment": ""}))
        return
    settled = payout.model_copy(update={"payment": line.id})
    yield Event("payout.settled", settled.model_copy(update={"state": _state(settled)}))


def _without_line(payout: Payout) -> Payout:
    bare = payout.model_copy(update={"payment": ""})
    return bare.model_copy(update={"state": _state(bare)})


def _expected(payout: Payout, read: Reader) -> tuple[Money, ...]:
    """Over what the bank's next line for it will be."""
    line = read.get(payout.payment) if payout.payment else None
    if isinstance(line, Payment):
        return (-line.amount,) if payout.failed_on else ()
    return (payout.amount, -payout.amount) if payout.failed_on else (payout.amount,)


def _waiting_line(payout: Payout, read: Reader) -> Payment | None:
    """A line that came before its payout, and that nobody could explain."""
    states = (PaymentState.UNIDENTIFIED,)
    found = [
        one
        for amount in _expected(payout, read)
        for one in read.of_amount("payment", amount, states, _around(payout.arrives_on))
        if isinstance(one, Payment) and not one.held_by and _fits(one, payout, read)
    ]
    return min(found, key=lambda one: (not _traced(one, payout), _apart(one, payout), one.id), default=None)


def _fits(line: Payment, payout: Payout, read: Reader) -> bool:
    """Proof that a line of the same sum is this payout: its trace, or the provider's name and the day."""
    account = match_key(payout.account)
    if account and line.account and not match_key(line.account).endswith(account):
        return False
    if _traced(line, payout):
        return True
    near = _apart(line, payout) <= read.policies.matching.payout_days
    return near and any(name in text for name in _names(payout) for text in _texts(line))


def _traced(line: Payment, payout: Payout) -> bool:
    trace = match_key(payout.trace)
    if not trace:
        return False
    told = [match_key(line.trace), match_key(line.end_to_end_id), match_key(line.bank_reference)]
    return trace in told or (len(trace) >= _TRACE_MIN and any(trace in text for text in _texts(line)))


def _names(payout: Payout) -> Iterator[str]:
    for name in (payout.descriptor, payout.held_by):
        key = match_key(name)
        if len(key) >= _NAME_MIN:
            yield key


def _texts(line: Payment) -> Iterator[str]:
    texts = (line.payer.name, line.creditor_reference, line.end_to_end_id, *line.remittance_information)
    yield from (match_key(text) for text in texts if text)


def _around(day: date) -> tuple[date, date]:
    """Days in which line and payout are looked for; how near they must be is judged one by one."""
    return day - _FAR, day + _FAR


def _apart(line: Payment, payout: Payout) -> int:
    day: date = line.value_on or line.booked_on
    return abs((day - payout.arrives_on).days)

"""Comparing two books: what differs between our item and a system's, why, and which repairs fit it.

Pure: it is handed both items and says what to make of them. Amounts are minor units of their currency.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from hub.model import Money

_CANCELLED_HERE = frozenset({"cancelled", "reversed"})
_UNBOOKED_HERE = frozenset({"received", "refused"})
_CANCELLED_THERE = re.compile(r"cancel|void|revers|storn", re.IGNORECASE)


class Why(StrEnum):
    """The one type of a difference."""

    NEVER_SENT = "never_sent"
    WAITING = "waiting"
    STOPPED = "stopped"
    DELETED_THERE = "deleted_there"
    MADE_THERE = "made_there"
    TWICE = "twice"
    AMOUNT = "amount"
    CURRENCY = "currency"
    CUSTOMER = "customer"
    APPLIED_HERE = "applied_here"
    APPLIED_THERE = "applied_there"
    SETTLED_HERE = "settled_here"
    SETTLED_THERE = "settled_there"
    CANCELLED_HERE = "cancelled_here"
    CANCELLED_THERE = "cancelled_there"
    UNBOOKED = "unbooked"
    UNREADABLE = "unreadable"


class Repair(StrEnum):
    """What can be done about a difference."""

    RESEND = "resend"  # the system is told our version again
    REREAD = "reread"  # the system's version is taken in again
    CASE = "case"  # a person is asked


class Here(NamedTuple):
    """One of our documents as our books have it."""

    document_id: str
    kind: str
    number: str
    customer: str  # document id; empty: nobody knows yet
    currency: str
    amount: int
    open: int
    state: str
    changed_at: datetime
    external_id: str = ""  # what the system calls it
    outbox: str = ""  # state of its row in the outbox; empty: there is none
    error: str = ""  # why that row does not go through
    theirs: bool = False  # it came from that system


class There(NamedTuple):
    """One item as the system's books have it."""

    external_id: str
    kind: str
    number: str
    customer: str  # our document id, or `there:` and the system's own id
    currency: str
    amount: int
    open: int
    reference: str = ""
    status: str = ""
    fault: str = ""  # why its figures cannot be compared; they are 0 then


class Moment(NamedTuple):
    """What is too young to be called a difference."""

    quiet_since: datetime  # what changed here later may be on its way
    behind: bool = False  # deliveries of the system came later than that and wait to be read


class Sums(NamedTuple):
    """Net owed by one customer in one currency: invoices less credits and payments that are left over."""

    here: int
    there: int

    def __add__(self, other: object) -> Sums:
        assert isinstance(other, Sums)
        return Sums(self.here + other.here, self.there + other.there)


Effects = Mapping[tuple[str, str], Sums]
"""By customer and currency."""


class Difference(NamedTuple):
    """One difference with its type. `twin` is what the system has already, where it has it twice."""

    why: Why
    here: Here | None
    there: There | None
    in_flight: bool
    twin: str = ""

    @property
    def kind(self) -> str:
        """invoice, credit_memo or payment."""
        return self.here.kind if self.here else self.there.kind if self.there else ""

    @property
    def question(self) -> str:
        """What it is about, for ever: the same question is asked of a person once."""
        external_id = self.there.external_id if self.there else ""
        about = self.here.document_id if self.here else external_id
        return f"{self.kind}/{about}"


def judge(here: Here | None, there: There | None, now: Moment, *, twin: str = "") -> Difference | None:
    """What differs; None where both books say the same. At least one side is given."""
    why = Why.TWICE if twin else _why(here, there)
    return None if why is None else Difference(why, here, there, _in_flight(why, here, now), twin)


def _why(here: Here | None, there: There | None) -> Why | None:
    if there is not None and there.fault:
        return Why.UNREADABLE
    if here is None:
        return Why.MADE_THERE
    if there is None:
        return _missing(here)
    if here.currency != there.currency:
        return Why.CURRENCY
    if here.customer and there.customer and here.customer != there.customer:
        return Why.CUSTOMER
    return _status(here, there) or _figures(here, there)


def _missing(here: Here) -> Why:
    if here.external_id:
        return Why.DELETED_THERE
    return {"pending": Why.WAITING, "dead": Why.STOPPED}.get(here.outbox, Why.NEVER_SENT)


def _status(here: Here, there: There) -> Why | None:
    if there.open and here.state in _CANCELLED_HERE:
        return Why.CANCELLED_HERE
    if there.open and not here.open and here.state in _UNBOOKED_HERE:
        return Why.UNBOOKED
    if here.open and not there.open and _CANCELLED_THERE.search(there.status):
        return Why.CANCELLED_THERE
    return None


def _figures(here: Here, there: There) -> Why | None:
    if here.amount != there.amount:
        return Why.AMOUNT
    if here.open == there.open:
        return None
    if not there.open:
        return Why.SETTLED_THERE
    if not here.open:
        return Why.SETTLED_HERE
    return Why.APPLIED_HERE if here.open < there.open else Why.APPLIED_THERE


_READ_HEALS = frozenset(
    {
        Why.MADE_THERE, Why.AMOUNT, Why.APPLIED_THERE, Why.SETTLED_THERE, Why.CANCELLED_THERE, Why.UNBOOKED,
        Why.CUSTOMER, Why.DELETED_THERE,
    }
)  # fmt: skip


def _in_flight(why: Why, here: Here | None, now: Moment) -> bool:
    if now.behind and why in _READ_HEALS:
        return True
    return here is not None and here.changed_at > now.quiet_since


def effects(here: Here | None, there: There | None) -> Effects:
    """What both items are worth in the totals. What names nobody here counts for its owner there."""
    found: dict[tuple[str, str], Sums] = {}
    if here is not None:
        owner = here.customer or (there.customer if there is not None else "")
        found[owner, here.currency] = Sums(_sign(here.kind) * here.open, 0)
    if there is not None and not there.fault:
        owner = there.customer or (here.customer if here is not None else "")
        key = (owner, there.currency)
        found[key] = found.get(key, Sums(0, 0)) + Sums(0, _sign(there.kind) * there.open)
    return found


def _sign(kind: str) -> int:
    return 1 if kind == "invoice" else -1


# -- words -------------------------------------------------------------------
class Related(NamedTuple):
    """Another document that explains a difference: a payment that is applied on one side only."""

    kind: str
    document_id: str
    number: str
    external_id: str
    amount: int


class Names(NamedTuple):
    """How people call what a difference is about."""

    system: str
    customer_here: str = ""
    customer_there: str = ""
    related: Sequence[Related] = ()


_NOUNS = {"invoice": "Invoice", "credit_memo": "Credit memo", "payment": "Payment"}
_SAID: Mapping[Why, str] = {
    Why.NEVER_SENT: "{what} ({open_here} open) is not at {system}: it was never sent there.",
    Why.WAITING: "{what} ({open_here} open) is not at {system} yet: it waits in the outbox{error}.",
    Why.STOPPED: "{what} ({open_here} open) is not at {system}: sending it was given up{error}.",
    Why.DELETED_THERE: (
        "{what} ({open_here} open) was {id_here} at {system} and no longer exists there: it was deleted."
    ),
    Why.MADE_THERE: (
        "{what} ({open_there} open) is at {system} as {id_there} and not in the hub: "
        "it was made there by hand, or was not read yet."
    ),
    Why.TWICE: (
        "{what} is at {system} twice: {id_there} ({open_there} open) carries the same reference as {twin}."
    ),
    Why.AMOUNT: "{what} is over {amount_here} here and over {amount_there} at {system}.",
    Why.CURRENCY: "{what} is over {amount_here} here and over {amount_there}, another currency, at {system}.",
    Why.CUSTOMER: (
        "{what} ({open_here} open) belongs to {customer_here} here and to {customer_there} at {system}."
    ),
    Why.APPLIED_HERE: (
        "{what} is {open_here} open here and {open_there} open at {system}: "
        "{gap} more is settled here than there{related}."
    ),
    Why.APPLIED_THERE: (
        "{what} is {open_here} open here and {open_there} open at {system}: "
        "{gap} more is settled there than here{related}."
    ),
    Why.SETTLED_HERE: "{what} is settled here and still {open_there} open at {system}{related}.",
    Why.SETTLED_THERE: "{what} is still {open_here} open here and settled at {system}{status}{related}.",
    Why.CANCELLED_HERE: "{what} is cancelled here and still {open_there} open at {system}.",
    Why.CANCELLED_THERE: "{what} is still {open_here} open here and cancelled at {system}{status}.",
    Why.UNBOOKED: (
        "{what} is {open_there} open at {system}; the hub has read it but not booked it (it is {state} here)."
    ),
    Why.UNREADABLE: "{what} at {system} cannot be compared: {fault}.",
}


def say(found: Difference, names: Names) -> str:
    """The difference in one sentence for a person who keeps books."""
    here, there = found.here, found.there
    number = (here.number if here else "") or (there.number if there else "") or found.question
    told = {
        "what": f"{_NOUNS.get(found.kind, found.kind)} {number}", "system": names.system, "twin": found.twin,
        "customer_here": names.customer_here or "nobody", "customer_there": names.customer_there or "nobody",
        "related": _tell_related(found, names),
    }  # fmt: skip
    if here is not None:
        told |= {
            "open_here": money(here.open, here.currency), "amount_here": money(here.amount, here.currency),
            "id_here": here.external_id, "state": here.state,
            "error": f": {here.error}" if here.error else "",
        }  # fmt: skip
    if there is not None:
        told |= {
            "open_there": money(there.open, there.currency), "id_there": there.external_id,
            "amount_there": money(there.amount, there.currency), "fault": there.fault,
            "status": f" ({there.status})" if there.status else "",
        }  # fmt: skip
    if here is not None and there is not None:
        told["gap"] = money(abs(here.open - there.open), here.currency)
    return _SAID[found.why].format(**told)


def _tell_related(found: Difference, names: Names) -> str:
    if not names.related or found.here is None:
        return ""
    named = ", ".join(
        f"{_NOUNS.get(one.kind, one.kind).lower()} {one.number or one.external_id} over "
        f"{money(one.amount, found.here.currency)}"
        for one in names.related
    )
    only_here = found.why in (Why.APPLIED_HERE, Why.SETTLED_HERE)
    return f": {named} is applied {'here' if only_here else 'there'} only"


def money(minor: int, currency: str) -> str:
    """12,345.60 USD; in a currency we do not know, nothing can be said about its decimals."""
    try:
        return str(Money.of_minor(minor, currency))
    except ValueError:
        return f"an amount in {currency or 'no currency'}"


# -- repairs -----------------------------------------------------------------
class Offer(NamedTuple):
    """Repairs that fit, the recommended one first: of our documents, and of those that came from there.

    What a system booked itself is never sent back to it, only what we applied to it.
    """

    ours: tuple[Repair, ...]
    theirs: tuple[Repair, ...]


_SEND, _READ, _ASK = Repair.RESEND, Repair.REREAD, Repair.CASE
OFFERS: Mapping[Why, Offer] = {
    Why.NEVER_SENT: Offer((_SEND, _ASK), (_ASK,)),
    Why.WAITING: Offer((_SEND, _ASK), (_ASK,)),
    Why.STOPPED: Offer((_SEND, _ASK), (_ASK,)),
    Why.DELETED_THERE: Offer((_SEND, _ASK), (_ASK,)),
    Why.MADE_THERE: Offer((_READ, _ASK), (_READ, _ASK)),
    Why.TWICE: Offer((_ASK,), (_ASK,)),
    Why.AMOUNT: Offer((_SEND, _READ, _ASK), (_READ, _ASK)),
    Why.CURRENCY: Offer((_ASK, _SEND), (_ASK, _READ)),
    Why.CUSTOMER: Offer((_ASK, _SEND), (_ASK, _READ)),
    Why.APPLIED_HERE: Offer((_SEND, _ASK), (_SEND, _READ, _ASK)),
    Why.APPLIED_THERE: Offer((_READ, _ASK), (_READ, _ASK)),
    Why.SETTLED_HERE: Offer((_SEND, _ASK), (_SEND, _READ, _ASK)),
    Why.SETTLED_THERE: Offer((_READ, _ASK), (_READ, _ASK)),
    Why.CANCELLED_HERE: Offer((_SEND, _ASK), (_ASK,)),
    Why.CANCELLED_THERE: Offer((_ASK, _READ), (_READ, _ASK)),
    Why.UNBOOKED: Offer((_READ, _ASK), (_READ, _ASK)),
    Why.UNREADABLE: Offer((_ASK,), (_ASK,)),
}


def offers(found: Difference, *, reads: Collection[str], writes: Collection[str]) -> Sequence[Repair]:
    """Repairs that fit, the recommended one first. `reads`, `writes`: kinds the connector can do so with."""
    offer = OFFERS[found.why]
    theirs = found.here is not None and found.here.theirs
    possible = {
        _SEND: found.here is not None and found.kind in writes,
        _READ: found.kind in reads and bool(found.there or (found.here and found.here.external_id)),
        _ASK: True,
    }
    return [one for one in (offer.theirs if theirs else offer.ours) if possible[one]]

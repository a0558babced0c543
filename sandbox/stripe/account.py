"""One account's objects: kept by id and in order, found by what they belong to, changed with events told."""

from __future__ import annotations

import json
import random
import string
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sandbox.kit import Kit
from sandbox.stripe.clock import Clock
from sandbox.stripe.refusals import missing
from sandbox.stripe.versions import LATEST

Thing = dict[str, Any]
THINGS_MAX = 3_000_000
_LETTERS = string.ascii_letters + string.digits
_PAIRS = [a + b for a in _LETTERS for b in _LETTERS]
_ENCODER = json.JSONEncoder(separators=(",", ":"))
PREFIXES = {
    "customer": "cus", "tax_id": "txi", "customer_balance_transaction": "cbtxn", "product": "prod",
    "price": "price", "tax_rate": "txr", "invoiceitem": "ii", "invoice": "in", "line_item": "il",
    "invoice_payment": "inpay", "credit_note": "cn", "credit_note_line_item": "cnli", "payment_intent": "pi",
    "payment_method": "pm", "payment_record": "pr", "charge": "ch", "refund": "re", "dispute": "du",
    "balance_transaction": "txn", "payout": "po", "event": "evt", "webhook_endpoint": "we",
    "v2.core.event_destination": "ed", "account": "acct", "bank_account": "ba",
}  # fmt: skip
# Fields that lists are filtered by: found without looking at every object.
INDEXED = {
    "balance_transaction": ("source", "_payout"),
    "charge": ("payment_intent", "customer"),
    "credit_note": ("invoice", "customer"),
    "customer_balance_transaction": ("customer",),
    "dispute": ("charge", "payment_intent"),
    "invoice": ("customer",),
    "invoice_payment": ("invoice", "_intent"),
    "invoiceitem": ("invoice", "customer"),
    "line_item": ("invoice",),
    "credit_note_line_item": ("_note",),
    "payment_intent": ("customer",),
    "payment_method": ("customer",),
    "refund": ("charge", "payment_intent"),
    "tax_id": ("customer",),
}


class Shelf:
    """Ids in the order of creation; the oldest can be thrown away."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._at: dict[str, int] = {}
        self._gone = 0

    def add(self, id: str) -> None:
        """The newest one."""
        self._at[id] = self._gone + len(self._ids)
        self._ids.append(id)

    def discard(self, id: str) -> None:
        """Take one out of lists."""
        at = self._at.pop(id, None)
        if at is not None:
            self._ids[at - self._gone] = ""

    def older_than(self, id: str = "") -> Iterator[str]:
        """From the newest, or from the one before `id`, to the oldest. KeyError for an unknown id."""
        start = self._at[id] - self._gone if id else len(self._ids)
        return (self._ids[at] for at in range(start - 1, -1, -1) if self._ids[at])

    def newer_than(self, id: str) -> Iterator[str]:
        """From the one after `id` to the newest. KeyError for an unknown id."""
        start = self._at[id] - self._gone + 1
        return (self._ids[at] for at in range(start, len(self._ids)) if self._ids[at])

    def drop_oldest(self, gone: Callable[[str], bool]) -> list[str]:
        """Throw away from the old end while they are gone."""
        count = 0
        while count < len(self._ids) and (not self._ids[count] or gone(self._ids[count])):
            self._at.pop(self._ids[count], None)
            count += 1
        dropped, self._ids = self._ids[:count], self._ids[count:]
        self._gone += count
        return [id for id in dropped if id]

    def __len__(self) -> int:
        return len(self._at)


@dataclass
class Terms:
    """What a processor asks and how long things take, for one account. Amounts in the smallest unit."""

    card_rate: str = "0.029"
    card_fixed: int = 30
    debit_rate: str = "0.008"
    debit_cap: int = 500
    dispute_fee: int = 1500
    dispute_fee_returned: bool = False
    return_fee: int = 0  # of a debit returned after it had succeeded
    card_days: int = 2  # business days until a card payment can be paid out
    debit_days: int = 4  # business days until a bank debit succeeds
    refund_days: int = 3  # business days until a refund to a bank account is through
    payout_days: int = 1  # business days from the payout to the bank account
    reconciled_after: int = 3600  # seconds from the payout's arrival to reconciliation_status completed
    late_transactions: int = 0  # seconds that a card charge is without its balance transaction
    search_lag: int = 60  # seconds until search knows


@dataclass
class World:
    """What all accounts share. `tell` takes every event on."""

    kit: Kit
    clock: Clock
    dice: random.Random = field(default_factory=lambda: random.Random(20261122))
    accounts: dict[str, Account] = field(default_factory=dict)
    told: Callable[[Account, Event], None] = lambda account, event: None
    request: dict[str, str | None] | None = None  # what the API is carrying out: id, idempotency_key
    base_url: str = "http://127.0.0.1"
    elsewhere: set[str] = field(default_factory=set)  # ids that exist in live mode

    def id(self, kind: str) -> str:
        """A new id."""
        return f"{PREFIXES[kind]}_1{self.token(23)}"

    def token(self, length: int) -> str:
        """Letters and digits."""
        return "".join(self.dice.choices(_PAIRS, k=length // 2 + 1))[:length]


@dataclass
class Event:
    """Something that happened; objects are kept packed, as they were then."""

    id: str
    type: str
    created: int
    account: str
    after: bytes
    before: bytes | None
    request: dict[str, str | None]
    api_version: str
    about: tuple[str, str] = ("", "")  # object, id
    waiting: set[str] = field(default_factory=set)  # endpoints that have not had it
    failed: bool = False


def packed(thing: Thing) -> bytes:
    """The object as it is now."""
    return zlib.compress(_ENCODER.encode(thing).encode(), 1)


def unpacked(kept: bytes) -> Thing:
    """What was packed."""
    found: Thing = json.loads(zlib.decompress(kept))
    return found


class Account:
    """The account: `platform` for the one whose keys are used, others are reached by Stripe-Account."""

    def __init__(self, world: World, *, name: str, country: str = "US", currency: str = "usd") -> None:
        self.world, self.name, self.country, self.currency = world, name, country, currency
        self.id = f"acct_1{world.token(15)}"
        self.bank = f"ba_1{world.token(23)}"
        self.created = world.clock()
        self.version = LATEST  # the account's default
        self.terms = Terms()
        self.schedule = "daily"
        self.things: dict[str, Thing] = {}
        self.events: dict[str, Event] = {}
        self.shelves: dict[str, Shelf] = defaultdict(Shelf)
        self.unpaid: list[str] = []  # balance transactions that no payout has taken yet
        self.lines: list[Thing] = []  # what the owner's bank has booked
        self.numbers: dict[str, str] = {}  # of invoices
        self.index: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        self.touched: dict[str, tuple[int, bytes | None]] = {}  # what search does not know yet
        self.snapshot: Callable[[Account, Thing], Thing] = lambda account, thing: thing
        world.accounts[self.id] = self

    def now(self) -> int:
        """Simulated time."""
        return self.world.clock()

    def add(self, kind: str, thing: Thing, id: str = "") -> Thing:
        """A new object, `object` and `id` in front."""
        if len(self.things) >= THINGS_MAX:
            raise RuntimeError(f"over {THINGS_MAX} objects; start a new sandbox")
        made = {"id": id or self.world.id(kind), "object": kind, **thing}
        self.things[made["id"]] = made
        self.shelves[kind].add(made["id"])
        for name in INDEXED.get(kind, ()):
            self.relate(made, name)
        self.touched[made["id"]] = (self.now(), None)
        return made

    def relate(self, thing: Thing, name: str) -> None:
        """Find the object by this field from now on."""
        if thing.get(name):
            self.index[thing["object"], name, thing[name]].append(thing["id"])

    def of(self, kind: str, name: str, value: str) -> list[Thing]:
        """The objects whose indexed field has a value, oldest first."""
        ids = self.index.get((kind, name, value), ())
        found = (self.things.get(id) for id in ids)
        return [one for one in found if one and not one.get("deleted") and one.get(name) == value]

    def get(self, kind: str, id: str | None, param: str = "id", *, status: int = 404) -> Thing:
        """The object. Raises Refused resource_missing."""
        found = self.things.get(id or "")
        if id in self.world.elsewhere:
            raise missing(kind, id, param, status=status, elsewhere=True)
        if found is None or found["object"] != kind:
            raise missing(kind.replace("invoiceitem", "invoice item"), id or "", param, status=status)
        return found

    def living(self, kind: str, id: str | None, param: str = "id", *, status: int = 400) -> Thing:
        """The object, not deleted. Raises Refused."""
        found = self.get(kind, id, param, status=status)
        if found.get("deleted"):
            raise missing(kind, id or "", param, status=status)
        return found

    def all(self, kind: str) -> Iterator[Thing]:
        """All objects of a kind, newest first."""
        return (self.things[id] for id in self.shelves[kind].older_than())

    def remove(self, thing: Thing) -> Thing:
        """What stays of a deleted object."""
        self.shelves[thing["object"]].discard(thing["id"])
        stub = {"id": thing["id"], "object": thing["object"], "deleted": True}
        self.things[thing["id"]] = stub
        return stub

    @contextmanager
    def changing(self, thing: Thing, *types: str) -> Iterator[Thing]:
        """Change an object in the block; afterwards these events tell what it was and is."""
        before = packed(self.snapshot(self, thing))
        known = self.touched.get(thing["id"])
        if known is None or known[0] + self.terms.search_lag <= self.now():
            self.touched[thing["id"]] = (self.now(), before)
        yield thing
        after = packed(self.snapshot(self, thing)) if types else b""
        for type in types:
            self._record(type, thing, after, before)

    def tell(self, type: str, thing: Thing) -> None:
        """An event about an object, as it is now."""
        self._record(type, thing, packed(self.snapshot(self, thing)), None)

    def _record(self, type: str, thing: Thing, after: bytes, before: bytes | None) -> None:
        event = Event(
            id=self.world.id("event"),
            type=type,
            created=self.now(),
            account=self.id,
            after=after,
            before=before,
            request=self.world.request or {"id": None, "idempotency_key": None},
            api_version=self.version,
            about=(thing["object"], thing.get("id", "")),
        )
        self.events[event.id] = event
        self.shelves["event"].add(event.id)
        self.world.told(self, event)

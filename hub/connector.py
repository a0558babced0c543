"""The contract between the hub and one system. This is all a connector author needs to read.

A connector is a class with a `manifest` and one constructor argument, its validated settings. It is
stateless: two instances with the same settings are the same connector. Only `push` and `push_many` write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

from pydantic import BaseModel

from hub.errors import ConnectorError, Unmappable

Record = Mapping[str, Any]
"""A vendor's own object, in the vendor's own words. Numbers are int or Decimal, never float."""


class Delivery(NamedTuple):
    """Bytes that reached us, exactly as they came."""

    headers: Mapping[str, str]  # names in lower case
    body: bytes
    url: str  # the address the sender called, behind any proxy
    received_at: datetime  # UTC
    method: str = "POST"


class Change(NamedTuple):
    """One vendor object that is new or different. `record` is None when it was deleted or merged away."""

    kind: str
    external_id: str
    record: Record | None
    revision: datetime | None = None  # when the vendor last changed it; an older one than known is ignored
    merged_into: str = ""  # the object that took its place there
    as_of: datetime | None = None  # what it says was true then; None: at the moment read() was called
    problem: Unmappable | None = None  # why it has no record; what else the delivery brings is not to blame


class Write(NamedTuple):
    """Bring one document up to date in the vendor's system."""

    kind: str
    record: Record
    external_id: str | None  # the vendor's id, once we know it
    reference: str  # our id for the document: put it where find() can see it
    idempotency_key: str  # differs per version, stable across attempts


class Arrival(NamedTuple):
    """One delivery of a poll, with the event ids that make a repeat of it recognisable."""

    event_ids: Sequence[str]
    delivery: Delivery


class Page(NamedTuple):
    """One bounded step of catching up. `more`: call again at once with `cursor`."""

    arrivals: Sequence[Arrival]
    cursor: str | None
    more: bool = False
    total: int | None = None  # of a backfill: how many objects there are, where the vendor tells
    wait: float = 0.0  # of a backfill: seconds until it is worth calling again (a job under way there)


class Idempotency(StrEnum):
    """How a repeated write of one kind is kept from writing twice, declared per kind."""

    NATIVE = "native"  # upsert by our reference, or an idempotency key: repeat the same call
    LOOKUP = "lookup"  # find() by our reference first, after the quiesce time
    NONE = "none"  # an unknown outcome becomes a case, never a blind retry


@dataclass(frozen=True, slots=True)
class Kind:
    """What a connector can do with one kind of document."""

    inbound: bool = False
    outbound: bool = False
    idempotency: Idempotency = Idempotency.NONE
    quiesce: float = 0.0  # seconds: longest processing time there plus lag of its search
    only_with: str = ""  # "order" or "customer": written only where that document of it is known already
    matched: bool = False  # before the first write of a new one, the hub asks candidates()
    enveloped: bool = False  # it leaves in a numbered envelope that a Composer makes
    echoed: bool = False  # its mapping also gets, under `theirs`, what this connection told us of the order


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds the hub keeps on the connector's behalf, across all its workers."""

    concurrency: int = 4  # calls in flight per connection, all workers and all uses together
    batch: int = 1  # writes per push_many


@dataclass(frozen=True, slots=True)
class Manifest:
    """Who a connector is, as data."""

    name: str
    title: str
    settings: type[BaseModel]
    kinds: Mapping[str, Kind]
    docs: str = ""
    limits: Limits = Limits()
    tier: str = "bronze"
    repeats_vary: bool = False  # a repeated event has another body, because the sender counts its tries in it
    files: bool = False  # what it reads are files, which people upload and drop too


@dataclass(frozen=True, slots=True)
class Health:
    """Answer of check(): can the hub work with these credentials? `findings` tell what to repair."""

    ok: bool
    summary: str
    findings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a vendor's object.

    `type` is text, decimal, integer, bool, date, datetime, list or object. `max_length` counts characters;
    0: not known.
    """

    name: str
    type: str = "text"
    label: str = ""
    required: bool = False
    options: Sequence[str] = ()
    max_length: int = 0


@dataclass(frozen=True, slots=True)
class Schema:
    """The fields a mapping may use. `complete`: a name that is not listed does not exist."""

    fields: Sequence[Field]
    complete: bool = False


class Connector(Protocol):
    """What every connector has. Its constructor takes one argument: an instance of `manifest.settings`."""

    manifest: ClassVar[Manifest]

    def check(self) -> Health:
        """Before saving: try credentials and every scope; fails closed. Never raises ConnectorError."""
        ...

    def schema(self, kind: str) -> Schema:
        """Fields of the vendor's object behind this kind: asked of the vendor, else a shipped baseline."""
        ...


@runtime_checkable
class Source(Protocol):
    """The reading half."""

    manifest: ClassVar[Manifest]

    def verify(self, delivery: Delivery) -> Sequence[str]:
        """Event ids (one delivery may carry many). Raises AuthFailed or Invalid. No I/O."""
        ...

    def read(self, delivery: Delivery) -> Iterable[Change]:
        """What changed; may call the vendor when the event is thin. Referenced objects come first."""
        ...


@runtime_checkable
class Poller(Protocol):
    """A source that can be asked: catch-up, backfill, and systems that cannot push."""

    manifest: ClassVar[Manifest]

    def poll(self, cursor: str | None) -> Page:
        """Deliveries since the cursor, oldest first, and the next cursor. One bounded page."""
        ...


@runtime_checkable
class Alternating(Poller, Protocol):
    """A poller of several services that no call spans: each poll asks the one whose turn it is.

    Within one interval of the connection the hub polls it once for each of them, evenly spread.
    """

    @property
    def turns(self) -> int:
        """How many polls ask everything once."""
        ...


@runtime_checkable
class BatchSource(Source, Protocol):
    """A source whose vendor tells of many objects in one call."""

    def read_many(self, deliveries: Sequence[Delivery]) -> Sequence[Sequence[Change]]:
        """What each delivery brings, in order; may raise like `read`, then for all of them.

        An object that several deliveries name is read once: the very same Change stands in each answer.
        """
        ...


@runtime_checkable
class Backfiller(Protocol):
    """A source whose history can be walked, from a day on, with as few calls as the vendor allows."""

    manifest: ClassVar[Manifest]

    def backfill(self, since: datetime, cursor: str | None) -> Page:
        """One bounded step, oldest first; `cursor` None begins. Same cursor, same arrivals: resumable."""
        ...


class Step(NamedTuple):
    """One thing a connector needs in the vendor's account."""

    what: str
    state: Literal["there", "made", "missing", "refused"]  # `missing`: would be made, or a person must
    detail: str = ""


@runtime_checkable
class Installer(Protocol):
    """A connector that can set up the vendor's account for itself: properties, fields, subscriptions."""

    manifest: ClassVar[Manifest]

    def install(self, *, dry: bool) -> Iterator[Step]:
        """Make what is missing, one step after the other; `dry` only looks. What is there stays as it is."""
        ...


class Answer(NamedTuple):
    """The 200 that says: it is stored."""

    content_type: str
    body: bytes = b""
    headers: Mapping[str, str] = {}  # besides those of type and length


@runtime_checkable
class Responder(Protocol):
    """A source whose sender wants an answer of its own form, such as the Ack of an outbound message."""

    manifest: ClassVar[Manifest]

    def response(self, delivery: Delivery) -> Answer | tuple[str, bytes] | None:
        """What says that it is stored, or content type and body of it. No I/O, never raises.

        None: this sender wants nothing of its own.
        """
        ...


@runtime_checkable
class Sink(Protocol):
    """The writing half."""

    manifest: ClassVar[Manifest]

    def push(self, write: Write) -> str:
        """Write it; returns the external id. Raises ConnectorError."""
        ...

    def find(self, kind: str, reference: str) -> str | None:
        """Did an earlier attempt get through? The external id of what carries our reference, or None."""
        ...


@runtime_checkable
class Printer(Protocol):
    """A system that can show a document as its customer gets it."""

    manifest: ClassVar[Manifest]

    def printed(self, kind: str, external_id: str) -> bytes:
        """The document as a PDF. Raises ConnectorError, Rejected where there is none of it."""
        ...


@runtime_checkable
class Specified(Protocol):
    """A connection whose other side is set up by hand, by somebody who needs it on paper."""

    manifest: ClassVar[Manifest]

    def specification(self) -> str:
        """What they must know to work with us, as one page of Markdown. No secret stands on it. No I/O."""
        ...


class Candidate(NamedTuple):
    """An object there that may be the one we are about to create, and what says so."""

    external_id: str
    name: str
    by: Literal["external_id", "tax_id", "duns", "domain", "name"]  # in this order of trust
    detail: str = ""  # what a person would compare: place, e-mail, who already owns it


@runtime_checkable
class Matcher(Sink, Protocol):
    """A sink whose system has objects of its own that must not be created a second time."""

    def candidates(self, write: Write) -> Sequence[Candidate]:
        """What may be the same there already, best first, at most 20; empty: it is new there.

        What to look for is in `write.record["match"]`: `tax_id`, `duns`, `domain`, `name`, where known.
        """
        ...


class OpenItem(NamedTuple):
    """One receivable, credit or payment as the system's own books have it. Amounts are never negative."""

    kind: Literal["invoice", "credit_memo", "payment"]
    external_id: str
    number: str
    customer: str  # external id
    currency: str  # ISO 4217
    amount: Decimal  # of the whole document
    open: Decimal  # still owed of an invoice; still unapplied of a credit memo or a payment
    reference: str = ""  # our id of it, where it carries one
    due: date | None = None
    status: str = ""  # the vendor's word


class OpenItems(NamedTuple):
    """One bounded page of them; `cursor` None: that was the last."""

    items: Sequence[OpenItem]
    cursor: str | None = None


@runtime_checkable
class Bookkeeper(Protocol):
    """A system that keeps receivables: it can be asked what is open, and to tell of one object again."""

    manifest: ClassVar[Manifest]

    def open_items(self, cursor: str | None) -> OpenItems:
        """Everything that is open now, by external id ascending; at most 1,000 per page."""
        ...

    def items(self, wanted: Sequence[tuple[str, str]]) -> Sequence[OpenItem]:
        """Those of (kind, external id) that exist there, open or not. At most 200 are asked for at once."""
        ...

    def arrival(self, kind: str, external_id: str) -> Arrival:
        """A delivery whose read() tells of this object as it is now. No I/O. Raises Rejected if it cannot."""
        ...


@runtime_checkable
class Addressed(Protocol):
    """One of several connections that share a mailbox: it gets what is addressed to it from there."""

    @property
    def address(self) -> str:
        """What a Misdelivered of another connection calls it."""
        ...


class Composed(NamedTuple):
    """One envelope as it will leave: fields of an `interchange` document, and the writes that are in it."""

    fields: Mapping[str, Any]
    members: Mapping[int, str]  # place of a write -> the external id that its document has by this


@runtime_checkable
class Composer(Sink, Protocol):
    """A sink whose documents leave in numbered envelopes (EDI).

    The hub has documents of `enveloped` kinds composed and keeps the envelope with its numbers in one
    transaction; what is then written, and repeated, is the `interchange` as it was composed.
    """

    def compose(
        self, writes: Sequence[Write], draw: Callable[[str], int], at: datetime
    ) -> tuple[Sequence[Composed], Mapping[int, ConnectorError]]:
        """Envelopes for these writes, and by place those that cannot be written. No I/O.

        `draw` gives the next number of a series of this connection, without gaps; it is called last, for
        envelopes that are sure to leave. `at` is UTC.
        """
        ...


@runtime_checkable
class BatchSink(Sink, Protocol):
    """A sink whose vendor has batch endpoints."""

    def push_many(self, writes: Sequence[Write]) -> Sequence[str | ConnectorError]:
        """One answer per write, in order. Raises ConnectorError only when the whole call failed."""
        ...

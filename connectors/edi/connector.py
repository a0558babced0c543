"""A trading partner of EDI: orders, remittances and acknowledgments in, our documents out, as X12."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from connectors.edi import as2_later, composing, schema, specification, taking, transport
from connectors.edi.settings import Settings
from connectors.edi.transport import Transport
from hub.sdk import (
    Answer,
    Change,
    Composed,
    ConnectorError,
    Delivery,
    Health,
    Idempotency,
    Invalid,
    Kind,
    Manifest,
    Page,
    Rejected,
    Schema,
    Write,
)

__all__ = ["Edi", "Settings"]

_ANSWER = Kind(outbound=True, idempotency=Idempotency.NATIVE, only_with="order", enveloped=True, echoed=True)
_KINDS: Mapping[str, Kind] = {
    "interchange": Kind(inbound=True, outbound=True, idempotency=Idempotency.NATIVE),
    "order": Kind(inbound=True),
    "order_change": Kind(inbound=True),
    "remittance": Kind(inbound=True),
    "message": Kind(inbound=True),
    "acknowledgment": Kind(inbound=True, outbound=True, idempotency=Idempotency.NATIVE, enveloped=True),
    "order_response": _ANSWER,
    "shipment": _ANSWER,
    "invoice": _ANSWER,
    "credit_memo": _ANSWER,
}


class Edi:
    """One connection is one trading partner; its settings are the partner's profile."""

    manifest: ClassVar[Manifest] = Manifest(
        name="edi",
        title="EDI trading partner (X12)",
        settings=Settings,
        kinds=_KINDS,
        docs="connectors/edi/README.md",
        tier="silver",
        repeats_vary=True,  # AS2 encrypts a repeat anew; the event ids carry the digest of the content
        files=True,
    )

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.transport = Transport(settings)

    def check(self) -> Health:
        """Tries the doors that are set, and tells what of the profile is still missing."""
        found = self.transport.check()
        if self.settings.customer:
            return found
        missing = "no customer is set: every order will wait as a case"
        return Health(found.ok, found.summary, [missing, *found.findings])

    @property
    def address(self) -> str:
        """Whose interchanges are for this connection, where a mailbox is shared."""
        return self.settings.address

    def specification(self) -> str:
        """What the partner must know to exchange documents with us, on one page."""
        return specification.page(self.settings)

    def schema(self, kind: str) -> Schema:
        """Fields of what a partner sends. Raises Invalid for a kind that partners do not exchange."""
        if kind not in self.manifest.kinds:
            raise Invalid(f"trading partners exchange no {kind}", field="kind")
        return schema.of(kind)

    def verify(self, delivery: Delivery) -> Sequence[str]:
        """One event id: Message-ID of AS2, else the digest of the file and the minute it came.

        So the same file sent again later is looked at again: it changes nothing, and gets the same answer.
        Raises AuthFailed where the upload key or the signature is wrong, Invalid where nothing can be read.
        """
        return self.transport.verify(delivery)

    def response(self, delivery: Delivery) -> Answer | None:
        """The receipt (MDN) of an AS2 message; None for uploads. Never raises."""
        return self.transport.response(delivery)

    def read(self, delivery: Delivery) -> Iterator[Change]:
        """Per interchange: itself, what its accepted sets mean, our acknowledgment last.

        Raises Invalid for what holds no interchange, Rejected where one is not from this partner to us.
        """
        told = transport.receipt(self.settings, delivery)
        if told is not None:
            yield told
            return
        body = transport.open_delivery(self.settings, delivery)
        yield from taking.changes(body, self.settings, delivery.received_at)
        due = transport.receipt_due(self.settings, delivery)
        if due is not None:
            yield due

    def poll(self, cursor: str | None) -> Page:
        """Files that came to the partner's SFTP folder. Raises ConnectorError, Rejected where none is set."""
        return self.transport.poll(cursor)

    def compose(
        self, writes: Sequence[Write], draw: Callable[[str], int], at: datetime
    ) -> tuple[Sequence[Composed], Mapping[int, ConnectorError]]:
        """Envelopes for documents that leave. No I/O."""
        return as2_later.compose(self.settings, writes, draw, at, composing.compose)

    def push(self, write: Write) -> str:
        """Carries a composed interchange to the partner, byte by byte; a repeat carries the same bytes."""
        if write.kind != "interchange":
            raise Rejected(f"a {write.kind} leaves inside an interchange, not by itself", code="enveloped")
        record = write.record
        number = str(record["number"])
        name, body = str(record.get("name") or f"{number}.edi"), str(record["body"]).encode("latin-1")
        return self.transport.send(name, body, number)

    def find(self, kind: str, reference: str) -> str | None:
        """Nobody can be asked; what is sent again has the same number, and is the same to the partner."""
        return None

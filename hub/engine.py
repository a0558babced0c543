"""Receive, process, deliver: the three verbs of the hub, each one or two short transactions.

Receiving is here; `hub.inward` processes, `hub.outward` delivers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from hub.connector import Answer, Delivery
from hub.core import Bounds
from hub.errors import Invalid
from hub.failpoints import failpoint
from hub.inward import Inward
from hub.outward import Outward
from hub.store import queue
from hub.store.intake import Item, Verdict, accept, item

__all__ = ["Bounds", "Hub"]


@dataclass
class Hub(Inward, Outward):
    """The middle of everything."""

    def receive(self, connection: str, delivery: Delivery, door: str = "webhook") -> Item:
        """Check a delivery's authenticity. Raises AuthFailed or Invalid; stores nothing yet."""
        live = self.registry.get(connection)
        if not live.receives:
            raise Invalid(f"connection {connection!r} does not receive anything", field="connection")
        vary = live.manifest.repeats_vary
        return item(connection, door, live.connector.verify(delivery), delivery, repeats_vary=vary)

    def response(self, it: Item) -> Answer | None:
        """What a sender wants to hear once it is stored; None: any 2xx will do."""
        live = self.registry.get(it.connection)
        told = live.connector.response(it.delivery) if live.responds else None
        return None if told is None else Answer(*told)

    def dropped(self, connection: str, name: str, body: bytes) -> Item:
        """A file from the drop folder: whoever may write there is trusted; its content is its event id.

        A trading partner who sends a file once more wants its answer once more: it is looked at again.
        """
        partner, now = self.registry.get(connection).composes, self.store.now()
        delivery = Delivery({"x-file-name": name}, body, f"file:{name}", now, "FILE")
        digest = hashlib.sha256(body).hexdigest()
        event = f"{digest}:{now:%Y%m%dT%H%M}" if partner else digest
        return item(connection, "file", [event], delivery)

    def refused_file(self, connection: str, name: str, why: str) -> None:
        """Tell a human about a file that could not be taken in; the file itself was put aside."""
        with self.store.begin() as tx:
            tx.cases.open(
                reason="file_refused", title=f"File {name} for {connection} was refused: {why}", now=tx.now,
                connection=connection, subject=f"{connection}/{name}",
                evidence={"file": name, "connection": connection, "error": why},
            )  # fmt: skip

    def accept(self, items: Sequence[Item]) -> Sequence[Verdict]:
        """Put verified deliveries in the inbox, durably, and ring."""
        with self.store.begin() as tx:
            verdicts = accept(self.store.database, tx.conn, items)
            failpoint("file.before_commit")
        failpoint("file.after_commit")
        self.ring("inbox")
        return verdicts

    def sweep(self) -> int:
        """Ring for everything that is due: what makes every lost doorbell harmless."""
        with self.store.look() as tx:
            names = list(queue.due_connections(tx.conn))
            names += ["inbox"] if queue.inbox_due(tx.conn) else []
        for name in names:
            failpoint("sweep.before_ring")
            self.ring(name)
        return len(names)

"""Composing: what goes to a trading partner gets its envelope, and its numbers, in one transaction.

A number is drawn where the envelope is kept: rolled back together, they leave no gap. From then on the
envelope is a document like others, and is carried and repeated byte by byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from hub import merge, process
from hub.connector import Composed, Composer, Kind, Write
from hub.core import Core
from hub.errors import ConnectorError, Fenced
from hub.failpoints import failpoint
from hub.model import Interchange, InterchangeState
from hub.process import Cause
from hub.registry import Live
from hub.stages.outcome import Event
from hub.store.database import new_id
from hub.store.promoted import promoted
from hub.store.tables import XREF
from hub.store.tx import Tx
from hub.store.xrefs import Sent

SERIES_MAX = 64  # characters of a counter's name


class Job(NamedTuple):
    """One document on its way to one connection."""

    row: Any
    write: Write
    version: int


class Composing(Core):
    """The half of delivering that makes envelopes."""

    def _compose_all(self, live: Live, jobs: Sequence[Job]) -> Sequence[Job]:
        """Compose those that leave in envelopes; returns the others, which are written as they are."""
        kinds = live.manifest.kinds
        if not live.composes:
            return jobs
        inside = [job for job in jobs if kinds.get(job.write.kind, Kind()).enveloped]
        if inside:
            self._compose(live, live.connector, inside)
        return [job for job in jobs if job not in inside]

    def _compose(self, live: Live, composer: Composer, jobs: Sequence[Job]) -> None:
        """All in one transaction; where a worker lost a row, or one upsets the others, each in its own."""
        try:
            refused = self._composed(live, composer, jobs)
        except Exception as error:  # noqa: BLE001 - whatever a connector raises, every row must be settled
            if len(jobs) > 1:
                for job in jobs:
                    self._compose(live, composer, [job])
            elif not isinstance(error, Fenced):
                self._failed(XREF, jobs[0].row, error)
            return
        for at, problem in refused.items():
            self._failed(XREF, jobs[at].row, problem, alive=True)

    def _composed(self, live: Live, composer: Composer, jobs: Sequence[Job]) -> Mapping[int, ConnectorError]:
        with self._unit() as tx:
            writes = [job.write for job in jobs]
            made, refused = composer.compose(writes, _draw(tx, live.name), tx.now)
            for one in made:
                self._keep_envelope(tx, live, one, jobs)
            failpoint("compose.before_commit")
        failpoint("compose.after_commit")
        return refused

    def _keep_envelope(self, tx: Tx, live: Live, one: Composed, jobs: Sequence[Job]) -> None:
        inside = [jobs[at] for at in one.members]
        tx.documents.prefetch([job.row.document_id for job in inside])
        document = _interchange(tx, live.name, one, inside)
        cause = Cause("hub", inside[0].row.id if inside else live.name)
        process.run(tx, [Event("interchange.composed", document)], self.addressees, cause)
        sent = [
            Sent(jobs[at].row, _known_as(tx, live.name, jobs[at], given), jobs[at].version)
            for at, given in one.members.items()
        ]
        if not tx.xrefs.sent(live.name, sent):
            raise Fenced("another worker holds one of these by now")
        for arrived in sent:
            tx.trail.attempt(
                at=tx.now, row=arrived.row, verb="deliver", outcome="done",
                document_id=arrived.row.document_id, version=arrived.version,
                external_id=arrived.external_id,
            )  # fmt: skip
            if arrived.row.last_error:
                tx.cases.close_row(arrived.row.id, tx.now)


def _known_as(tx: Tx, connection: str, job: Job, given: str) -> str:
    """What came from there, such as what we are to acknowledge, keeps the name by which it is known again."""
    ours = tx.reader.origin(job.row.document_id) != connection
    return given if ours else job.write.external_id or given


def _interchange(tx: Tx, connection: str, one: Composed, inside: Sequence[Job]) -> Interchange:
    orders = set()
    for job in inside:
        document = tx.documents.get(job.row.document_id)
        orders.add(promoted(document).order if document else "")
    made = merge.make(
        "interchange",
        new_id(),
        {
            **one.fields,
            "direction": "out",
            "partner": connection,
            "exchanged_at": tx.now,
            "order": orders.pop() if len(orders) == 1 else "",
        },
        f"{connection}.compose",
    )
    assert isinstance(made, Interchange)
    state = InterchangeState.SENT if made.acknowledge_by else InterchangeState.DELIVERED
    return made.model_copy(update={"state": state})


def _draw(tx: Tx, connection: str) -> Callable[[str], int]:
    """Numbers of one connection's own series, from 1 on."""
    return lambda series: tx.reader.next_number(_series(connection, series))


def _series(connection: str, series: str) -> str:
    name = f"{connection}/{series}"
    if len(name) <= SERIES_MAX:
        return name
    return f"{hashlib.sha256(connection.encode()).hexdigest()[:32]}/{series}"

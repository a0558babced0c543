"""One comparison of two sets of books under way: both are staged page by page and compared page by page.

Memory does not grow with the books. Our side is read after the system's, and after a poll: what differs
only because it was on its way is told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

import structlog

from hub.comparing import Difference, Effects, Here, Moment, Sums, There, Why, effects, judge
from hub.connector import Bookkeeper, OpenItem
from hub.describing import described
from hub.engine import Hub
from hub.errors import Fenced, Invalid, Rejected
from hub.failpoints import failpoint
from hub.model import Money
from hub.registry import Live
from hub.store import access, reconciliations, staging
from hub.store.tx import Tx

log = structlog.get_logger("o2c.reconcile")
PAGE = 500  # items of one short transaction
ASKED_MAX = 200  # ids in one call of items()
PAGES_MAX = 100_000
LEASE_SECONDS = 300.0  # between two steps of a run

Progress = Callable[[str, int], None]


def quiet(step: str, count: int) -> None:
    """Tells nobody."""


def keeper(hub: Hub, connection: str) -> Live:
    """A connection that keeps books. Raises Invalid where there is none such."""
    live = hub.registry.get(connection)
    if not isinstance(live.connector, Bookkeeper):
        able = [name for name, one in hub.registry.all().items() if isinstance(one.connector, Bookkeeper)]
        told = f"those that do: {', '.join(sorted(able))}" if able else "no connection here does"
        raise Invalid(f"{connection} ({live.manifest.title}) keeps no books to compare with; {told}",
                      field="connection")  # fmt: skip
    return live


class Pair(NamedTuple):
    """Two items that were compared, and what came of it."""

    here: Here | None
    there: There | None
    found: Difference | None


@dataclass
class Comparison:
    """One run under way."""

    hub: Hub
    row: Any
    lease: str
    holder: str
    settle_seconds: float
    progress: Progress
    open_cases: set[str]  # subjects; those that are left at the end have no difference any more
    customers: set[str] | None  # what the system calls the one customer; None: everybody
    moment: Moment | None = None
    here: int = 0
    there: int = 0
    compared: int = 0
    found: int = 0
    flying: int = 0
    kept: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        return str(self.row.id)

    @property
    def connection(self) -> str:
        return str(self.row.connection)

    @property
    def connector(self) -> Any:
        return keeper(self.hub, self.connection).connector

    def tell(self, step: str, count: int) -> None:
        self.progress(step, count)
        with self.hub.store.begin() as tx:
            self._hold(tx, step)

    def _hold(self, tx: Tx, step: str) -> None:
        if not access.lead(self.hub.store.database, tx.conn, self.lease, self.holder, LEASE_SECONDS):
            raise Fenced("another process reconciles this connection by now")
        reconciliations.step(tx.conn, self.run_id, step, items_here=self.here, items_there=self.there)

    # -- staging -----------------------------------------------------------
    def stage_there(self) -> None:
        """The system's open items, page by page."""
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            page = self.connector.open_items(cursor)
            mine = [one for one in page.items if self.customers is None or one.customer in self.customers]
            with self.hub.store.begin() as tx:
                items = [read(one) for one in mine]
                self.there += staging.put_there(tx.conn, self.run_id, items, listed=True)
                self._hold(tx, f"reads open items of {self.connection}")
                failpoint("reconcile.staged")
            self.progress(f"open items of {self.connection}", self.there)
            if page.cursor is None:
                return
            if page.cursor == cursor:
                raise Rejected(f"{self.connection} gave the same page of open items twice")
            cursor = page.cursor
        raise Rejected(f"{self.connection} has more than {PAGES_MAX:,} pages of open items")

    def stage_here(self) -> None:
        """Our open items that the system has or should have."""
        for kind, state in staging.OPEN_STATES:
            after = None
            while True:
                with self.hub.store.look() as tx:
                    page = staging.open_page(
                        tx.conn, self.connection, kind, state, after=after, customer=self.row.customer_id,
                        limit=PAGE,
                    )  # fmt: skip
                    heres = self._counting(tx, page)
                with self.hub.store.begin() as tx:
                    self.here += staging.put_here(tx.conn, self.run_id, heres)
                    self._hold(tx, "reads the ledger")
                self.progress("open items of the hub", self.here)
                if len(page) < PAGE:
                    break
                after = (page[-1].created_at, page[-1].here.document_id)

    def _counting(self, tx: Tx, page: Sequence[staging.Stood]) -> list[Here]:
        """Of these documents those with something open that the connection has or is to hear of."""
        still = [one for one in page if one.here.open and not one.unwanted]
        untied = [one.here.document_id for one in still if not one.tied]
        events = staging.events_of(tx.conn, untied) if untied else {}
        tx.documents.prefetch(untied)
        wanted = {one for one in untied if self._wanted(tx, one, events.get(one, ()))}
        return [one.here for one in still if one.tied or one.here.document_id in wanted]

    def _wanted(self, tx: Tx, document_id: str, events: Any) -> bool:
        document = tx.documents.get(document_id)
        return document is not None and any(
            self.connection in self.hub.addressees(tx, event, document) for event in sorted(events)
        )

    def ask_for_absent(self) -> None:
        """What is open here and not there: closed there, or gone?"""
        after = ""
        while True:
            with self.hub.store.look() as tx:
                page = staging.absent_page(tx.conn, self.run_id, after, ASKED_MAX)
            if not page:
                return
            answers = self.connector.items([(one.kind, one.external_id) for one in page])
            with self.hub.store.begin() as tx:
                staging.put_there(tx.conn, self.run_id, [read(one) for one in answers], listed=False)
                self._hold(tx, f"asks {self.connection} for what it has not listed")
            after = page[-1].document_id
            self.progress(f"items asked of {self.connection}", len(answers))

    # -- comparing ---------------------------------------------------------
    def compare(self) -> None:
        """Each of our items with the system's."""
        with self.hub.store.look() as tx:
            since = tx.now - timedelta(seconds=self.settle_seconds)
            self.moment = Moment(since, staging.is_behind(tx.conn, self.connection, since))
        after = ""
        while True:
            with self.hub.store.look() as tx:
                page = staging.here_page(tx.conn, self.run_id, after, PAGE)
                partners = staging.there_of(tx.conn, self.run_id, page)
                theres = self._owned(tx, list(partners.values()))
            if not page:
                return
            self._write([self._pair(one, theres.get(_key(partners.get(one.document_id)))) for one in page])
            after = page[-1].document_id

    def _pair(self, here: Here | None, there: There | None, twin: str = "") -> Pair:
        assert self.moment is not None
        return Pair(here, there, judge(here, there, self.moment, twin=twin))

    def _owned(self, tx: Tx, theres: Sequence[There]) -> dict[Any, There]:
        """With our customers instead of the system's, by kind and id."""
        ours = staging.homes(tx.conn, self.connection, "customer", {one.customer for one in theres} - {""})
        return {
            _key(one): one._replace(
                customer=ours.get(one.customer) or (f"there:{one.customer}" if one.customer else "")
            )
            for one in theres
        }

    def compare_rest(self) -> None:
        """The system's open items that none of our open ones answered to."""
        after = ("", "")
        while True:
            with self.hub.store.look() as tx:
                page = staging.unmet_page(tx.conn, self.run_id, after, PAGE)
                theres = self._owned(tx, page)
                pairs = self._closed_here(tx, list(theres.values()))
            if not page:
                return
            self._write(pairs)
            after = (page[-1].kind, page[-1].external_id)

    def _closed_here(self, tx: Tx, theres: Sequence[There]) -> list[Pair]:
        homes = {
            (kind, external_id): document_id
            for kind in {one.kind for one in theres}
            for external_id, document_id in staging.homes(
                tx.conn, self.connection, kind, [one.external_id for one in theres if one.kind == kind]
            ).items()
        }
        ids = {*homes.values(), *(one.reference for one in theres if one.reference)}
        stood = staging.named(tx.conn, self.connection, ids)
        taken = {key: met or one.external_id for key, (one, met) in
                 staging.staged_here(tx.conn, self.run_id, ids).items()}  # fmt: skip
        return [self._against(one, homes.get(_key(one), one.reference), stood, taken) for one in theres]

    def _against(self, there: There, document_id: str, stood: Any, taken: dict[str, str]) -> Pair:
        """An item against the document that it may be; `taken`: what documents were compared with already."""
        here = stood[document_id].here if document_id in stood else None
        if here is None or here.kind != there.kind:
            return self._pair(None, there)
        known = taken.get(document_id, here.external_id)
        if known and known != there.external_id:
            return self._pair(None, there, twin=known)
        if document_id in taken:  # it got its id there while we compared
            why = Why.UNREADABLE if there.fault else Why.MADE_THERE
            return Pair(None, there, Difference(why, None, there, True))
        taken[document_id] = there.external_id
        return self._pair(here, there)

    def _write(self, pairs: Sequence[Pair]) -> None:
        """A page of results: the sums, and the differences with their words."""
        everything, explained, flying = (_sum(pairs, only) for only in (None, False, True))
        differing = [pair.found for pair in pairs if pair.found is not None]
        room = max(reconciliations.KEPT_MAX - self.kept, 0)
        self.compared += len(pairs)
        with self.hub.store.look() as tx:
            rows = described(self.hub, tx, self.run_id, self.connection, differing[:room])
        with self.hub.store.begin() as tx:
            met = [(pair.here, pair.there) for pair in pairs if pair.here and pair.there]
            staging.put_here(tx.conn, self.run_id, [here for here, _ in met])
            staging.meet(tx.conn, self.run_id, met)
            staging.add(tx.conn, self.run_id, everything, explained=explained, flying=flying)
            reconciliations.keep(tx.conn, rows)
            self._count(differing, len(rows))
            self._hold(tx, f"compares ({self.compared:,} done)")
        self.progress("compared", self.compared)

    def _count(self, differing: Sequence[Difference], kept: int) -> None:
        self.kept += kept
        for one in differing:
            self.open_cases.discard(subject(self.connection, one.question))
            if one.in_flight:
                self.flying += 1
            else:
                self.found += 1
                self.counts[str(one.why)] = self.counts.get(str(one.why), 0) + 1

    def finish(self) -> None:
        """Sums that tie out, or no result at all."""
        with self.hub.store.begin() as tx:
            if off := staging.untied(tx.conn, self.run_id):
                raise RuntimeError(f"the sums of {off} customers are not explained by what was found")
            totals = staging.grand_totals(tx.conn, self.run_id)
            staging.drop(tx.conn, self.run_id)
            reconciliations.end(
                tx.conn, self.run_id, state="done", now=tx.now, items_here=self.here, items_there=self.there,
                found=self.found, in_flight=self.flying, kept=self.kept,
                counts=reconciliations.as_json(self.counts), totals=reconciliations.as_json(totals),
            )  # fmt: skip
            # the one case about all of them stays as long as there is one
            gone = self.open_cases - ({whole(self.connection)} if self.found else set())
            reconciliations.answer(tx.conn, gone, tx.now)
            reconciliations.tidy(tx.conn, self.connection)
            access.lead(self.hub.store.database, tx.conn, self.lease, self.holder, 0.0)
            failpoint("reconcile.before_commit")
        log.info("reconciled", connection=self.connection, differences=self.found, in_flight=self.flying)


def subject(connection: str, question: str) -> str:
    """The key of the case about a difference: while one is open, no other asks the same."""
    return f"{reconciliations.REASON}|{connection}/{question}"[:200]


def whole(connection: str) -> str:
    """The key of the case about all differences with a connection, which a night opens."""
    return f"{reconciliations.REASON}|{connection}"


def read(item: OpenItem) -> There:
    """An item of the system in minor units; one whose figures are none says so instead."""
    plain = There(
        item.external_id,
        item.kind,
        item.number,
        item.customer,
        item.currency,
        0,
        0,
        item.reference,
        item.status,
    )
    try:
        amount, still = (Money(amount=one, currency=item.currency).minor for one in (item.amount, item.open))
    except ValueError:
        shown = f"{item.amount} and {item.open} open in {item.currency or 'no currency'}"
        return plain._replace(fault=f"its figures ({shown}) are no amounts of a currency we know")
    if amount < 0 or still < 0:
        return plain._replace(fault=f"its figures ({item.amount}, {item.open} open) are negative")
    return plain._replace(amount=amount, open=still)


def _key(one: There | None) -> tuple[str, str]:
    return (one.kind, one.external_id) if one is not None else ("", "")


def _sum(pairs: Sequence[Pair], flying: bool | None) -> Effects:
    """What these items are worth; only those that differ and are (not) in flight, where that is asked."""
    sums: dict[tuple[str, str], Sums] = {}
    for pair in pairs:
        if flying is not None and (pair.found is None or pair.found.in_flight is not flying):
            continue
        for key, worth in effects(pair.here, pair.there).items():
            sums[key] = sums.get(key, Sums(0, 0)) + worth
    return sums

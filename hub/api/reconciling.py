"""Routes for reconciliation: asking for one, what it found, and the repairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query
from pydantic import Field

from hub import reconciling, repairing
from hub.api.access import Operator, TheHub, Viewer
from hub.api.actions import Missing, known
from hub.api.shapes import After, Limit, Name, Page, Search, Shape, page
from hub.comparing import Repair, Why
from hub.engine import Hub
from hub.model import Money
from hub.store import reconciliations, staging
from hub.store.reconciliations import Filter

router = APIRouter()
SEQS_MAX = 1_000

State = Literal["asked", "running", "done", "failed"]


class ReconciliationIn(Shape):
    """Which books to compare."""

    connection: str = Field(min_length=1, max_length=64)
    customer: str = Field(
        default="", max_length=200, description="only this one's: document id, exact name, or the system's id"
    )


class TotalOut(Shape):
    """Net owed: open invoices less unapplied credits and payments. here - there = explained + in_flight."""

    here: Money
    there: Money
    explained: Money = Field(description="sum of the differences that were found")
    in_flight: Money = Field(description="sum of those that changed only just now")


class CustomerTotalOut(TotalOut):
    """A customer whose two balances differ."""

    customer: str = Field(description="document id, or `there:` and the system's own id")


class ReconciliationOut(Shape):
    """A comparison of the ledger with the open items of one system."""

    id: str
    connection: str
    state: State
    step: str = Field(description="what it is at")
    customer_id: str = Field(description="only this customer's; empty: everybody's")
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    items_here: int = Field(description="open items of the hub that were compared")
    items_there: int = Field(description="open items of the system that were compared")
    differences: int
    in_flight: int = Field(description="not counted as differences: they changed only just now")
    kept: int = Field(description="of both, how many are stored")
    by_type: Mapping[str, int]
    totals: Sequence[TotalOut] = Field(description="per currency")
    error: str


class DifferenceOut(Shape):
    """One difference, explained."""

    seq: int
    type: Why
    kind: str
    document_id: str
    external_id: str
    number: str
    customer_id: str
    customer: str
    in_flight: bool
    explanation: str
    evidence: Mapping[str, Any] = Field(description="both figures, and what else is known")
    repairs: Sequence[Repair] = Field(description="those that fit, the recommended one first")
    repaired: str = Field(description="what was done about it; empty: nothing yet")
    repaired_by: str
    repaired_at: datetime | None
    outcome: str


class RepairIn(Shape):
    """Which differences, and how. Without `seqs`: all that fit `types`, `kind` and `customer`."""

    repair: Literal["resend", "reread", "case", "all"] = Field(description="all: each as is recommended")
    seqs: Sequence[int] | None = Field(default=None, max_length=SEQS_MAX)
    types: Sequence[Why] = ()
    kind: str = Field(default="", max_length=32)
    customer: str = Field(default="", max_length=200)


class RepairOut(Shape):
    """What became of one difference."""

    seq: int
    repair: str
    done: bool
    outcome: str


def shown(row: Any) -> ReconciliationOut:
    """A stored run for people."""
    return ReconciliationOut(
        id=row.id, connection=row.connection, state=row.state, step=row.step, customer_id=row.customer_id,
        asked_by=row.asked_by, asked_at=row.asked_at, started_at=row.started_at, finished_at=row.finished_at,
        items_here=row.items_here, items_there=row.items_there, differences=row.found,
        in_flight=row.in_flight, kept=row.kept, by_type=orjson.loads(row.counts),
        totals=[_total(one) for one in orjson.loads(row.totals)], error=row.error,
    )  # fmt: skip


def _total(one: Mapping[str, Any]) -> TotalOut:
    return TotalOut(**_sums(one, one["currency"]))


def _sums(minor: Mapping[str, int], currency: str) -> dict[str, Any]:
    names = ("here", "there", "explained", "in_flight")
    return {name: Money.of_minor(minor[name], currency) for name in names}


def customer_total(row: Any) -> CustomerTotalOut:
    """Stored sums of a customer for people."""
    minor = {name.removesuffix("_minor"): value for name, value in row._mapping.items()}
    return CustomerTotalOut(customer=row.customer_id, **_sums(minor, row.currency))


def difference(row: Any) -> DifferenceOut:
    """A stored difference for people."""
    return DifferenceOut(
        seq=row.seq, type=row.why, kind=row.kind, document_id=row.document_id, external_id=row.external_id,
        number=row.number, customer_id=row.customer_id, customer=row.customer, in_flight=bool(row.in_flight),
        explanation=row.said, evidence=orjson.loads(row.evidence),
        repairs=[Repair(one) for one in row.offers.split(",") if one], repaired=row.repair,
        repaired_by=row.repaired_by, repaired_at=row.repaired_at, outcome=row.outcome,
    )  # fmt: skip


def run_of(hub: Hub, run_id: str) -> ReconciliationOut:
    """A run. Raises Missing."""
    with hub.store.look() as tx:
        row = reconciliations.one(tx.conn, run_id)
    if row is None:
        raise Missing(f"there is no reconciliation {run_id!r}")
    return shown(row)


@router.get("/reconciliations", tags=["reconciliation"])
def listed(
    who: Viewer, hub: TheHub, connection: Name = "", limit: Limit = 50, after: After = ""
) -> Page[ReconciliationOut]:
    """Reconciliations, newest first."""
    with hub.store.look() as tx:
        rows = reconciliations.runs(tx.conn, connection=connection, limit=limit, after=after)
    return page([shown(row) for row in rows], limit, rows[-1].id if rows else "")


@router.post("/reconciliations", tags=["reconciliation"])
def ask(who: Operator, hub: TheHub, given: ReconciliationIn) -> ReconciliationOut:
    """Ask for one. The running hub begins it within seconds; while it waits it is not asked for twice."""
    with hub.store.look() as tx:
        known(tx, given.connection)
    return run_of(hub, reconciling.ask(hub, given.connection, by=who.name, customer=given.customer))


@router.get("/reconciliations/{run_id}", tags=["reconciliation"])
def one(who: Viewer, hub: TheHub, run_id: str) -> ReconciliationOut:
    """How far it is, or what it found."""
    return run_of(hub, run_id)


@router.get("/reconciliations/{run_id}/differences", tags=["reconciliation"])
def differences(
    who: Viewer, hub: TheHub, run_id: str, *, type: Annotated[Sequence[Why], Query()] = (), kind: Name = "",
    customer: Search = "", in_flight: bool | None = None, limit: Limit = 50,
    after: Annotated[int, Query(ge=0, description="`after` of the page before")] = 0,
) -> Page[DifferenceOut]:  # fmt: skip
    """What differs, in the order it was found."""
    run_of(hub, run_id)
    wanted = Filter([str(one) for one in type], kind, customer, in_flight)
    with hub.store.look() as tx:
        rows = reconciliations.differences(tx.conn, run_id, wanted, limit=limit, after=after)
    return page([difference(row) for row in rows], limit, str(rows[-1].seq) if rows else "")


@router.get("/reconciliations/{run_id}/customers", tags=["reconciliation"])
def customers(
    who: Viewer, hub: TheHub, run_id: str, limit: Limit = 50,
    after: Annotated[str, Query(max_length=240, description="`after` of the page before")] = "",
) -> Page[CustomerTotalOut]:  # fmt: skip
    """Customers whose balances differ, and by how much."""
    run_of(hub, run_id)
    with hub.store.look() as tx:
        rows = staging.off(tx.conn, run_id, limit=limit, after=after)
    return page([customer_total(row) for row in rows], limit, rows[-1].customer_id if rows else "")


@router.post("/reconciliations/{run_id}/repair", tags=["reconciliation"])
def repair(who: Operator, hub: TheHub, run_id: str, given: RepairIn) -> Sequence[RepairOut]:
    """Repair differences: send ours again, read theirs again, or ask a person. Each is done once."""
    run_of(hub, run_id)
    wanted = Filter([str(one) for one in given.types], given.kind, given.customer, seqs=given.seqs)
    done = repairing.repair(hub, run_id, given.repair, wanted, by=who.name)
    return [RepairOut(seq=d.seq, repair=d.repair, done=d.done, outcome=d.outcome) for d in done]

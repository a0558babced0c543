"""Reconciliation: the ledger against the books of each ERP, what differs, and the buttons that repair it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from hub import reconciling, repairing
from hub.api import reconciling as showing
from hub.api.access import Role
from hub.comparing import Why
from hub.connector import Bookkeeper
from hub.errors import Invalid
from hub.store import reconciliations, staging
from hub.store.reconciliations import Filter
from hub.ui.visit import Visit, get, post

ROWS = 50
CHOSEN_MAX = 1_000
KINDS = ("invoice", "credit_memo", "payment")
UNDER_WAY = ("asked", "running")


def overview(visit: Visit) -> Response:
    """The last runs of every connection that keeps books."""
    with visit.hub.store.look() as tx:
        rows = reconciliations.runs(
            tx.conn, connection=visit.asked("connection"), limit=ROWS, after=visit.asked("after")
        )
        now = tx.now
    live = visit.hub.registry.all()
    names = sorted(name for name, one in live.items() if isinstance(one.connector, Bookkeeper))
    after = rows[-1].id if len(rows) >= ROWS else ""
    return visit.show(
        "reconciliation.html", runs=[showing.shown(row) for row in rows], names=names, now=now, after=after,
        connection=visit.asked("connection"), at=visit.settings.reconcile_at,
    )  # fmt: skip


def ask(visit: Visit) -> Response:
    """Ask for one; the hub begins it at once."""
    run_id = reconciling.ask(
        visit.hub, visit.field("connection"), by=visit.who.name, customer=visit.field("customer")[:200]
    )
    return visit.go(f"/reconciliation/{run_id}", "It begins within seconds.")


def run(visit: Visit) -> Response:
    """One run: its totals, its differences by the filters of the query, and their repairs."""
    shown = showing.run_of(visit.hub, visit.params["run_id"])
    chosen = _asked(visit)
    with visit.hub.store.look() as tx:
        after = visit.asked("after")
        rows = reconciliations.differences(
            tx.conn, shown.id, _filter(chosen), limit=ROWS, after=int(after) if after.isdigit() else 0
        )
        off = staging.off(tx.conn, shown.id, limit=ROWS)
        now = tx.now
    return visit.show(
        "reconciled.html", run=shown, rows=[showing.difference(row) for row in rows], chosen=chosen,
        customers=[showing.customer_total(row) for row in off] if len(off) > 1 else [], now=now,
        whys=[why for why in Why if why in shown.by_type], kinds=KINDS,
        after=str(rows[-1].seq) if len(rows) >= ROWS else "", under_way=shown.state in UNDER_WAY,
    )  # fmt: skip


def progress(visit: Visit) -> Response:
    """How far it is, asked again and again; once it has ended, the whole page is drawn anew."""
    shown = showing.run_of(visit.hub, visit.params["run_id"])
    answer = visit.show("_reconciling.html", run=shown, under_way=shown.state in UNDER_WAY)
    if shown.state not in UNDER_WAY:
        answer.headers["HX-Refresh"] = "true"
    return answer


def _asked(visit: Visit) -> Mapping[str, str]:
    return {name: visit.asked(name) for name in ("type", "kind", "customer", "state")}


def _filter(chosen: Mapping[str, str]) -> Filter:
    flying = {"in_flight": True, "open": False}.get(chosen["state"])
    whys = [chosen["type"]] if chosen["type"] else []
    return Filter(whys, chosen["kind"], chosen["customer"], flying, open_only=chosen["state"] == "open")


def repair(visit: Visit) -> Response:
    """One row by its button, the ticked ones, or all that fit the filters."""
    run_id, one = visit.params["run_id"], visit.field("one")
    if one:
        seq, _, how = one.partition(":")
        wanted = Filter(seqs=_seqs([seq]))
    else:
        how, ticked = visit.field("how"), [s for s in visit.form.getlist("seq") if isinstance(s, str)]
        chosen = {name: visit.field(name)[:200] for name in ("type", "kind", "customer", "state")}
        wanted = _filter(chosen) if visit.field("every") else Filter(seqs=_seqs(ticked))
    told = repairing.repair(visit.hub, run_id, how, wanted, by=visit.who.name)
    done = sum(each.done for each in told)
    left = next((each.outcome for each in told if not each.done), "")
    notice = f"{done} of {len(told)} repaired." + (f" The first that was left: {left[:300]}" if left else "")
    return visit.go(f"/reconciliation/{run_id}", notice)


def _seqs(given: Sequence[str]) -> list[int]:
    if not given:
        raise Invalid("tick at least one difference, or choose all that are shown", field="seq")
    if len(given) > CHOSEN_MAX or not all(one.isdigit() and len(one) < 19 for one in given):
        raise Invalid(f"at most {CHOSEN_MAX} differences at once, by their numbers", field="seq")
    return [int(one) for one in given]


PLACES: Sequence[Any] = (
    get("/reconciliation", overview),
    post("/reconciliation", ask, Role.OPERATOR),
    get("/reconciliation/{run_id}", run),
    get("/reconciliation/{run_id}/progress", progress),
    post("/reconciliation/{run_id}/repair", repair, Role.OPERATOR),
)

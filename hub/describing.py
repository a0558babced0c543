"""Differences in words: names instead of ids, both figures, what explains them, and the repairs that fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.comparing import Difference, Here, Names, Related, Why, money, offers, say
from hub.engine import Hub
from hub.store import figures, reconciliations, staging
from hub.store.tx import Tx

RELATED_MAX = 5
_ONE_SIDED = frozenset({Why.APPLIED_HERE, Why.APPLIED_THERE, Why.SETTLED_HERE, Why.SETTLED_THERE})
_ONLY_HERE = frozenset({Why.APPLIED_HERE, Why.SETTLED_HERE})


def described(
    hub: Hub, tx: Tx, run_id: str, connection: str, differing: Sequence[Difference]
) -> Sequence[Mapping[str, Any]]:
    """Differences as they are stored."""
    live = hub.registry.get(connection)
    reads = [kind for kind, one in live.manifest.kinds.items() if one.inbound]
    writes = [kind for kind, one in live.manifest.kinds.items() if one.outbound]
    called = _customers(tx, differing)
    rows = []
    for one in differing:
        owners = _owners(one, called, connection)
        related = _related(tx, run_id, connection, one) if one.why in _ONE_SIDED else ()
        fits = offers(one, reads=reads, writes=writes)
        rows.append(
            {
                "run_id": run_id, "connection": connection, "why": str(one.why), "kind": one.kind,
                "in_flight": int(one.in_flight), "offers": ",".join(fits),
                "said": say(one, Names(connection, *owners, related)),
                "evidence": reconciliations.as_json(_evidence(one, owners, related)),
                **_columns(one, owners),
            }
        )  # fmt: skip
    return rows


def _columns(one: Difference, owners: tuple[str, str]) -> Mapping[str, Any]:
    here, there = one.here, one.there
    return {
        "document_id": here.document_id if here else "",
        "external_id": (there.external_id if there else "") or (here.external_id if here else ""),
        "number": ((here.number if here else "") or (there.number if there else ""))[:200],
        "customer_id": ((here.customer if here else "") or (there.customer if there else ""))[:240],
        "customer": (owners[0] or owners[1])[:200],
    }


def _customers(tx: Tx, differing: Sequence[Difference]) -> Mapping[str, str]:
    ids = {side.customer for one in differing for side in (one.here, one.there) if side is not None}
    wanted = sorted(one for one in ids if one and not one.startswith("there:"))
    found: dict[str, str] = {}
    for at in range(0, len(wanted), figures.IDS_MAX):
        part = figures.labels(tx.conn, wanted[at : at + figures.IDS_MAX])
        found |= {key: name for key, (_, name) in part.items()}
    return found


def _owners(one: Difference, called: Mapping[str, str], connection: str) -> tuple[str, str]:
    def name(customer: str) -> str:
        if customer.startswith("there:"):
            return f"customer {customer.removeprefix('there:')} of {connection}"
        return called.get(customer, customer)

    return name(one.here.customer) if one.here else "", name(one.there.customer) if one.there else ""


def _evidence(one: Difference, owners: tuple[str, str], related: Sequence[Related]) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    if one.here is not None:
        found["here"] = {
            "amount": money(one.here.amount, one.here.currency),
            "open": money(one.here.open, one.here.currency),
            "state": one.here.state, "customer": owners[0], "outbox": one.here.outbox,
        }  # fmt: skip
    if one.there is not None:
        figured = one.there._replace(amount=0, open=0) if one.there.fault else one.there
        found["there"] = {
            "amount": money(figured.amount, figured.currency), "open": money(figured.open, figured.currency),
            "status": one.there.status, "customer": owners[1], "fault": one.there.fault,
        }  # fmt: skip
    if related:
        found["related"] = [
            {"kind": r.kind, "document": r.document_id, "number": r.number, "external_id": r.external_id,
             "amount": money(r.amount, one.here.currency) if one.here else ""}
            for r in related
        ]  # fmt: skip
    if one.twin:
        found["twin"] = one.twin
    return found


def _related(tx: Tx, run_id: str, connection: str, one: Difference) -> Sequence[Related]:
    """What is settled against it on one side only, where that can be told."""
    here, there = one.here, one.there
    if here is None or there is None:
        return ()
    others = ("payment", "credit_memo") if here.kind == "invoice" else ("invoice",)
    gap = here.open - there.open
    same = staging.counterparts(tx.conn, run_id, here, gap, others)
    if len(same) == 1:
        other = same[0]
        return [Related(other.kind, other.document_id, other.number, other.external_id, abs(gap))]
    return _applied(tx, connection, here, abs(gap)) if one.why in _ONLY_HERE else ()


def _applied(tx: Tx, connection: str, here: Here, gap: int) -> Sequence[Related]:
    """Of what we applied: what the system has not been told, else the one that is as large as the gap."""
    invoice = here.kind == "invoice"
    applied = tx.books.allocations(**{"invoice" if invoice else "payment": here.document_id})
    others = [one.payment if invoice else one.invoice for one in applied]
    told = staging.told_of(tx.conn, connection, others)
    labels = figures.labels(tx.conn, others)
    found = [
        Related(labels[other][0], other, labels[other][1], told.get(other, ("", ""))[0], one.amount.minor)
        for one, other in zip(applied, others, strict=True)
        if other in labels
    ]
    untold = [one for one in found if told.get(one.document_id, ("", ""))[1] != "done"]
    fitting = [one for one in untold if one.amount == gap] or untold
    if not fitting:
        exact = [one for one in found if one.amount == gap]
        fitting = exact if len(exact) == 1 else []
    return fitting[:RELATED_MAX]

"""The order-to-cash process on one screen: which stage answers which event, and who may decide what."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from hub.errors import IllegalMove
from hub.model import Document
from hub.model.states import is_legal
from hub.stages import (
    adjusting,
    amending,
    billing,
    cancelling,
    closing,
    credit,
    crediting,
    fulfilment,
    invoicing,
    matching,
    ordering,
    receivables,
    resolving,
)
from hub.stages.outcome import Decision, Event, Outcome, Stage
from hub.store.documents import promoted
from hub.store.tx import Tx

REACTIONS: Mapping[str, Sequence[Stage]] = {
    "customer.received": (),
    "customer.changed": (),
    "customer.linked": (),
    "customer.credit_freed": (credit.release_holds,),
    "order.received": (ordering.validate,),
    "order.changed": (ordering.validate,),
    "order.invalid": (),
    "order.validated": (credit.check,),
    "order.held": (),
    "order.rejected": (),
    "order.cancelled": (),
    "order.recalled": (),
    "order.approved": (fulfilment.request,),
    "order.part_invoiced": (),
    "order.invoiced": (),
    "order.progressed": (),
    "order.closed": (),
    "shipment.received": (fulfilment.confirm,),
    "shipment.changed": (fulfilment.confirm,),
    "shipment.refused": (),
    "shipment.confirmed": (invoicing.generate, billing.check_waiting),
    "invoice.received": (billing.check,),
    "invoice.changed": (billing.check,),
    "invoice.refused": (),
    "invoice.withdrawn": (),
    "invoice.issued": (receivables.open_item,),
    "invoice.part_paid": (closing.close_order,),
    "invoice.paid": (closing.close_order,),
    "invoice.overdue": (closing.tell_order,),
    "invoice.reopened": (closing.reopened,),
    "invoice.cancelled": (closing.uninvoiced,),
    "credit_memo.received": (crediting.check,),
    "credit_memo.changed": (crediting.check,),
    "credit_memo.refused": (),
    "credit_memo.withdrawn": (),
    "credit_memo.issued": (),
    "credit_memo.applied": (invoicing.settle, credit.release_holds),
    "credit_memo.unapplied": (invoicing.settle,),
    "credit_memo.cancelled": (invoicing.settle,),
    "adjustment.received": (adjusting.check,),
    "adjustment.changed": (adjusting.check,),
    "adjustment.refused": (),
    "adjustment.withdrawn": (),
    "adjustment.booked": (invoicing.settle, credit.release_holds),
    "adjustment.reversed": (invoicing.settle,),
    "payment.received": (matching.apply,),
    "payment.changed": (matching.changed,),
    "payment.withdrawn": (),
    "payment.reversed": (invoicing.settle,),
    "payment.unapplied": (invoicing.settle,),
    "payment.unidentified": (),
    "payment.on_account": (credit.release_holds,),
    "payment.refunded": (),
    "payment.applied": (invoicing.settle, credit.release_holds),
    "message.received": (),
    "message.changed": (),
}

DECISIONS: Mapping[str, Mapping[str, Decision]] = {  # case reason -> what a person may decide
    "order_invalid": {"accept": ordering.accept, "cancel": ordering.cancel},
    "credit_hold": {"release": credit.release, "reject": credit.reject},
    "credit_rejected": {"cancel": ordering.cancel},
    "withdrawn": {"keep": amending.keep, "cancel": amending.withdraw, "credit": amending.credit},
    "late_change": {"keep": amending.keep, "amend": amending.amend, "credit": amending.credit},
    "merged": {"keep": amending.keep, "cancel": amending.withdraw},
    "shipment_refused": {"retry": fulfilment.retry},
    "invoice_refused": {"retry": billing.retry, "accept": billing.accept, "cancel": billing.drop},
    "invoice_cancelled": {"cancel": cancelling.unapply_and_cancel, "keep": amending.keep},
    "credit_memo_refused": {"retry": crediting.retry, "cancel": crediting.drop},
    "unapplied_credit": {"apply": resolving.apply_to, "leave_open": resolving.leave_credit},
    "adjustment_refused": {"retry": adjusting.retry, "cancel": adjusting.drop},
    "unmatched_payment": {
        "apply": resolving.apply_to, "on_account": resolving.on_account, "refund": resolving.refund,
        "duplicate": resolving.duplicate,
    },
    "overpayment": {
        "apply": resolving.apply_to, "on_account": resolving.on_account, "refund": resolving.refund,
    },
    "payment_reversed": {
        "returned": resolving.returned, "on_account": resolving.on_account,
        "leave_open": resolving.leave_open,
    },
    "short_payment": {
        "leave_open": resolving.leave_open, "bank_fee": adjusting.bank_fee, "write_off": adjusting.write_off,
    },
}  # fmt: skip

EVENTS_MAX = 500  # events that one delivery or decision may cause; more is a loop


class Cause(NamedTuple):
    """Why something happens: kept with every event."""

    actor: str  # a connection, a person, or `hub`
    id: str  # the inbox row or case
    origin: str = ""  # connection a new document came from
    translated_by: str = ""  # mapping and version


Hear = Callable[[Tx, str, Document], Sequence[str]]  # (event, document) -> connections to tell


def run(tx: Tx, first: Sequence[Event], hear: Hear, cause: Cause) -> None:
    """Carry events through the process in one transaction: save, post, tell, react.

    Raises IllegalMove where a stage would take a document to a state it cannot reach.
    """
    queue, count = deque(first), 0
    while queue:
        event = queue.popleft()
        count += 1
        if count > EVENTS_MAX:
            raise RuntimeError(f"over {EVENTS_MAX} events from {cause.id}, the last {event.name}")
        _happen(tx, event, hear, cause)
        for stage in REACTIONS[event.name]:
            queue.extend(apply(tx, stage(event.document, tx.reader), cause))


def apply(tx: Tx, outcome: Outcome, cause: Cause) -> Sequence[Event]:
    """Write what a stage or a person decided; returns the events that follow."""
    for group in outcome.groups:
        tx.books.post(group, tx.now, tx.now.date())
    for document_id, reason in outcome.closes:
        tx.cases.close(document_id, [reason], tx.now)
    for case in outcome.cases:
        order = promoted(case.document).order
        tx.cases.open(
            reason=case.reason, title=case.title, now=tx.now, evidence=case.evidence,
            document_id=case.document.id, order_id=order,
        )  # fmt: skip
    return outcome.events


def _happen(tx: Tx, event: Event, hear: Hear, cause: Cause) -> None:
    document = event.document
    known = tx.documents.get(document.id)
    after: StrEnum | None = getattr(document, "state", None)
    before: StrEnum | None = getattr(known, "state", None)
    if before is not None and after is not None and not is_legal(document.kind, before, after):
        raise IllegalMove(f"{document.kind} {document.id} cannot go from {before} to {after}")
    origin, by = (
        (cause.origin, cause.translated_by) if event.name.endswith((".received", ".changed")) else ("", "")
    )
    version = tx.documents.save(document, tx.now, touch=event.touch, origin=origin, by=by)
    tx.trail.event(
        at=tx.now, document_id=document.id, order_id=promoted(document).order, kind=document.kind,
        version=version, event=event.name, actor=cause.actor, cause=cause.id,
    )  # fmt: skip
    if version:
        for connection in hear(tx, event.name, document):
            tx.xrefs.want(connection, document, version, tx.now)

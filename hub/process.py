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
    acknowledging,
    adjusting,
    amending,
    billing,
    cancelling,
    changing,
    closing,
    credit,
    crediting,
    disputing,
    fulfilment,
    interchanging,
    invoicing,
    matching,
    ordering,
    paying_out,
    receivables,
    reclaiming,
    refunding,
    remitting,
    resolving,
    responding,
    revising,
    statements,
)
from hub.stages.outcome import Decision, Event, Outcome, Stage
from hub.store.promoted import promoted
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
    "order.rejected": (responding.answer,),
    "order.cancelled": (responding.answer,),
    "order.recalled": (responding.answer,),
    "order.approved": (responding.answer, fulfilment.request),
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
    "invoice.returned": (),
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
    "payment.reversed": (invoicing.settle, paying_out.line_lost),
    "payment.unapplied": (invoicing.settle,),
    "payment.unidentified": (),
    "payment.on_account": (credit.release_holds,),
    "payment.refunded": (invoicing.settle,),
    "payment.restored": (invoicing.settle, credit.release_holds),
    "payment.transferred": (),
    "payment.applied": (invoicing.settle, credit.release_holds),
    "refund.received": (refunding.check,),
    "refund.changed": (refunding.check,),
    "refund.refused": (),
    "refund.withdrawn": (),
    "refund.booked": (),
    "refund.reversed": (),
    "dispute.received": (disputing.check,),
    "dispute.changed": (disputing.check,),
    "dispute.refused": (),
    "dispute.opened": (),
    "dispute.won": (),
    "dispute.lost": (),
    "payout.received": (paying_out.check,),
    "payout.changed": (paying_out.check,),
    "payout.refused": (),
    "payout.announced": (),
    "payout.settled": (),
    "payout.failed": (),
    "payout.returned": (),
    "payout.unsettled": (),
    "remittance.received": (remitting.check,),
    "remittance.changed": (remitting.check,),
    "remittance.refused": (),
    "remittance.noted": (),
    "remittance.waiting": (),
    "remittance.matched": (),
    "statement.received": (statements.check,),
    "statement.changed": (statements.check,),
    "statement.accepted": (),
    "order_change.received": (changing.check,),
    "order_change.changed": (changing.check,),
    "order_change.waiting": (),
    "order_change.accepted": (responding.answer_change,),
    "order_change.rejected": (),
    "order_response.received": (),  # prepared by a person; it is issued when its order is approved
    "order_response.issued": (),
    "order_response.acknowledged": (),
    "order_response.disowned": (),
    "order_response.resent": (),
    "shipment.acknowledged": (),
    "shipment.disowned": (),
    "shipment.resent": (),
    "invoice.acknowledged": (),
    "invoice.disowned": (),
    "invoice.resent": (),
    "credit_memo.acknowledged": (),
    "credit_memo.disowned": (),
    "credit_memo.resent": (),
    "interchange.received": (interchanging.check,),
    "interchange.changed": (),
    "interchange.taken": (),
    "interchange.composed": (),
    "interchange.resent": (),
    "interchange.answered": (),
    "interchange.accepted": (),
    "interchange.accepted_with_errors": (),
    "interchange.partly_accepted": (),
    "interchange.rejected": (),
    "interchange.overdue": (),
    "acknowledgment.received": (acknowledging.check,),
    "acknowledgment.changed": (acknowledging.check,),
    "acknowledgment.issued": (),
    "acknowledgment.matched": (),
    "acknowledgment.unmatched": (),
    "message.received": (),
    "message.changed": (),
}

_RECLAIMED: Mapping[str, Decision] = {
    "credit": reclaiming.credit, "collect": reclaiming.collect, "write_off": reclaiming.write_off,
}  # fmt: skip
DECISIONS: Mapping[str, Mapping[str, Decision]] = {  # case reason -> what a person may decide
    "order_invalid": {
        "accept": ordering.accept, "revise": revising.accept_changed, "cancel": ordering.cancel,
    },
    "credit_hold": {
        "release": credit.release, "revise": revising.accept_changed, "reject": credit.reject,
    },
    "order_change_waiting": {
        "accept": changing.accept, "credit": changing.credit_difference, "reject": changing.reject,
    },
    "order_change_stale": {"noted": reclaiming.noted},
    "credit_rejected": {"cancel": ordering.cancel},
    "withdrawn": {"keep": amending.keep, "cancel": amending.withdraw, "credit": amending.credit},
    "late_change": {"keep": amending.keep, "amend": amending.amend, "credit": amending.credit},
    "merged": {"keep": amending.keep, "cancel": amending.withdraw},
    "shipment_refused": {"retry": fulfilment.retry},
    "invoice_refused": {
        "retry": billing.retry, "accept": billing.accept, "send_back": billing.send_back,
        "cancel": billing.drop,
    },
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
    "sent_back_twice": {"noted": reclaiming.noted},
    "refund_refused": {"retry": refunding.retry, "drop": refunding.drop},
    "refund_applied": _RECLAIMED,
    "dispute_refused": {"retry": disputing.retry},
    "dispute_opened": {"noted": reclaiming.noted},
    "dispute_lost": _RECLAIMED,
    "payout_refused": {"retry": paying_out.retry, "accept": paying_out.accept},
    "payout_missing": {"noted": reclaiming.noted},
    "payout_failed": {"noted": reclaiming.noted, "release": paying_out.release},
    "short_payment": {
        "leave_open": resolving.leave_open, "bank_fee": adjusting.bank_fee, "write_off": adjusting.write_off,
        "deduction": adjusting.deduction, "discount": adjusting.discount,
    },
    "remittance_refused": {"retry": remitting.retry, "drop": remitting.set_aside},
    "unmatched_remittance": {"match": remitting.match, "leave_open": remitting.set_aside},
    "statement_gap": {"leave_open": statements.leave},
    "statement_repeated": {"drop": statements.leave, "accept": statements.accept},
    "statement_overlap": {"drop": statements.leave, "accept": statements.accept},
    "statement_unbalanced": {"drop": statements.leave},
    "sets_refused": {"noted": interchanging.noted},
    "acknowledgment_overdue": {"resend": interchanging.resend, "noted": interchanging.noted},
    "refused_by_partner": {"resend": acknowledging.resend, "noted": acknowledging.noted},
    "unmatched_acknowledgment": {"noted": acknowledging.noted},
}  # fmt: skip

CHAIN_MAX = 100  # events each caused by the one before it; more is a loop
EVENTS_MAX = 200_000  # that one object or decision may cause: a payment may settle thousands of invoices


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
    queue, count = deque((event, 1) for event in first), 0
    while queue:
        event, chain = queue.popleft()
        count += 1
        if count > EVENTS_MAX or chain > CHAIN_MAX:
            raise RuntimeError(f"{count} events from {cause.id}, {chain} in a chain, the last {event.name}")
        _happen(tx, event, hear, cause)
        for stage in REACTIONS[event.name]:
            queue.extend((one, chain + 1) for one in apply(tx, stage(event.document, tx.reader), cause))


def apply(tx: Tx, outcome: Outcome, cause: Cause) -> Sequence[Event]:
    """Write what a stage or a person decided; returns the events that follow."""
    for group in outcome.groups:
        tx.books.post(group, tx.now, tx.now.date())
    answered: dict[str, list[str]] = {}
    for document_id, reason in outcome.closes:
        answered.setdefault(document_id, []).append(reason)
    for document_id, reasons in answered.items():
        tx.cases.close(document_id, reasons, tx.now)
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

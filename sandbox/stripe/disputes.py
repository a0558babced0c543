"""Disputes: inquiries, chargebacks with a fee, evidence, won and lost, and debits the bank returns."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import ledger
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.clock import DAY
from sandbox.stripe.fields import BOOLEAN, EXPAND, METADATA, PAGE, SPAN, TEXT, Spec, group
from sandbox.stripe.listing import page, within
from sandbox.stripe.merging import metadata
from sandbox.stripe.refusals import unable

EVIDENCE = (
    *("access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure"),
    *("cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name"),
    *("customer_purchase_ip", "customer_signature", "duplicate_charge_documentation"),
    *(
        "duplicate_charge_explanation",
        "duplicate_charge_id",
        "product_description",
        "receipt",
        "refund_policy",
    ),
    *("refund_policy_disclosure", "refund_refusal_explanation", "service_date", "service_documentation"),
    *("shipping_address", "shipping_carrier", "shipping_date", "shipping_documentation"),
    *("shipping_tracking_number", "uncategorized_file", "uncategorized_text"),
)
ANSWER_WITHIN = 20 * DAY
CLOSED = ("won", "lost", "warning_closed", "prevented")


def open_dispute(
    account: Account, charge: Thing, reason: str, *, amount: int | None = None, inquiry: bool = False
) -> Thing:
    """A customer disputes a charge; unless it is only an inquiry, the money is withdrawn. Raises Refused."""
    if charge["_dispute"] or charge["status"] != "succeeded":
        raise unable(f"Charge {charge['id']} cannot be disputed.", "charge", "charge_disputed")
    if charge["payment_method_details"]["type"] != "card":
        return return_debit(account, charge, reason)  # banks take debits back without asking
    made = account.add("dispute", _blank(account, charge, reason, amount or charge["amount"]))
    made["status"] = "warning_needs_response" if inquiry else "needs_response"
    made["is_charge_refundable"] = inquiry
    charge["_dispute"] = made["id"]
    with account.changing(charge, "charge.updated"):
        charge["disputed"] = True
    account.tell("charge.dispute.created", made)
    if not inquiry:
        _withdraw(account, made)
    return made


def _blank(account: Account, charge: Thing, reason: str, amount: int) -> Thing:
    card = charge["payment_method_details"]["type"] == "card"
    network = {"brand": "visa", "case_type": "chargeback", "network": "visa", "network_reason_code": "10.4"}
    return {
        "amount": amount,
        "charge": charge["id"],
        "created": account.now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": account.now() + ANSWER_WITHIN, "enhanced_eligibility": {}, "has_evidence": False,
            "past_due": False, "submission_count": 0, "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4" if card else None,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"card": network, "type": "card"} if card else None,
        "reason": reason,
        "status": "needs_response",
        "_transactions": [],
    }  # fmt: skip


def _withdraw(account: Account, dispute: Thing, fee: int | None = None) -> None:
    charged = account.terms.dispute_fee if fee is None else fee
    taken = ledger.move(
        *(account, "adjustment", -dispute["amount"], dispute["currency"], dispute["id"]),
        fee=charged,
        fee_for="Dispute fee",
        category="dispute",
        described=f"Chargeback withdrawal for {dispute['charge']}",
    )
    with account.changing(dispute, "charge.dispute.funds_withdrawn"):
        dispute["_transactions"].append(taken["id"])


def escalate(account: Account, dispute: Thing) -> None:
    """An inquiry becomes a chargeback. Raises Refused."""
    if not dispute["status"].startswith("warning") or dispute["status"] in CLOSED:
        raise unable(f"Dispute {dispute['id']} is no open inquiry.")
    with account.changing(dispute, "charge.dispute.updated"):
        dispute["status"], dispute["is_charge_refundable"] = "needs_response", False
    _withdraw(account, dispute)


def close(account: Account, dispute: Thing, outcome: str) -> None:
    """The bank has decided: won or lost; an inquiry ends as warning_closed. Raises Refused."""
    if dispute["status"] in CLOSED:
        raise unable(
            f"Dispute {dispute['id']} is closed already: {dispute['status']}.", code="dispute_closed"
        )
    inquiry = dispute["status"].startswith("warning")
    types = ["charge.dispute.updated", "charge.dispute.closed"]
    with account.changing(dispute, *types):
        dispute["status"] = "warning_closed" if inquiry else outcome
    if not inquiry and outcome == "won":
        _reinstate(account, dispute)


def _reinstate(account: Account, dispute: Thing) -> None:
    back = -account.terms.dispute_fee if account.terms.dispute_fee_returned else 0
    given = ledger.move(
        *(account, "adjustment", dispute["amount"], dispute["currency"], dispute["id"]),
        fee=back,
        fee_for="Dispute fee refund",
        category="dispute_reversal",
        described=f"Chargeback reversal for {dispute['charge']}",
    )
    with account.changing(dispute, "charge.dispute.funds_reinstated"):
        dispute["_transactions"].append(given["id"])


def return_debit(account: Account, charge: Thing, reason: str) -> Thing:
    """The bank returns a debit after it had succeeded: a dispute that is lost as soon as it is told."""
    left = charge["amount"] - charge["amount_refunded"]
    if charge["_dispute"] or not left or charge["status"] != "succeeded":
        raise unable(f"Charge {charge['id']} cannot be returned.", "charge", "charge_disputed")
    made = account.add("dispute", _blank(account, charge, reason, left))
    charge["_dispute"] = made["id"]
    with account.changing(charge, "charge.updated"):
        charge["disputed"] = True
    account.tell("charge.dispute.created", made)
    _withdraw(account, made, account.terms.return_fee)
    with account.changing(made, "charge.dispute.updated", "charge.dispute.closed"):
        made["status"] = "lost"
    return made


def _update(call: Call) -> Thing:
    account, given = call.account, call.given
    dispute = account.get("dispute", call.ids[0])
    if dispute["status"] in CLOSED:
        raise unable("This dispute is already closed.", code="dispute_closed")
    with account.changing(dispute, "charge.dispute.updated"):
        _fill(account, dispute, given)
    return dispute


def _fill(account: Account, dispute: Thing, given: dict[str, Any]) -> None:
    dispute["metadata"] = metadata(dispute["metadata"], given)
    details = dispute["evidence_details"]
    if given.get("evidence"):
        dispute["evidence"] = {**dispute["evidence"], **given["evidence"]}
        details["has_evidence"] = any(dispute["evidence"][name] for name in EVIDENCE)
    if given.get("submit", bool(given.get("evidence"))):
        details["submission_count"] += 1
        details["submission_method"] = "manual"
        warned = dispute["status"].startswith("warning")
        dispute["status"] = "warning_under_review" if warned else "under_review"


def _close(call: Call) -> Thing:
    dispute = call.account.get("dispute", call.ids[0])
    close(call.account, dispute, "lost")
    return dispute


def _list(call: Call) -> Thing:
    account, given, among = call.account, call.given, None
    for name in ("payment_intent", "charge"):
        if given.get(name):
            among = account.of("dispute", name, given[name])
    return page(
        *(account, "dispute", given, "/v1/disputes"),
        fits=lambda one: within(given.get("created"), one["created"]),
        among=among,
    )


_CHANGED: Spec = {
    **EXPAND, "evidence": group(**dict.fromkeys(EVIDENCE, TEXT)), "metadata": METADATA, "submit": BOOLEAN
}  # fmt: skip
OPERATIONS = (
    Op("GET", "/v1/disputes", _list, {**PAGE, "charge": TEXT, "payment_intent": TEXT, "created": SPAN}),
    Op("GET", "/v1/disputes/{}", lambda call: call.account.get("dispute", call.ids[0])),
    Op("POST", "/v1/disputes/{}", _update, _CHANGED, "update"),
    Op("POST", "/v1/disputes/{}/close", _close, EXPAND, "close"),
)

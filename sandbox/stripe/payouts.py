"""Payouts: what is available goes to the bank account, daily or by hand, and sometimes comes back."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sandbox.stripe import ledger
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.clock import DAY, business_days
from sandbox.stripe.events import forget_old
from sandbox.stripe.fields import CURRENCY, EXPAND, METADATA, PAGE, SPAN, TEXT, Field, Spec, choice, need
from sandbox.stripe.listing import page, within
from sandbox.stripe.merging import metadata
from sandbox.stripe.refusals import unable

FAILURES = {
    "account_closed": "The bank account has been closed.",
    "no_account": "The bank account could not be located.",
    "could_not_process": "The bank could not process this payout.",
}


def every_day(account: Account) -> None:
    """Pay out now and at each midnight to come, while the schedule is daily."""
    clock = account.world.clock
    clock.at(int(clock.today().timestamp()) + DAY, lambda: _midnight(account))


def _midnight(account: Account) -> None:
    forget_old(account)
    _tell_available(account)
    if account.schedule == "daily":
        pay_out(account)
    every_day(account)


def _tell_available(account: Account) -> None:
    """balance.available, where a transaction has become so since yesterday."""
    now = account.now()
    waiting = (account.things[id] for id in account.unpaid)
    if any(one["status"] == "pending" and one["available_on"] <= now for one in waiting):
        account.tell("balance.available", ledger.balance(account))


def pay_out(account: Account) -> list[Thing]:
    """An automatic payout per currency of all that is available and in no payout yet, if that is positive."""
    waiting: dict[str, list[Thing]] = defaultdict(list)
    still: list[Thing] = []
    for id in account.unpaid:
        one = ledger.settle_status(account, account.things[id])
        (waiting[one["currency"]] if one["status"] == "available" else still).append(one)
    made = []
    for currency, ones in sorted(waiting.items()):
        amount = sum(one["net"] for one in ones)
        if amount <= 0:
            still += ones
            continue
        made.append(_automatic(account, currency, amount, ones))
    account.unpaid = [one["id"] for one in still]
    return made


def _automatic(account: Account, currency: str, amount: int, ones: list[Thing]) -> Thing:
    payout = _new(account, amount, currency, automatic=True)
    for one in (*ones, account.things[payout["balance_transaction"]]):
        one["_payout"] = payout["id"]
        account.relate(one, "_payout")
    account.tell("payout.created", payout)
    return payout


def _new(account: Account, amount: int, currency: str, *, automatic: bool, **given: Any) -> Thing:
    arrives = business_days(account.now(), account.terms.payout_days)
    payout = account.add(
        "payout",
        {
            "amount": amount,
            "application_fee": None,
            "application_fee_amount": None,
            "arrival_date": arrives,
            "automatic": automatic,
            "balance_transaction": None,
            "created": account.now(),
            "currency": currency,
            "description": given.get("description") or ("STRIPE PAYOUT" if automatic else None),
            "destination": account.bank,
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "livemode": False,
            "metadata": metadata({}, given),
            "method": given.get("method") or "standard",
            "original_payout": None,
            "payout_method": None,
            "reconciliation_status": "in_progress" if automatic else "not_applicable",
            "reversed_by": None,
            "source_type": "card",
            "statement_descriptor": given.get("statement_descriptor"),
            "status": "pending",
            "trace_id": {"status": "pending", "value": None},
            "type": "bank_account",
        },
    )
    booked = ledger.move(
        *(account, "payout", -amount, currency, payout["id"]),
        described=payout["description"],
        available=account.now(),
    )
    payout["balance_transaction"] = booked["id"]
    if not automatic:
        account.unpaid.append(booked["id"])
    account.world.clock.at(max(arrives - DAY // 2, account.now()), lambda: _sent(account, payout))
    account.world.clock.at(max(arrives, account.now() + 1), lambda: _paid(account, payout))
    return payout


def _sent(account: Account, payout: Thing) -> None:
    if payout["status"] == "pending":
        with account.changing(payout, "payout.updated"):
            payout["status"] = "in_transit"


def _paid(account: Account, payout: Thing) -> None:
    if payout["status"] not in ("pending", "in_transit"):
        return
    trace = f"0910000{account.world.dice.randrange(10**8):08d}"
    with account.changing(payout, "payout.updated", "payout.paid"):
        payout["status"] = "paid"
        payout["trace_id"] = {"status": "supported", "value": trace}
    account.lines.append(_line(account, payout, payout["amount"], "Payout"))
    if payout["automatic"]:
        account.world.clock.later(account.terms.reconciled_after, lambda: _reconciled(account, payout))


def _reconciled(account: Account, payout: Thing) -> None:
    with account.changing(payout, "payout.reconciliation_completed"):
        payout["reconciliation_status"] = "completed"


def _line(account: Account, payout: Thing, amount: int, text: str) -> dict[str, Any]:
    """What the owner's bank books: `amount` is signed, in the smallest unit."""
    return {
        "account": account.id,
        "date": f"{account.world.clock.moment():%Y-%m-%d}",
        "amount": amount,
        "currency": payout["currency"],
        "name": "STRIPE",
        "text": " ".join(
            part for part in ("STRIPE", payout["statement_descriptor"] or "TRANSFER", text) if part
        ),
        "trace_id": payout["trace_id"]["value"],
        "payout": payout["id"],
        "return_reason": payout["failure_code"],
    }


def fail(account: Account, payout: Thing, code: str = "account_closed") -> None:
    """The bank refuses a payout, or returns it after it had arrived: the money is back. Raises Refused."""
    if payout["status"] not in ("pending", "in_transit", "paid"):
        raise unable(f"Payout {payout['id']} is {payout['status']} and cannot fail.")
    arrived = payout["status"] == "paid"
    back = ledger.move(
        *(account, "payout_failure", payout["amount"], payout["currency"], payout["id"]),
        described="STRIPE PAYOUT FAILURE",
    )
    with account.changing(payout, "payout.updated", "payout.failed"):
        payout |= {
            "status": "failed", "failure_code": code,
            "failure_message": FAILURES.get(code, "The payout failed."),
            "failure_balance_transaction": back["id"],
        }  # fmt: skip
    if arrived:
        account.lines.append(_line(account, payout, -payout["amount"], "Payout returned"))


def _create(call: Call) -> Thing:
    account, given = call.account, call.given
    if account.schedule != "manual":
        told = "You can only create payouts by hand once automatic payouts are disabled for the account."
        raise unable(told, code="payouts_not_allowed")
    available = ledger.totals(account).get(given["currency"], (0, 0))[0]
    if given["amount"] > available:
        told = "You have insufficient funds in your Stripe account for this transfer."
        raise unable(told, "amount", "balance_insufficient")
    payout = _new(account, automatic=False, **{name: one for name, one in given.items() if name != "expand"})
    account.tell("payout.created", payout)
    return payout


def _cancel(call: Call) -> Thing:
    account, payout = call.account, call.account.get("payout", call.ids[0])
    if payout["status"] != "pending" or payout["automatic"]:
        raise unable("Only pending payouts made by hand can be canceled.")
    back = ledger.move(account, "payout_cancel", payout["amount"], payout["currency"], payout["id"])
    with account.changing(payout, "payout.updated", "payout.canceled"):
        payout |= {"status": "canceled", "failure_balance_transaction": back["id"]}
    return payout


def _update(call: Call) -> Thing:
    payout = call.account.get("payout", call.ids[0])
    with call.account.changing(payout, "payout.updated"):
        payout["metadata"] = metadata(payout["metadata"], call.given)
    return payout


def _list(call: Call) -> Thing:
    given = call.given

    def fits(one: Thing) -> bool:
        same = all(given.get(name) in (None, one[name]) for name in ("status", "destination"))
        arrives = within(given.get("arrival_date"), one["arrival_date"])
        return same and arrives and within(given.get("created"), one["created"])

    return page(call.account, "payout", given, "/v1/payouts", fits=fits)


def _transaction(call: Call) -> Thing:
    return ledger.settle_status(call.account, call.account.get("balance_transaction", call.ids[0]))


def _transactions(call: Call) -> Thing:
    account, given, among = call.account, call.given, None
    if given.get("source"):
        among = account.of("balance_transaction", "source", given["source"])
    if given.get("payout"):
        payout = account.get("payout", given["payout"], "payout", status=404)
        if not payout["automatic"]:
            told = "Balance transaction history can only be filtered on automatic transfers, not manual."
            raise unable(told, "payout")
        among = account.of("balance_transaction", "_payout", payout["id"])

    def fits(one: Thing) -> bool:
        same = all(given.get(name) in (None, one[name]) for name in ("type", "currency", "source"))
        return same and within(given.get("created"), ledger.settle_status(account, one)["created"])

    return page(account, "balance_transaction", given, "/v1/balance_transactions", fits=fits, among=among)


_CREATE: Spec = {
    **EXPAND,
    "amount": need(Field("integer", low=1)),
    "currency": need(CURRENCY),
    "description": TEXT,
    "destination": TEXT,
    "metadata": METADATA,
    "method": choice("standard", "instant"),
    "source_type": TEXT,
    "statement_descriptor": TEXT,
}
_TRANSACTIONS: Spec = {
    **PAGE,
    "created": SPAN,
    "currency": CURRENCY,
    "payout": TEXT,
    "source": TEXT,
    "type": TEXT,
}
OPERATIONS = (
    Op("GET", "/v1/balance", lambda call: ledger.balance(call.account)),
    Op("GET", "/v1/balance_transactions", _transactions, _TRANSACTIONS),
    Op("GET", "/v1/balance_transactions/{}", _transaction),
    Op("POST", "/v1/payouts", _create, _CREATE, "create"),
    Op(
        *("GET", "/v1/payouts", _list),
        {**PAGE, "arrival_date": SPAN, "created": SPAN, "destination": TEXT, "status": TEXT},
    ),
    Op("GET", "/v1/payouts/{}", lambda call: call.account.get("payout", call.ids[0])),
    Op("POST", "/v1/payouts/{}", _update, {**EXPAND, "metadata": METADATA}, "update"),
    Op("POST", "/v1/payouts/{}/cancel", _cancel, EXPAND, "cancel"),
)

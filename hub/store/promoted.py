"""What of a document is searched or summed in SQL: its promoted columns, and the keys they are found by."""

from __future__ import annotations

import re
from datetime import date
from functools import singledispatch
from typing import NamedTuple

from hub.model import (
    Acknowledgment,
    Adjustment,
    CreditMemo,
    Customer,
    Dispute,
    Document,
    Interchange,
    Invoice,
    Money,
    Order,
    OrderChange,
    OrderResponse,
    Payment,
    Payout,
    Refund,
    Remittance,
    Shipment,
    Statement,
)

LABEL_MAX = 60


class Promoted(NamedTuple):
    """The searched columns of a document."""

    number: str = ""
    reference: str = ""
    customer: str = ""
    order: str = ""
    amount: Money | None = None
    due_on: date | None = None
    trace: str = ""  # normalised: what ties a payment to its remittance or payout; of an order: part_key


def match_key(number: str) -> str:
    """A number as others quote it: only letters and digits, upper case."""
    return re.sub(r"[^A-Z0-9]", "", number.upper())[:120]


def part_key(order: Order) -> str:
    """Which part of its purchase order an order is: the release, and the customer's place. Empty: all."""
    release, place = match_key(order.release), match_key(order.delivery_location)
    return f"{release[:59]}@{place[:60]}" if release or place else ""


@singledispatch
def promoted(document: Document) -> Promoted:
    """The searched columns of a document; none for kinds nobody searches by more than their id."""
    return Promoted()


@promoted.register
def _of_customer(document: Customer) -> Promoted:
    return Promoted(document.name[:LABEL_MAX], "", document.id)


@promoted.register
def _of_order(document: Order) -> Promoted:
    return Promoted(
        document.number, match_key(document.purchase_order), document.customer, document.id,
        document.payable_amount, trace=part_key(document),
    )  # fmt: skip


@promoted.register
def _of_shipment(document: Shipment) -> Promoted:
    return Promoted(document.number[:LABEL_MAX], order=document.order)


@promoted.register
def _of_invoice(document: Invoice) -> Promoted:
    return Promoted(
        document.number, match_key(document.number), document.customer, document.order,
        document.payable_amount, document.due_date,
    )  # fmt: skip


@promoted.register
def _of_credit_memo(document: CreditMemo) -> Promoted:
    return Promoted(
        document.number, match_key(document.number), document.customer, document.order,
        document.payable_amount,
    )  # fmt: skip


@promoted.register
def _of_adjustment(document: Adjustment) -> Promoted:
    return Promoted(document.number, customer=document.customer, amount=document.amount)


@promoted.register
def _of_payment(document: Payment) -> Promoted:
    return Promoted(
        document.number, match_key(document.payer.account), document.customer, "", document.amount,
        document.value_on or document.booked_on, match_key(document.trace),
    )  # fmt: skip


@promoted.register
def _of_remittance(document: Remittance) -> Promoted:
    return Promoted(
        document.number, document.payment, document.customer, "", document.amount, document.paid_on,
        match_key(document.trace),
    )  # fmt: skip


@promoted.register
def _of_statement(document: Statement) -> Promoted:
    return Promoted(
        document.number, match_key(document.account) if document.final else "", "", "", document.closing,
        document.closed_on or document.opened_on,
    )  # fmt: skip


@promoted.register
def _of_payout(document: Payout) -> Promoted:
    return Promoted(
        document.number[:LABEL_MAX], document.payment, "", "", document.amount, document.arrives_on,
        match_key(document.trace),
    )  # fmt: skip


@promoted.register
def _of_refund(document: Refund | Dispute) -> Promoted:
    return Promoted(
        document.number[:LABEL_MAX], document.payment, document.customer, "", document.amount
    )  # fmt: skip


@promoted.register
def _of_interchange(document: Interchange) -> Promoted:
    due = document.acknowledge_by.date() if document.acknowledge_by else None
    return Promoted(document.number, "", "", document.order, due_on=due, trace=match_key(document.trace))


@promoted.register
def _of_acknowledgment(document: Acknowledgment) -> Promoted:
    return Promoted(document.number[:LABEL_MAX], order=document.order)


@promoted.register
def _of_order_response(document: OrderResponse) -> Promoted:
    return Promoted(
        document.number, match_key(document.purchase_order), document.customer, document.order
    )  # fmt: skip


@promoted.register
def _of_order_change(document: OrderChange) -> Promoted:
    return Promoted(document.number, match_key(document.purchase_order), "", document.order)

"""The fields of a bank line and of a statement that mappings may use."""

from __future__ import annotations

from hub.sdk import Field, Schema

_PARTY = ("name", "account", "bic", "id")
_TEXT = (
    "line_uid format currency bank_code bank_reference entry_bank_reference end_to_end_id customer_reference "
    "mandate_id cheque_number creditor_reference creditor_reference_kind purpose return_reason method trace "
    "batch_id"
)
_LISTS = "remittance_information remarks creditor_references charges debtors"
_DOCUMENT = (
    Field("documents[].number", label="as the payer wrote it"),
    Field("documents[].type", label="CINV, CREN ... or the X12 qualifier"),
    Field("documents[].dated", "date"),
    Field("documents[].currency"),
    Field("documents[].paid", "decimal", label="below zero where a credit is taken"),
    Field("documents[].original", "decimal"),
    Field("documents[].discount", "decimal"),
    Field("documents[].adjustments", "list"),
    Field("documents[].adjustments[].amount", "decimal", label="below zero: it makes the payment smaller"),
    Field("documents[].adjustments[].currency"),
    Field("documents[].adjustments[].reason"),
)
_FRAME = (
    Field("statement_uid", required=True),
    Field("format", label="camt.053, mt940, bai2 ..."),
    Field("final", "bool", label="no intraday report and no notification"),
    Field("id"),
    Field("number", label="the bank's sequence number"),
    Field("page"),
    Field("account", label="ours, of the connection or else as told", required=True),
    Field("told_account", label="ours as the bank writes it"),
    Field("currency", required=True),
    Field("created", label="as the bank writes it"),
    Field("opening", "decimal"),
    Field("opened_on", "date"),
    Field("closing", "decimal"),
    Field("closed_on", "date"),
    Field("credits", "decimal", label="sum of booked credits"),
    Field("debits", "decimal", label="sum of booked debits, above zero"),
    Field("entries", "integer", label="booked lines"),
    Field("transactions", "integer", label="details where a line is a batch"),
    Field("not_booked", "integer"),
)


def statement() -> Schema:
    """A statement. What was taken as payments and what was left make up credits less debits."""
    sums = [
        part
        for name in ("taken", "left")
        for part in (Field(f"{name}.count", "integer"), Field(f"{name}.amount", "decimal"))
    ]
    return Schema(fields=(*_FRAME, *sums), complete=True)


def payment() -> Schema:
    """A bank line. Amounts are signed: below zero for money that was taken back."""
    parties = [f"{role}.{name}" for role in ("debtor", "creditor") for name in _PARTY]
    return Schema(
        fields=(
            Field("account", label="our account the line is booked on", required=True),
            Field("amount", "decimal", label="signed amount in `currency`", required=True),
            Field("entry_amount", "decimal", label="signed amount of the whole entry"),
            Field("booked_on", "date", label="booking date", required=True),
            Field("value_on", "date", label="value date"),
            Field("reversal", "bool", label="undoes an earlier booking"),
            Field("residual", "bool", label="what a batch holds beyond its transactions"),
            Field("unsplit", "bool", label="a batch whose transactions carry no amounts"),
            Field("batch_position", "integer"),
            Field("batch_size", "integer"),
            Field("instructed", "object", label="what the payer ordered, where told"),
            Field("instructed.amount", "decimal"),
            Field("instructed.currency"),
            Field("exchange_rate", "decimal"),
            Field("documents", "list", label="what the payer says it is for"),
            *_DOCUMENT,
            *(Field(name) for name in _TEXT.split()),
            *(Field(name) for name in parties),
            *(Field(name, "list") for name in _LISTS.split()),
            *(Field(f"statement.{one.name}", one.type, one.label) for one in _FRAME),
        ),
        complete=True,
    )

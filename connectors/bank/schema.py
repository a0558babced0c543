"""The fields of a bank line that mappings may use."""

from __future__ import annotations

from hub.sdk import Field, Schema

_PARTY = ("name", "account", "bic", "id", "country")
_TEXT = (
    "line_uid currency bank_reference entry_reference entry_bank_reference end_to_end_id "
    "instruction_id transaction_id uetr mandate_id cheque_number message_id payment_information_id "
    "clearing_reference creditor_reference creditor_reference_kind purpose exchange_rate batch_count "
    "returned.code returned.text bank_transaction_code.domain bank_transaction_code.family "
    "bank_transaction_code.sub_family bank_transaction_code.proprietary statement.id statement.page "
    "statement.account statement.currency"
)
_LISTS = (
    "remittance_information remittance creditor_references additional_information charges instructed "
    "transaction_amounts debtors"
)


def payment() -> Schema:
    """A bank line. Amounts are signed: below zero for money that was taken back."""
    parties = [
        f"{role}.{name}"
        for role in ("debtor", "ultimate_debtor", "creditor", "ultimate_creditor")
        for name in _PARTY
    ]
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
            Field("statement.opening", "decimal"),
            Field("statement.closing", "decimal"),
            Field("statement.credits", "integer"),
            Field("statement.debits", "integer", label="debit lines of the statement, not read as payments"),
            Field("statement.not_booked", "integer"),
            *(Field(name) for name in _TEXT.split()),
            *(Field(name) for name in parties),
            *(Field(name, "list") for name in _LISTS.split()),
        ),
        complete=True,
    )

"""What the connector sends and asks for exists in Stripe's published parameters and objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.stripe.billing import bill, head
from connectors.stripe.encoding import pairs
from connectors.stripe.events import TYPES
from connectors.stripe.settings import VERSION
from hub.sdk import Write
from tests.connectors.stripe.conftest import invoice

SPEC = Path(__file__).resolve().parents[4] / "shared" / "specs" / "stripe" / "derived-2026-10-28.endive"


def definitions(name: str) -> Mapping[str, Any]:
    path = SPEC / f"{name}.schema.json"
    if not path.exists():
        pytest.skip(f"{path.name} of Stripe is not on this machine")
    told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    assert told["x-stripe-version"] == VERSION
    found: Mapping[str, Any] = told["$defs"]
    return found


def check(found: Mapping[str, Any], schema: Mapping[str, Any], value: Any, path: str = "") -> None:
    """Every name that is sent is one of the schema's, all the way down."""
    if "$ref" in schema:
        return check(found, found[schema["$ref"].split("/")[-1]], value, path)
    if "anyOf" in schema:
        fitting = [one for one in schema["anyOf"] if isinstance(value, Mapping) == _is_object(found, one)]
        return check(found, fitting[-1], value, path)
    if isinstance(value, Mapping) and schema.get("properties"):
        unknown = set(value) - set(schema["properties"])
        assert not unknown, f"{path}: {sorted(unknown)}"
        for name, inner in value.items():
            if inner is not None:
                check(found, schema["properties"][name], inner, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for one in value:
            check(found, schema["items"], one, f"{path}[]")


def _is_object(found: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    if "$ref" in schema:
        return _is_object(found, found[schema["$ref"].split("/")[-1]])
    return schema.get("type") == "object"


def test_an_invoice_is_made_of_parameters_that_exist() -> None:
    found = definitions("params")
    told = invoice("cus_1", custom_fields=[{"name": "PO", "value": "7"}], description="x")
    write: Write = told
    draft = head(write.record, write, UTC, datetime.now(UTC))
    lines = bill(write.record).lines
    check(found, found["InvoiceCreateParams"], draft)
    check(found, found["InvoiceAddLinesParams"], {"lines": list(lines), "expand": ["customer"]})
    for form in (draft, {"lines": lines}):
        assert pairs(form)


@pytest.mark.parametrize(
    ("params", "form"),
    [
        (
            "CustomerCreateParams",
            {"name": "x", "email": "x", "phone": "1", "address": {"line1": "a"}, "metadata": {}},
        ),
        ("InvoicePayParams", {"paid_out_of_band": True}),
        ("InvoiceAttachPaymentParams", {"payment_record": "pr_1"}),
        ("InvoiceFinalizeInvoiceParams", {"auto_advance": False}),
        ("InvoiceUpdateParams", {"metadata": {"a": "b"}}),
        (
            "CreditNoteCreateParams",
            {
                "invoice": "in_1",
                "amount": 1,
                "out_of_band_amount": 1,
                "email_type": "none",
                "memo": "",
                "metadata": {},
            },
        ),
        ("EventListParams", {"types": list(TYPES), "ending_before": "e", "limit": 1, "created": {"gte": 1}}),
        (
            "InvoicePaymentListParams",
            {"payment": {"type": "payment_intent", "payment_intent": "pi_1"}, "invoice": "i"},
        ),
        ("BalanceTransactionListParams", {"payout": "po_1", "limit": 100, "starting_after": "txn"}),
        (
            "WebhookEndpointCreateParams",
            {"url": "u", "enabled_events": [], "api_version": VERSION, "description": ""},
        ),
    ],
)
def test_every_other_request_is_made_of_parameters_that_exist(params: str, form: dict[str, Any]) -> None:
    found = definitions("params")
    check(found, found[params], form)


def test_events_and_fields_exist() -> None:
    found = definitions("resources")
    assert set(TYPES) <= set(found["event"]["properties"]["type"]["enum"])
    assert len(TYPES) <= 20
    wanted = {
        "charge": {"amount_captured", "balance_transaction", "failure_balance_transaction", "payment_intent"},
        "refund": {"balance_transaction", "failure_balance_transaction", "failure_reason"},
        "dispute": {"balance_transactions", "evidence_details", "network_reason_code"},
        "payout": {"automatic", "reconciliation_status", "trace_id", "arrival_date", "balance_transaction"},
        "balance_transaction": {"reporting_category", "fee", "net", "source", "available_on"},
        "invoice": {
            "amount_remaining",
            "amount_overpaid",
            "hosted_invoice_url",
            "starting_balance",
            "total_taxes",
        },
        "invoice_payment": {"amount_paid", "amount_requested", "payment", "status_transitions"},
        "credit_note": {"total", "status", "out_of_band_amount"},
    }
    for name, fields in wanted.items():
        assert fields <= set(found[name]["properties"]), name


def test_the_check_itself_finds_what_does_not_exist() -> None:
    found = definitions("params")
    with pytest.raises(AssertionError, match="paid_in_gold"):
        check(found, found["InvoicePayParams"], {"paid_in_gold": Decimal(1)})
    with pytest.raises(AssertionError, match="planet"):
        check(found, found["CustomerCreateParams"], {"address": {"planet": "Mars"}})

"""Writing back: properties of the deal the order came from, as often as it takes, with one effect."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from hub.sdk import Idempotency, Rejected, Transient, Unmappable, Write
from sandbox.kit import Fault
from tests.connectors.hubspot.account import Account


def order(deal: str | None, **properties: Any) -> Write:
    known = properties or {"o2c_order_number": "SO-1", "o2c_open_amount": Decimal("1200.50")}
    return Write("order", {"properties": known}, deal, reference="doc-1", idempotency_key="doc-1:1")


def test_properties_arrive_as_text_and_only_once_in_the_record_of_effects(account: Account) -> None:
    deal = account.won_deal()
    assert account.connect().push(order(deal)) == deal
    written = account.sandbox.properties("deals", deal)
    assert (written["o2c_order_number"], written["o2c_open_amount"]) == ("SO-1", "1200.50")
    assert [(e["action"], e["kind"], e["id"]) for e in account.sandbox.kit.effects] == [
        ("update", "deals", deal)
    ]
    assert account.sandbox.kit.effects[0]["properties"] == {
        "o2c_order_number": "SO-1",
        "o2c_open_amount": "1200.50",
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.10"), "0.10"),
        (7, "7"),
        (True, "true"),
        (None, ""),
        (date(2026, 10, 5), "2026-10-05"),
        (datetime(2026, 10, 5, 9, 30, tzinfo=UTC), "2026-10-05T09:30:00.000Z"),
    ],
)
def test_every_plain_value_has_a_text_form(account: Account, value: object, expected: str) -> None:
    deal = account.won_deal()
    account.connect().push(order(deal, o2c_order_number=value))
    assert account.sandbox.properties("deals", deal)["o2c_order_number"] == expected


@pytest.mark.parametrize("value", [0.1, ["a"], {"amount": Decimal(1), "currency": "EUR"}])
def test_a_value_without_a_plain_text_form_is_raised_and_nothing_is_sent(
    account: Account, value: object
) -> None:
    with pytest.raises(Unmappable, match=r"properties\.o2c_order_number"):
        account.connect().push(order(account.won_deal(), o2c_order_number=value))
    assert account.sandbox.kit.calls == 0


def test_a_record_without_properties_is_raised(account: Account) -> None:
    with pytest.raises(Unmappable, match="no properties"):
        account.connect().push(Write("order", {}, "5", "doc-1", "k"))


@pytest.mark.parametrize("deal", [None, "", "../companies/1"])
def test_an_order_that_came_from_no_deal_is_rejected_in_clear_words(
    account: Account, deal: str | None
) -> None:
    with pytest.raises(Rejected, match="document doc-1 has no deal") as caught:
        account.connect().push(order(deal))
    assert caught.value.sent is False


def test_another_kind_is_rejected(account: Account) -> None:
    with pytest.raises(Rejected, match="takes order, invoice, payment, not a shipment"):
        account.connect().push(order("5")._replace(kind="shipment"))


def test_a_deal_that_is_gone_is_rejected_with_its_id(account: Account) -> None:
    deal = account.won_deal()
    account.sandbox.delete("deals", deal)
    with pytest.raises(Rejected, match=f"deal {deal} is no longer in HubSpot") as caught:
        account.connect().push(order(deal))
    assert caught.value.request_id


def test_an_unknown_property_is_rejected_in_the_vendors_words_and_nothing_is_written(
    account: Account,
) -> None:
    deal = account.won_deal()
    with pytest.raises(Rejected) as caught:
        account.connect().push(order(deal, o2c_order_number="SO-1", o2c_typo="x"))
    assert 'Property "o2c_typo" does not exist' in caught.value.message
    assert caught.value.code == "VALIDATION_ERROR"
    assert caught.value.request_id
    assert "o2c_order_number" not in account.sandbox.properties("deals", deal)


def test_every_property_that_was_refused_is_named(account: Account) -> None:
    with pytest.raises(Rejected) as caught:
        account.connect().push(order(account.won_deal(), o2c_open_amount="a lot", hs_is_closed_won="true"))
    assert "a lot was not a valid double" in caught.value.message
    assert "read only" in caught.value.message


@pytest.mark.parametrize("kind", ["lost_reply", "truncate"])
def test_a_write_whose_reply_was_lost_is_repeated_with_the_same_effect(account: Account, kind: str) -> None:
    deal = account.won_deal()
    account.sandbox.kit.faults.append(Fault(kind=kind, method="PATCH"))
    assert account.connect().push(order(deal)) == deal
    states = {str(sorted(effect["properties"].items())) for effect in account.sandbox.kit.effects}
    assert len(states) == 1
    assert account.sandbox.properties("deals", deal)["o2c_order_number"] == "SO-1"


def test_a_server_error_is_transient(account: Account) -> None:
    account.sandbox.kit.faults.append(Fault(kind="refuse", method="PATCH", status=502, times=-1))
    with pytest.raises(Transient):
        account.connect().push(order(account.won_deal()))


def test_an_answer_about_another_deal_is_no_success(account: Account) -> None:
    deal = account.won_deal()
    account.sandbox.kit.faults.append(Fault(kind="refuse", method="PATCH", status=200, body={"id": "77"}))
    with pytest.raises(Rejected, match=f"deal 77 instead of {deal}"):
        account.connect().push(order(deal))


def test_nothing_has_to_be_looked_for(account: Account) -> None:
    connector = account.connect()
    assert connector.find("order", "doc-1") is None
    assert connector.manifest.kinds["order"].idempotency is Idempotency.NATIVE

"""Policies that the business owns: credit, terms, ordering and matching rules, from config/policies.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from hub.errors import Invalid, plain_fault
from hub.model.values import Currency, Exact, Money, Value

HUB = "hub"  # as the issuer of invoices


class Credit(Value):
    """When an order may be approved without a human."""

    default_limit: Money = Field(description="limit of customers that have none of their own")
    overdue_grace_days: int = Field(default=5, ge=0, description="days past due before a receivable blocks")
    overdue_tolerance: Exact = Field(default=Decimal(0), ge=0, description="overdue amount that is ignored")


class Ordering(Value):
    """What makes an order valid."""

    amount_tolerance: Exact = Field(
        default=Decimal("0.01"), ge=0, description="allowed difference between lines and declared amount"
    )
    purchase_order_once: bool = Field(default=True, description="one living order per purchase order")
    default_terms: str = "NET30"


class Discount(Value):
    """What a customer may take off for paying early."""

    percent: Exact = Field(gt=0, lt=100, description="of the invoice's payable amount")
    days: int = Field(ge=0, le=366, description="after its issue date, the last day included")


class Matching(Value):
    """How far cash is applied without a human."""

    apply_partial: bool = Field(default=True, description="apply a short payment and keep the rest open")
    known_payer_exact: bool = Field(
        default=True, description="apply when the payer's account is known and one open invoice fits exactly"
    )
    bank_fee_max: Mapping[Currency, Exact] = Field(
        default_factory=dict, description="largest difference a person may book as a bank fee, per currency"
    )
    write_off_max: Mapping[Currency, Exact] = Field(
        default_factory=dict, description="largest amount a person may write off of an invoice, per currency"
    )
    deduction_max: Mapping[Currency, Exact] = Field(
        default_factory=dict, description="largest deduction of an invoice a person may accept, per currency"
    )
    discounts: Mapping[str, Discount] = Field(
        default_factory=dict, description="payment terms code to the discount booked without a human"
    )
    discount_grace_days: int = Field(default=0, ge=0, le=60, description="days a discount may be late")
    remittance_window_days: int = Field(
        default=10, ge=0, le=90, description="days between advice and money that share only amount and payer"
    )
    remittance_wait_days: int = Field(
        default=5, ge=0, le=365, description="days after which announced money that has not come is a case"
    )
    payout_days: int = Field(
        default=5, ge=0, description="days around its expected arrival in which a bank line may be a payout"
    )


class Invoicing(Value):
    """Who issues invoices: `hub`, or the connection of the ERP that bills."""

    issuer: str = Field(default="hub", min_length=1, max_length=64)
    by_seller: Mapping[str, str] = Field(
        default_factory=dict, description="issuer of one seller's invoices, where it is another"
    )

    def issuer_of(self, seller: str) -> str:
        """The connection that bills for a seller; empty: the hub."""
        name = self.by_seller.get(seller, self.issuer)
        return "" if name == HUB else name


class Policies(Value):
    """The whole file."""

    credit: Credit
    ordering: Ordering = Ordering()
    matching: Matching = Matching()
    invoicing: Invoicing = Invoicing()
    sellers: tuple[str, ...] = Field(
        default=(), description="codes of the companies that sell; empty: there is one, or nobody checks"
    )
    terms: Mapping[str, int] = Field(description="payment terms code to days until due")


def load_policies(path: Path) -> Policies:
    """Read policies.yaml. Raises Invalid naming the field and what is wrong with it."""
    try:
        return _consistent(Policies.model_validate(yaml.safe_load(path.read_text("utf-8"))), path)
    except FileNotFoundError:
        raise Invalid(f"{path} is missing; copy it from the distribution's config folder") from None
    except yaml.YAMLError as error:
        raise Invalid(f"{path} is not YAML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Invalid(f"{path}: {place}: {plain_fault(first)}", field=place) from None


def _consistent(policies: Policies, path: Path) -> Policies:
    strange = [code for code in policies.matching.discounts if code not in policies.terms]
    if strange:
        raise Invalid(
            f"{path}: matching.discounts: {strange[0]!r} is none of the terms {', '.join(policies.terms)}",
            field="matching.discounts",
        )
    unknown = [code for code in policies.invoicing.by_seller if code not in policies.sellers]
    if unknown and policies.sellers:
        known = ", ".join(policies.sellers)
        raise Invalid(
            f"{path}: invoicing.by_seller: no seller is called {unknown[0]!r}; sellers are {known}",
            field="invoicing.by_seller",
        )
    return policies

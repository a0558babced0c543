"""Customers: who orders, who owes, and how much they may owe."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from hub.model.states import CustomerState
from hub.model.values import Address, Currency, Document, Money, Value


class Contact(Value):
    """UBL Contact: the person to write to about orders and invoices."""

    name: str = Field(default="", description="UBL Name (BT-56)", max_length=200)
    email: str = Field(default="", description="UBL ElectronicMail (BT-58)", max_length=320)
    phone: str = Field(default="", description="UBL Telephone (BT-57)", max_length=60)


class Customer(Document):
    """A party that buys (UBL AccountingCustomerParty)."""

    kind: ClassVar[str] = "customer"
    name: str = Field(description="UBL RegistrationName (BT-44)", min_length=1, max_length=400)
    tax_id: str = Field(default="", description="UBL CompanyID of PartyTaxScheme (BT-48)", max_length=60)
    duns: str = Field(default="", description="D-U-N-S number, nine digits", max_length=9)
    domain: str = Field(default="", description="internet domain, a weak identity hint", max_length=255)
    currency: Currency | None = Field(default=None, description="currency the customer usually buys in")
    payment_terms: str = Field(default="", description="code in policies.yaml `terms`, for example NET30")
    credit_limit: Money | None = Field(
        default=None, description="what the customer may owe; none: the policy's"
    )
    address: Address = Field(default=Address(), description="UBL PostalAddress (BG-8)")
    contact: Contact = Field(default=Contact(), description="UBL Contact (BG-9)")
    state: CustomerState = CustomerState.ACTIVE

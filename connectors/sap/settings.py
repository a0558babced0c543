"""The configuration form of an SAP S/4HANA connection, checked before anything is sent."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import date
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hub.sdk import SecretStr, web_address, zone_name

_FIELD = r"^[A-Za-z][A-Za-z0-9_]{0,59}$"
_CODE4 = r"^[A-Z0-9]{1,4}$"
_EXTENSION = re.compile(r"YY1_[A-Za-z0-9_]{1,50}")
_STANDARD_REFERENCES = frozenset({"PurchaseOrderByShipToParty", "PurchaseOrderByCustomer"})


class Accounts(BaseModel):
    """G/L accounts of one company code, as its chart of accounts has them (no leading zeros needed)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bank_clearing: str = Field(
        default="", pattern=r"^\d{0,10}$", description="where incoming money is booked"
    )
    revenue: str = Field(
        default="", pattern=r"^\d{0,10}$", description="credited by an invoice the hub issues"
    )
    write_off: str = Field(default="", pattern=r"^\d{0,10}$", description="bad debt and deductions")
    discount: str = Field(default="", pattern=r"^\d{0,10}$", description="cash discount granted")
    fee: str = Field(default="", pattern=r"^\d{0,10}$", description="bank charges")
    exchange: str = Field(default="", pattern=r"^\d{0,10}$", description="exchange differences")


class Company(BaseModel):
    """What stands for one seller of policies.yaml in SAP's organisation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    company_code: str = Field(pattern=_CODE4, description="as in table T001, for example 1010")
    sales_organization: str = Field(pattern=_CODE4)
    distribution_channel: str = Field(default="10", pattern=r"^[A-Z0-9]{1,2}$")
    division: str = Field(default="00", pattern=r"^[A-Z0-9]{1,2}$")
    plant: str = Field(
        default="", pattern=r"^[A-Z0-9]{0,4}$", description="delivering plant; empty: determined"
    )
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$", description="company code currency")
    reconciliation_account: str = Field(
        default="12100000", pattern=r"^\d{1,10}$", description="of new customers in this company code"
    )
    house_bank: str = Field(default="", max_length=5)
    house_bank_account: str = Field(default="", max_length=5)
    accounts: Accounts = Accounts()


class DocumentTypes(BaseModel):
    """Document types; the defaults are those of a newly provisioned system."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order: str = Field(default="OR", pattern=_CODE4, description="sales document type of orders")
    invoice: str = Field(
        default="DR", pattern=r"^[A-Z0-9]{2}$", description="journal entry: customer invoice"
    )
    credit_memo: str = Field(default="DG", pattern=r"^[A-Z0-9]{2}$", description="journal entry: credit memo")
    payment: str = Field(
        default="DZ", pattern=r"^[A-Z0-9]{2}$", description="journal entry: customer payment"
    )
    adjustment: str = Field(default="SA", pattern=r"^[A-Z0-9]{2}$", description="journal entry: G/L posting")
    clearing: str = Field(default="AB", pattern=r"^[A-Z0-9]{2}$", description="clearing document")
    credit_billing: tuple[str, ...] = Field(
        default=("G2", "RE", "CBRE"), description="billing types that are credit memos"
    )
    invoices_by_people: tuple[str, ...] = Field(
        default=("DR",), description="journal entry types that are invoices without billing; none: not read"
    )
    payments_by_people: tuple[str, ...] = Field(
        default=("DZ",), description="journal entry types that are incoming payments"
    )


class Settings(BaseModel):
    """How to reach one SAP S/4HANA system, and which parts of its organisation the hub works with."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    base_url: str = Field(description="API host, for example https://my123456-api.s4hana.cloud.sap")
    private_hosts: tuple[str, ...] = Field(
        default=(),
        description="hosts inside our own network this connection may call, as written in base_url",
    )
    sap_client: str = Field(default="", pattern=r"^(\d{3})?$", description="on-premise: for example 100")
    auth: Literal["basic", "oauth", "certificate"] = Field(
        default="basic",
        description="basic: communication user; oauth: client credentials; certificate: mutual TLS",
    )
    username: str = Field(default="", description="basic: communication user (not a dialog user)")
    password: SecretStr = Field(default=SecretStr(""), description="basic: its password")
    token_url: str = Field(default="", description="oauth: token endpoint")
    client_id: str = Field(default="", description="oauth: client id")
    client_secret: SecretStr = Field(default=SecretStr(""), description="oauth: client secret")
    scope: str = Field(default="", description="oauth: only where the endpoint asks for one")
    certificate: SecretStr = Field(
        default=SecretStr(""), description="certificate: client certificate and chain, PEM"
    )
    private_key: SecretStr = Field(
        default=SecretStr(""), description="certificate: its unencrypted private key, PEM"
    )
    trusted_ca: str = Field(default="", description="PEM of the authority that signed an on-premise host")
    sellers: Mapping[str, Company] = Field(
        description="one entry per seller of policies.yaml; with one company the key may be empty text"
    )
    documents: DocumentTypes = DocumentTypes()
    sales_api: Literal["v2", "v4"] = Field(
        default="v2", description="v2: API_SALES_ORDER_SRV; v4: CE_SALESORDER_0001"
    )
    reference_field: str = Field(
        default="PurchaseOrderByShipToParty",
        pattern=_FIELD,
        description="header field of sales orders that carries our id: this, or a custom field YY1_...",
    )
    line_field: str = Field(
        default="",
        pattern=r"^([A-Za-z][A-Za-z0-9_]{0,59})?$",
        description="item field with our line id; empty: PurchaseOrderByShipToParty, v4: ...ByCustomer",
    )
    ship_to: str = Field(
        default="SH",
        pattern=r"^[A-Z0-9]{2}$",
        description="partner function of the ship-to party (WE: German)",
    )
    identification_type: str = Field(
        default="HUB001", max_length=6, description="identification type of business partners with our id"
    )
    duns_type: str = Field(
        default="BUP001", max_length=6, description="identification type of D-U-N-S numbers"
    )
    partner_grouping: str = Field(default="BP02", max_length=4, description="number range of new partners")
    price_condition: str = Field(default="PPR0", max_length=4, description="condition type of a manual price")
    rejection_reason: str = Field(default="60", max_length=2, description="for lines that are cancelled")
    journal_path: str = Field(
        default="/sap/bc/srt/scs_ext/sap/journalentrycreaterequestconfi",
        pattern=r"^/[!-~]{1,199}$",
        description="SOAP address of Journal Entry - Post; on-premise: see SOAMANAGER",
    )
    clearing_path: str = Field(
        default="/sap/bc/srt/scs_ext/sap/journalentrybulkclearingreques",
        pattern=r"^/[!-~]{1,199}$",
        description="SOAP address of Journal Entry - Clearing",
    )
    posting_user: str = Field(default="", max_length=12, description="shown as creator; empty: username")
    path_token: SecretStr | None = Field(
        default=None, description="unguessable last part of the address IDocs are sent to; none: refused"
    )
    order_block: str = Field(
        default="",
        pattern=r"^[A-Z0-9]{0,2}$",
        description="order block reason of customers the hub blocks, for example 01; empty: not written",
    )
    watch: tuple[Literal["deliveries", "billing", "accounting"], ...] = Field(
        default=("deliveries", "accounting"),
        min_length=1,
        description="services polled, in turn within an interval; accounting tells of posted billing too",
    )
    poll_from: date | None = Field(default=None, description="older documents are not read; none: from today")
    poll_margin: int = Field(default=2, ge=0, le=3600, description="seconds a poll stays behind now")
    poll_overlap: int = Field(default=300, ge=0, le=86_400, description="seconds a poll looks back")
    time_zone: str = Field(default="UTC", description="of the system: decides which day its dates mean")
    language: str = Field(default="EN", pattern=r"^[A-Z]{2}$")
    deadline: float = Field(default=60.0, gt=0, le=600, description="seconds for one call")
    concurrency: int = Field(default=5, ge=1, le=50, description="calls at a time, all workers together")

    @field_validator("base_url", "token_url")
    @classmethod
    def _address(cls, url: str) -> str:
        return web_address(url, "https://my123456-api.s4hana.cloud.sap")

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        return zone_name(name, "UTC or Europe/Berlin")

    @field_validator("reference_field")
    @classmethod
    def _reference(cls, name: str) -> str:
        if name not in _STANDARD_REFERENCES and not _EXTENSION.fullmatch(name):
            raise ValueError("reference_field must be PurchaseOrderByShipToParty or a custom field YY1_...")
        return name

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed: dict[str, dict[str, str | SecretStr]] = {
            "basic": {"username": self.username, "password": self.password},
            "oauth": {
                "token_url": self.token_url,
                "client_id": self.client_id,
                "client_secret": self.client_secret,
            },
            "certificate": {"certificate": self.certificate, "private_key": self.private_key},
        }
        missing = [name for name, value in needed[self.auth].items() if not len(value)]
        if missing:
            raise ValueError(f"auth {self.auth} also needs {', '.join(missing)}")
        if self.path_token is not None and len(self.path_token) < 16:
            raise ValueError("path_token is too short: use 16 random characters or more")
        if not self.sellers:
            raise ValueError("sellers needs at least one company")
        if self.auth == "certificate" and not self.base_url.startswith("https:"):
            raise ValueError("auth certificate needs an https address")
        for url in (self.base_url, self.token_url if self.auth == "oauth" else ""):
            self._allowed(url)
        return self

    def _allowed(self, url: str) -> None:
        """The rule for hosts inside a network: only those an admin listed (vendors.md 4.1, on-premise)."""
        host = (urlsplit(url).hostname or "").lower()
        if host and is_private(host) and host not in {one.lower() for one in self.private_hosts}:
            raise ValueError(f"{host} is inside a private network: list it in private_hosts to allow it")

    @property
    def account(self) -> str:
        """Connections to the same system and client share its limit of calls."""
        return f"sap:{urlsplit(self.base_url).netloc.lower()}:{self.sap_client}"

    @property
    def query(self) -> Mapping[str, str]:
        """What every call carries in its address."""
        return {"sap-client": self.sap_client} if self.sap_client else {}

    @property
    def item_reference(self) -> str:
        """The field of a sales order item that carries our line id."""
        default = "PurchaseOrderByCustomer" if self.sales_api == "v4" else "PurchaseOrderByShipToParty"
        return self.line_field or default

    def company(self, seller: str) -> Company | None:
        """The company of a seller; with only one company, that one."""
        if seller in self.sellers:
            return self.sellers[seller]
        return next(iter(self.sellers.values())) if len(self.sellers) == 1 and not seller else None

    def seller_of(self, *, company_code: str = "", sales_organization: str = "") -> str | None:
        """The seller behind a company code or a sales organisation; None: not one of ours."""
        for seller, one in self.sellers.items():
            if company_code == one.company_code or sales_organization == one.sales_organization:
                return seller
        return None


def is_private(host: str) -> bool:
    """Is this a host of our own network by its name or number? Names are not looked up."""
    bare = host.strip("[]").rstrip(".")
    try:
        number = ipaddress.ip_address(bare)
    except ValueError:
        local = (".local", ".internal", ".intranet", ".lan", ".corp", ".home", ".localhost")
        return "." not in bare or bare.endswith(local)
    return not number.is_global

"""The configuration form of a NetSuite connection, checked before anything is sent."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal, Self

import httpx
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.netsuite.auth import M2mAuth, TbaAuth, host_label, load_key, realm
from connectors.netsuite.soap_wire import PassportAuth
from hub.sdk import SecretStr, web_address, zone_name

Watched = Literal["shipment", "invoice", "credit_memo", "payment", "adjustment"]
_COLUMN = r"^[a-z][a-z0-9_]{0,79}$"


class Settings(BaseModel):
    """How to reach one NetSuite account."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    account_id: str = Field(
        description="as in Setup > Company > Company Information, for example 123456_SB1",
        pattern=r"^[A-Za-z0-9]+([_-][A-Za-z0-9]+)*$",
        max_length=40,
    )
    base_url: str = Field(default="", description="empty: derived from the account id")
    auth: Literal["tba", "m2m"] = Field(
        default="m2m", description="m2m: OAuth 2.0 with a certificate; tba: token-based authentication"
    )
    consumer_key: str = Field(default="", description="tba: of the integration record")
    consumer_secret: SecretStr = Field(default=SecretStr(""), description="tba: of the integration record")
    token_id: str = Field(default="", description="tba: of the access token")
    token_secret: SecretStr = Field(default=SecretStr(""), description="tba: of the access token")
    client_id: str = Field(default="", description="m2m: of the integration record")
    certificate_id: str = Field(default="", description="m2m: from the client credentials mapping page")
    private_key: SecretStr = Field(
        default=SecretStr(""), description="m2m: unencrypted PEM; RSA of 3072 bits or more, or EC"
    )
    protocol: Literal["rest", "soap"] = Field(
        default="rest", description="soap: for accounts without REST only; needs auth tba, ends with 2028.2"
    )
    soap_version: str = Field(
        default="2023_2", pattern=r"^20[2-9]\d_[12]$", description="soap: the endpoint's version"
    )
    time_zone: str = Field(default="GMT", description="time zone of the integration user in NetSuite")
    poll_from: date | None = Field(default=None, description="changes before this day are not read")
    deadline_seconds: float = Field(
        default=60.0, ge=0.1, le=900, description="for one call; saving an order runs the account's scripts"
    )
    poll_margin: int = Field(default=2, ge=0, le=3600, description="seconds a poll stays behind now")
    watch: tuple[Watched, ...] = Field(
        default=("shipment", "invoice", "credit_memo", "payment", "adjustment"),
        min_length=1,
        description="what is read of what people and NetSuite itself book there",
    )
    deletions: bool = Field(
        default=True, description="watch deleted transactions too; needs the permission Deleted Records"
    )
    concurrency: int = Field(
        default=3, ge=1, le=55, description="calls at a time, of those NetSuite grants the whole account"
    )
    closed_period: Literal["case", "next_open"] = Field(
        default="case",
        description="posting into a closed accounting period: a case, or the next period that is open",
    )
    cancelled: Literal["reverse", "case"] = Field(
        default="reverse",
        description="a cancelled invoice is credited whole and a reversed payment refunded; or: a case",
    )
    reversal_account: str = Field(
        default="",
        pattern=r"^\d{0,19}$",
        description="internal id of the bank account that reversed payments leave, where they have none",
    )
    write_off_items: tuple[str, ...] = Field(
        default=("WRITE-OFF",),
        max_length=20,
        description="a credit memo on these items only is a write-off; the first is used to write off",
    )
    write_off: Literal["credit_memo", "journal"] = Field(
        default="credit_memo",
        description="what the hub's write-offs become: a credit memo on a write-off item, or a journal",
    )
    write_off_account: str = Field(
        default="",
        pattern=r"^\d{0,19}$",
        description="journal: internal id of the account that bears the loss",
    )
    tax_number_field: str = Field(
        default="vatregnumber",
        pattern=_COLUMN,
        description="SuiteQL column of the customer's tax number; defaulttaxreg with SuiteTax",
    )
    duns_field: str = Field(
        default="", pattern=rf"^$|{_COLUMN}", description="custom field of the D-U-N-S number, custentity_..."
    )
    body_fields: tuple[str, ...] = Field(
        default=(), max_length=50, description="custom body fields that mappings of payments and journals use"
    )

    @field_validator("base_url")
    @classmethod
    def _address(cls, url: str) -> str:
        return web_address(url, "https://123456-sb1.suitetalk.api.netsuite.com")

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        return zone_name(name, "GMT or Europe/Berlin")

    @field_validator("body_fields")
    @classmethod
    def _columns(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [name for name in names if not re.fullmatch(r"cust(body|record)_?[a-z0-9_]{1,70}", name)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no custom body field: they look like custbody_region")
        return names

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed: dict[str, dict[str, str | SecretStr]] = {
            "tba": {
                "consumer_key": self.consumer_key,
                "consumer_secret": self.consumer_secret,
                "token_id": self.token_id,
                "token_secret": self.token_secret,
            },
            "m2m": {
                "client_id": self.client_id,
                "certificate_id": self.certificate_id,
                "private_key": self.private_key,
            },
        }
        if self.write_off == "journal" and not self.write_off_account:
            raise ValueError("write_off journal also needs write_off_account")
        if self.protocol == "soap":
            self._over_soap()
        missing = [name for name, value in needed[self.auth].items() if not len(value)]
        if missing:
            raise ValueError(f"auth {self.auth} also needs {', '.join(missing)}")
        if self.auth == "m2m":
            load_key(self.private_key.get_secret_value())
        return self

    def _over_soap(self) -> None:
        """What the SOAP service has not, said before it is missed. Raises ValueError."""
        wanted = {"auth": "tba", "closed_period": "case", "write_off": "credit_memo"}
        for name, value in wanted.items():
            if getattr(self, name) != value:
                raise ValueError(f"protocol soap needs {name} {value}; the rest is offered over REST only")

    @property
    def account(self) -> str:
        """Whose limit of calls we share: two connections of one account have it together."""
        return f"{self.address} {realm(self.account_id)}"

    @property
    def address(self) -> str:
        """The account's own host, or the one that was given."""
        label = host_label(self.account_id)
        return self.base_url or f"https://{label}.suitetalk.api.netsuite.com"

    def httpx_auth(self) -> httpx.Auth:
        """The authentication flow these settings ask for."""
        if self.auth == "tba":
            flow = PassportAuth if self.protocol == "soap" else TbaAuth
            return flow(
                account_id=self.account_id,
                consumer_key=self.consumer_key,
                consumer_secret=self.consumer_secret,
                token_id=self.token_id,
                token_secret=self.token_secret,
            )
        return M2mAuth(
            base_url=self.address,
            client_id=self.client_id,
            certificate_id=self.certificate_id,
            private_key=self.private_key,
        )

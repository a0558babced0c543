"""The configuration form of a Salesforce connection, checked before anything is sent."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.salesforce.auth import Grant, Login, load_key
from connectors.salesforce.pubsub import Place
from connectors.salesforce.schema import ORDERS
from hub.sdk import SecretStr, web_address

LOGIN, TEST_LOGIN = "https://login.salesforce.com", "https://test.salesforce.com"
_GENERIC = frozenset({"login.salesforce.com", "test.salesforce.com"})
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")


class Settings(BaseModel):
    """What an admin enters: where the org is, how to log in, what to read and which pushes are used."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    base_url: str = Field(
        default=LOGIN, description="My Domain address, or login.salesforce.com, or test.salesforce.com"
    )
    org_id: str = Field(
        pattern=r"^00D[A-Za-z0-9]{12}([A-Za-z0-9]{3})?$",
        description="organization id (Setup > Company Information); logins to any other org are refused",
    )
    api_version: str = Field(default="68.0", pattern=r"^\d\d\.0$", description="version of the REST API")
    auth: Literal["jwt", "client_credentials", "refresh"] = Field(
        default="jwt",
        description="jwt: key pair; client_credentials: consumer secret; refresh: refresh token",
    )
    consumer_key: str = Field(min_length=1, description="of the External Client App")
    consumer_secret: SecretStr = Field(
        default=SecretStr(""), description="client_credentials, refresh: of the app"
    )
    username: str = Field(default="", description="jwt: name of the integration user")
    private_key: SecretStr = Field(
        default=SecretStr(""), description="jwt: unencrypted PEM, RSA of 2048 bits or more"
    )
    audience: str = Field(default="", description="jwt: empty: production or sandbox, seen from base_url")
    refresh_token: SecretStr = Field(
        default=SecretStr(""), description="refresh: from the web-server flow; the app must not rotate it"
    )
    session_minutes: int = Field(
        default=110, ge=1, le=1440, description="life of a session; below the org's session timeout"
    )
    path_token: SecretStr | None = Field(
        default=None,
        description="unguessable last part of the address of outbound messages; none: they are refused",
    )
    client_name: str = Field(
        default="o2chub", pattern=r"^[A-Za-z0-9_.-]{1,40}$", description="names our own changes in Salesforce"
    )
    outbound_messages: bool = Field(default=True, description="are outbound messages sent to the hub?")
    pubsub: bool = Field(default=False, description="read Change Data Capture over the Pub/Sub API?")
    pubsub_address: str = Field(
        default="api.pubsub.salesforce.com:7443", pattern=r"^[A-Za-z0-9.-]+:\d{1,5}$", description="host:port"
    )
    pubsub_topic: str = Field(
        default="/data/ChangeEvents",
        pattern=r"^/(data|event)/\w{1,80}$",
        description="channel to subscribe: all change events, or a custom channel with only what is needed",
    )
    order_source: Literal["opportunity", "order"] = Field(
        default="opportunity", description="what becomes an order: won opportunities, or activated orders"
    )
    currency: str = Field(
        default="", pattern=r"^([A-Z]{3})?$", description="of an org with one currency, which never tells it"
    )
    poll_from: datetime | None = Field(default=None, description="the first poll ignores older changes (UTC)")
    poll_accounts: bool = Field(default=True, description="poll changes of accounts too, from now on")
    poll_margin: int = Field(default=300, ge=0, le=3600, description="seconds a poll stays behind now")
    poll_look_back: int = Field(
        default=900, ge=0, le=86_400, description="seconds a poll looks back, for transactions that took long"
    )
    opportunity_fields: tuple[str, ...] = Field(default=(), description="more fields that mappings use")
    order_fields: tuple[str, ...] = Field(default=(), description="the same for orders")
    line_fields: tuple[str, ...] = Field(default=(), description="the same for opportunity or order products")
    account_fields: tuple[str, ...] = Field(default=(), description="the same for accounts")
    contact_fields: tuple[str, ...] = Field(default=(), description="the same for contacts")
    deadline: float = Field(default=60.0, gt=0, le=600, description="seconds for one call to Salesforce")
    daily_reserve: int = Field(
        default=20, ge=0, le=90, description="percent of the day's API calls that are left to other people"
    )

    @field_validator("base_url")
    @classmethod
    def _address(cls, url: str) -> str:
        if not url:
            raise ValueError("is needed: for example https://acme.my.salesforce.com")
        return web_address(url, "https://acme.my.salesforce.com", root=True)

    @field_validator("opportunity_fields", "order_fields", "line_fields", "account_fields", "contact_fields")
    @classmethod
    def _fields(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [name for name in names if not _FIELD.fullmatch(name)]
        if wrong or len(names) > 100:
            raise ValueError(f"give at most 100 API names of fields; {wrong[:1] or 'there are more'}")
        return names

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed: dict[str, dict[str, str | SecretStr]] = {
            "jwt": {"username": self.username, "private_key": self.private_key},
            "client_credentials": {"consumer_secret": self.consumer_secret},
            "refresh": {"refresh_token": self.refresh_token},
        }
        missing = [name for name, value in needed[self.auth].items() if not len(value)]
        if missing:
            raise ValueError(f"auth {self.auth} also needs {', '.join(missing)}")
        if self.auth == "jwt":
            load_key(self.private_key.get_secret_value())
        if self.auth == "client_credentials" and urlsplit(self.base_url).hostname in _GENERIC:
            raise ValueError("auth client_credentials needs the My Domain address as base_url")
        if self.path_token is not None and len(self.path_token) < 16:
            raise ValueError("path_token is too short: use 16 random characters or more")
        return self

    def extra(self, sobject: str) -> tuple[str, ...]:
        """Fields of an object that the admin added to those always read."""
        return {
            "Opportunity": self.opportunity_fields,
            "Order": self.order_fields,
            "OpportunityLineItem": self.line_fields,
            "OrderItem": self.line_fields,
            "Account": self.account_fields,
            "Contact": self.contact_fields,
        }.get(sobject, ())

    @property
    def order_object(self) -> str:
        """The object whose records become orders."""
        return ORDERS[self.order_source]

    @property
    def jwt_audience(self) -> str:
        """Who the assertion is for: sandboxes log in at test.salesforce.com, production at login."""
        host = urlsplit(self.base_url).hostname or ""
        sandbox = host == "test.salesforce.com" or ".sandbox." in host
        return self.audience or (TEST_LOGIN if sandbox else LOGIN)

    @property
    def stream(self) -> Place:
        """Where change events are read. Without TLS only where the org itself is spoken to without."""
        return Place(self.pubsub_address, not self.base_url.startswith("http:"), self.pubsub_topic)

    def login(self) -> Login:
        """The authentication flow these settings ask for."""
        grant = Grant(
            kind=self.auth,
            consumer_key=self.consumer_key,
            consumer_secret=self.consumer_secret,
            username=self.username,
            private_key=self.private_key,
            audience=self.jwt_audience,
            refresh_token=self.refresh_token,
        )
        return Login(self.base_url, grant, org_id=self.org_id, lifetime_seconds=self.session_minutes * 60)

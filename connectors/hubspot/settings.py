"""What an admin enters for a connection to a HubSpot account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.hubspot.auth import Bearer, Refreshing
from connectors.hubspot.schema import BASELINE, MERGED, MERGING

Version = Literal["v1", "v2", "v3"]


class Settings(BaseModel):
    """Credentials of the API (a static token, or OAuth), of the webhooks, and what to read and write."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    base_url: str = Field(default="https://api.hubapi.com", pattern=r"^https?://[^/]+/?$")
    crm_version: str = Field(default="2026-09", pattern=r"^20\d\d-(03|09)$", description="dated API version")
    access_token: SecretStr | None = Field(
        default=None, min_length=1, description="service key, or token of an app with static auth"
    )
    client_id: str = Field(default="", description="OAuth: the app's client id, instead of access_token")
    refresh_token: SecretStr | None = Field(
        default=None, min_length=1, description="OAuth: what the account's admin got when installing the app"
    )
    client_secret: SecretStr | None = Field(
        default=None,
        description="the app's: signs the webhooks (none: they are refused), and refreshes OAuth tokens",
    )
    previous_client_secret: SecretStr | None = Field(default=None, description="accepted while rotating")
    signature_versions: tuple[Version, ...] = Field(
        default=("v3",), min_length=1, description="v1 and v2 can be replayed: only for old subscriptions"
    )
    portal_id: int | None = Field(
        default=None, gt=0, description="HubSpot account; other accounts are refused"
    )
    public_url: str = Field(
        default="",
        description="target URL exactly as entered in HubSpot, where a proxy changes it on the way",
    )
    poll_from: datetime | None = Field(default=None, description="the first poll ignores older changes (UTC)")
    deadline: float = Field(default=30.0, gt=0, le=120, description="seconds for one call to HubSpot")
    notes: bool = Field(default=False, description="also write notes on the deal, one for each event")
    deal_properties: tuple[str, ...] = Field(default=(), description="more properties that mappings use")
    company_properties: tuple[str, ...] = Field(default=(), description="the same for companies")
    contact_properties: tuple[str, ...] = Field(default=(), description="the same for contacts")
    line_item_properties: tuple[str, ...] = Field(default=(), description="the same for line items")

    @field_validator("access_token", "refresh_token", "client_secret", "previous_client_secret")
    @classmethod
    def _typed(cls, secret: SecretStr | None) -> SecretStr | None:
        text = secret.get_secret_value() if secret is not None else ""
        if not (text.isascii() and (text.isprintable() or not text)) or " " in text:
            raise ValueError("it has blanks, line ends or letters that no key of HubSpot has; copy it again")
        return secret

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        oauth = [bool(self.client_id), self.refresh_token is not None]
        if self.access_token is None and not (all(oauth) and self.client_secret):
            raise ValueError("give access_token, or client_id, client_secret and refresh_token")
        if self.access_token is not None and self.refresh_token is not None:
            raise ValueError("give access_token or refresh_token, not both")
        return self

    def access(self) -> Bearer | Refreshing:
        """How calls prove who we are."""
        if self.access_token is not None:
            return Bearer(self.access_token)
        if self.refresh_token is None or self.client_secret is None:
            raise ValueError("give access_token, or client_id, client_secret and refresh_token")
        return Refreshing(
            url=f"{self.base_url.rstrip('/')}/oauth/{self.crm_version}/token",
            client_id=self.client_id,
            client_secret=self.client_secret,
            refresh_token=self.refresh_token,
        )

    def secrets(self) -> Sequence[str]:
        """Client secrets that may sign a webhook, the current one first. An empty one signs nothing."""
        known = (self.client_secret, self.previous_client_secret)
        return [text for secret in known if secret is not None and (text := secret.get_secret_value())]

    def wanted(self, kind: str) -> Sequence[str]:
        """Properties to ask for: the baseline, what the admin added, and what tells of merges."""
        more = {
            "deals": self.deal_properties,
            "companies": self.company_properties,
            "contacts": self.contact_properties,
            "line_items": self.line_item_properties,
        }
        own = (MERGED,) if kind in MERGING else ()
        return tuple(dict.fromkeys((*(f.name for f in BASELINE[kind]), *more.get(kind, ()), *own)))

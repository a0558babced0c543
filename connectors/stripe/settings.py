"""What an admin enters for a connection to a Stripe account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from hub.sdk import zone_name

VERSION = "2026-10-28.endive"


class Settings(BaseModel):
    """The key, the signing secrets of the webhook endpoints, and which account and mode they are for."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    base_url: str = Field(default="https://api.stripe.com", pattern=r"^https?://[^/]+/?$")
    api_key: SecretStr = Field(description="restricted key (rk_...) or secret key (sk_...)", min_length=8)
    webhook_secrets: SecretStr | None = Field(
        default=None,
        description="signing secrets (whsec_...) of the endpoints, with blanks between; while one is being "
        "rotated, the old and the new one. None: webhooks are refused",
    )
    livemode: bool = Field(default=False, description="real money: the key must be a live one, or a test one")
    account: str = Field(
        default="", pattern=r"^(acct_\w{1,60})?$", description="Connect: the connected account (acct_...)"
    )
    api_version: str = Field(
        default=VERSION, pattern=r"^20\d\d-\d\d-\d\d(\.[a-z]+)?$", description="sent with every call"
    )
    public_url: str = Field(
        default="", pattern=r"^(https?://\S+)?$", description="address of our webhooks, for the installation"
    )
    time_zone: str = Field(default="UTC", description="in which a moment becomes a business date")
    poll_from: datetime | None = Field(default=None, description="the first poll ignores older events (UTC)")
    reference_keys: tuple[str, ...] = Field(
        default=("invoice", "invoice_number", "order", "order_number", "reference"),
        description="metadata of payments that says what they are for",
        max_length=20,
    )
    deadline: float = Field(default=30.0, gt=0, le=120, description="seconds for one call to Stripe")
    concurrency: int = Field(default=8, ge=1, le=50, description="calls in flight at a time")

    @field_validator("api_key", "webhook_secrets")
    @classmethod
    def _typed(cls, secret: SecretStr | None) -> SecretStr | None:
        text = secret.get_secret_value() if secret is not None else ""
        if not text.replace("\n", " ").replace("\r", " ").replace("\t", " ").isascii():
            raise ValueError("it has letters that no key of Stripe has; copy it again")
        return secret

    @field_validator("webhook_secrets")
    @classmethod
    def _named(cls, secret: SecretStr | None) -> SecretStr | None:
        words = secret.get_secret_value().split() if secret is not None else []
        if any(not word.startswith("whsec_") or len(word) < 12 for word in words):
            raise ValueError("every signing secret begins with whsec_; copy them again, with blanks between")
        return secret

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        return zone_name(name)

    @model_validator(mode="after")
    def _one_mode(self) -> Self:
        key = self.api_key.get_secret_value()
        if key.split() != [key]:
            raise ValueError("api_key: there are blanks in it; copy it again")
        if key[:3] not in ("sk_", "rk_"):
            raise ValueError("api_key: a secret key begins with sk_, a restricted one with rk_")
        mode = key.split("_")[1]
        if mode in ("live", "test") and (mode == "live") != self.livemode:
            wanted = "a live key" if self.livemode else "a test key"
            raise ValueError(f"api_key: the setting livemode wants {wanted}, this is a {mode} key")
        return self

    def secrets(self) -> Sequence[str]:
        """Secrets that may have signed a webhook. An empty one would let everything pass: it is none."""
        return self.webhook_secrets.get_secret_value().split() if self.webhook_secrets is not None else []

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of business dates."""
        return ZoneInfo(self.time_zone)

"""What tests of the sending half start from: an org with a clock that is moved by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.kit import Kit
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import Field


@dataclass
class Clock:
    """Time that stands still until a test moves it."""

    at: datetime = field(default_factory=lambda: datetime(2026, 11, 20, 9, 30, 15, 250_000, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.at

    def on(self, **delta: float) -> None:
        self.at += timedelta(**delta)


def empty(clock: Clock | None = None, **facts: Any) -> Org:
    """An org without rows; accounts have an external id."""
    org = Org(Kit(), clock or Clock(), field_security=False, **facts)
    key = Field("ERP_Id__c", "string", length=40, external=True, id_lookup=True, unique=True, custom=True)
    org.extend("Account", [key])
    return org


def deal(org: Org, name: str = "Rollout", **values: Any) -> str:
    """An open opportunity of a person in the browser."""
    known = {"Name": name, "StageName": "Prospecting", "CloseDate": "2026-12-31", "Amount": "1200.50"}
    return org.insert("Opportunity", {**known, **values})

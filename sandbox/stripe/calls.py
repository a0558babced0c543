"""One call of the API on its way through: the operation, its account, and what was sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe.account import Account, Thing, World
from sandbox.stripe.fields import EXPAND, Spec


@dataclass
class Call:
    """What an operation gets: checked parameters, the ids of its address, the version to answer in."""

    world: World
    account: Account
    version: str
    given: dict[str, Any]
    ids: tuple[str, ...]
    key: str = ""  # of the caller: what may be seen


@dataclass(frozen=True)
class Op:
    """One operation: method and address (`{}` for an id), what carries it out, its parameters.

    `action` names a write in the record of effects; reads have none. `raw` operations take JSON.
    """

    method: str
    path: str
    carry_out: Callable[[Call], Thing]
    spec: Spec = field(default_factory=lambda: EXPAND)
    action: str = ""
    raw: bool = False

    @property
    def pattern(self) -> re.Pattern[str]:
        """What addresses it."""
        return re.compile(self.path.replace(".", r"\.").replace("{}", "([A-Za-z0-9_.-]+)") + "$")

    @property
    def resource(self) -> str:
        """What a restricted key needs a permission for."""
        part = self.path.split("/")[2 if self.path.startswith("/v1/") else 3]
        return _RESOURCES.get(part, part.removesuffix("s"))


_RESOURCES = {
    "invoiceitems": "invoice",
    "invoice_payments": "invoice",
    "refunds": "charge",
    "balance_transactions": "balance",
    "webhook_endpoints": "webhook",
    "event_destinations": "webhook",
    "account": "connected_account",
    "accounts": "connected_account",
}

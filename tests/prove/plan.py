"""The timings, faults and sizes of the proof, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

CALL_SECONDS = 1.5
HANG_SECONDS = 2.8  # the vendors' longest processing time: beyond our deadline, within the quiesce time
QUIESCE_SECONDS = 3.0
LEASE_SECONDS = 4.0
FREEZE_SECONDS = LEASE_SECONDS + QUIESCE_SECONDS + 1.0  # a frozen process loses its rows
ATTEMPTS_MAX = 16  # the product's own default
LEAD_SECONDS = 3.0  # until another process polls in place of one that died
DRAIN_SECONDS = 600.0  # after the last fault everything must be through by then, on a busy machine too
IBAN = "DE02120300000000202051"  # a published test account number
UPLOAD_KEY = "prove-upload-key"
SERVICES = ("INST-1", "TRAIN-8")
GOODS = ("ESP-200", "GRD-50")
CUSTOMERS = 10

TIMINGS: Mapping[str, str] = {
    "O2C_LEASE_SECONDS": str(LEASE_SECONDS),
    "O2C_CALL_SECONDS": str(CALL_SECONDS),
    "O2C_ATTEMPTS_MAX": str(ATTEMPTS_MAX),
    "O2C_SWEEP_SECONDS": "0.2",
    "O2C_THREADS": "4",
    "O2C_PROCESSES": "2",
    "O2C_LOG_LEVEL": "WARNING",
    "O2C_CONFIG_DIR": str(ROOT / "config"),
    "O2C_MAPPINGS_DIR": str(ROOT / "mappings"),
    "O2C_PROVE_QUIESCE": str(QUIESCE_SECONDS),
    "O2C_PROVE_LEAD": str(LEAD_SECONDS),
}


def fault(kind: str, chance: float, **facts: Any) -> dict[str, Any]:
    """One misbehaviour that stays, as the sandboxes take it."""
    return {"kind": kind, "chance": chance, "times": -1, **facts}


_TRANSFORM = {"method": "POST", "path": "!transform/invoice"}
_UPSERT = {"method": "PUT", "path": "eid:"}
_BUSY = {"status": 429, "headers": {"retry-after": "1"}, "body": {"status": "error", "message": "slow down"}}

ERP_FAULTS: Sequence[Mapping[str, Any]] = (
    fault("lost_reply", 0.08, **_TRANSFORM),
    fault("fail_after", 0.04, **_TRANSFORM),
    fault("slow", 0.08, seconds=HANG_SECONDS, **_TRANSFORM),
    fault("lost_reply", 0.05, **_UPSERT),
    fault("truncate", 0.02, **_UPSERT),
    fault("slow", 0.03, seconds=HANG_SECONDS, **_UPSERT),
    fault("hang_after", 0.01, seconds=HANG_SECONDS, path="record/v1/(invoice|salesorder|customerpayment)"),
    fault("slow", 0.005, seconds=HANG_SECONDS, method="GET"),
    fault("truncate", 0.01, method="GET"),
    fault("refuse", 0.01, **_BUSY),
    fault("refuse", 0.005, status=503),
)
CRM_FAULTS: Sequence[Mapping[str, Any]] = (
    fault("lost_reply", 0.04, method="PATCH"),
    fault("fail_after", 0.03, method="PATCH"),
    fault("truncate", 0.005, method="POST"),
    fault("slow", 0.002, seconds=HANG_SECONDS, method="POST"),
    fault("refuse", 0.003, **_BUSY),
    fault("refuse", 0.003, status=503),
)


@dataclass(frozen=True)
class Load:
    """How much comes in, and how badly it is sent."""

    orders_per_second: float = 1.2
    copies_max: int = 3  # each delivery is sent so often at most
    late_seconds: float = 20.0  # how late a copy may come
    goods: float = 0.25  # share of orders that wait for a shipment
    two_steps: float = 0.4  # share of deals that are announced before they are won


@dataclass(frozen=True)
class Order:
    """What the driver had a sales person sell: everything that must come of it is known here."""

    po: str
    company: str
    sku: str
    quantity: int
    price: Decimal
    tax_percent: Decimal
    cycle: int

    @property
    def net(self) -> Decimal:
        """Before tax."""
        return self.price * self.quantity

    @property
    def total(self) -> Decimal:
        """What the customer must pay, in USD."""
        return self.net + (self.net * self.tax_percent / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)


@dataclass(frozen=True)
class Scene:
    """One run: which form, how many faults, and what of the product is broken on purpose."""

    form: str
    cycles: int
    seed: int
    load: Load = field(default_factory=Load)
    mutation: str = ""
    actions: Sequence[str] = ()  # what the nemesis may do; empty: everything that the form has
    erp_faults: Sequence[Mapping[str, Any]] = ERP_FAULTS
    crm_faults: Sequence[Mapping[str, Any]] = CRM_FAULTS
    drain_seconds: float = DRAIN_SECONDS
    between: tuple[float, float] = (1.5, 4.0)  # seconds of work between the hub's return and the next fault
    env: Mapping[str, str] = field(default_factory=dict)

"""From stored rows to the shapes of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import orjson

from hub.api.shapes import (
    AuditOut,
    Backlog,
    CaseDetail,
    CaseOut,
    ConnectionDetail,
    ConnectionOut,
    DeliveryDetail,
    DeliveryOut,
    DocumentOut,
    EventOut,
    HealthReport,
    PostingOut,
    Shape,
    XrefOut,
)
from hub.decide import choices
from hub.model import Money

BODY_MAX = 64_000  # bytes of a delivery that are shown
_UNSHOWN = ("authorization", "cookie", "token", "secret", "api-key", "apikey", "password")
S = TypeVar("S", bound=Shape)
Labels = Mapping[str, tuple[str, str]]


def pick(shape: type[S], row: Any, **more: Any) -> S:
    """The shape's fields from the row's columns of the same name."""
    kept = {
        name: getattr(row, name) for name in shape.model_fields if name not in more and hasattr(row, name)
    }
    return shape(**kept, **more)


def amount_of(row: Any) -> Money | None:
    """The promoted amount of a document row."""
    return Money.of_minor(row.amount_minor, row.currency) if row.currency else None


def document(row: Any, labels: Labels) -> DocumentOut:
    """A document row; `labels` names its customer."""
    return pick(
        DocumentOut, row, customer=row.customer_id, order=row.order_id, amount=amount_of(row),
        customer_name=labels.get(row.customer_id, ("", ""))[1],
    )  # fmt: skip


def xref(row: Any) -> XrefOut:
    """A cross-reference."""
    return pick(XrefOut, row, document=row.document_id)


def event(row: Any) -> EventOut:
    """A row of the journal."""
    return pick(EventOut, row, document=row.document_id)


def posting(row: Any) -> PostingOut:
    """A ledger line."""
    return pick(
        PostingOut, row, group=row.group_id, customer=row.customer_id, invoice=row.invoice_id,
        payment=row.payment_id, amount=Money.of_minor(row.amount_minor, row.currency),
    )  # fmt: skip


def case(row: Any) -> CaseOut:
    """A case without its evidence."""
    return pick(CaseOut, row, document=row.document_id, order=row.order_id)


def case_detail(row: Any) -> CaseDetail:
    """A case with its evidence and the answers it takes."""
    return pick(
        CaseDetail, row, document=row.document_id, order=row.order_id,
        evidence=orjson.loads(row.evidence), choices=choices(row.reason) if row.state == "open" else (),
    )  # fmt: skip


def delivery(row: Any) -> DeliveryOut:
    """A delivery as a list shows it."""
    return pick(DeliveryOut, row)


def delivery_detail(row: Any) -> DeliveryDetail:
    """A delivery with the beginning of its body; headers that carry credentials are masked."""
    sent = orjson.loads(row.headers)
    headers = {k: "***" if any(word in k.lower() for word in _UNSHOWN) else str(v) for k, v in sent.items()}
    body: bytes = row.body
    return pick(
        DeliveryDetail, row, headers=headers, size=len(body),
        body=body[:BODY_MAX].decode("utf-8", "replace"), truncated=len(body) > BODY_MAX,
    )  # fmt: skip


def audit(row: Any) -> AuditOut:
    """Something a person did."""
    return pick(AuditOut, row)


def backlog(counts: Mapping[str, int] | None) -> Backlog:
    """The queues of one connection."""
    return Backlog(**dict(counts or {}))


def health(stored: str) -> HealthReport:
    """The last check of a connection."""
    told = orjson.loads(stored or "{}")
    return HealthReport(**{k: v for k, v in told.items() if k in HealthReport.model_fields})


def connection(row: Any, queues: Mapping[str, Mapping[str, int]], cursor: Any) -> ConnectionOut:
    """A connection with its queues and the time of its last poll."""
    return pick(ConnectionOut, row, **_attached(row, queues, cursor))


def connection_detail(row: Any, queues: Mapping[str, Mapping[str, int]], cursor: Any) -> ConnectionDetail:
    """A connection with its settings, without the secrets among them."""
    stored: Mapping[str, Any] = orjson.loads(row.settings)
    return pick(
        ConnectionDetail, row, **_attached(row, queues, cursor),
        settings={k: v for k, v in stored.items() if not is_sealed(v)},
        secrets_set=[k for k, v in stored.items() if is_sealed(v)],
        webhook_path=f"/webhooks/{row.name}",
    )  # fmt: skip


def is_sealed(value: Any) -> bool:
    """Is this stored setting a secret?"""
    return isinstance(value, dict) and set(value) == {"sealed"}


def _attached(row: Any, queues: Mapping[str, Mapping[str, int]], cursor: Any) -> dict[str, Any]:
    return {
        "backlog": backlog(queues.get(row.name)),
        "health": health(row.health),
        "polled_at": cursor.polled_at if cursor is not None else None,
    }


def last(rows: Sequence[Any], column: str = "id") -> str:
    """Where the next page begins."""
    return str(getattr(rows[-1], column)) if rows else ""

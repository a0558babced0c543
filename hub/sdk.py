"""The whole public surface for connector authors: a connector imports this and nothing else of the hub."""

from __future__ import annotations

from pydantic import SecretStr

from hub.connector import (
    Arrival,
    BatchSink,
    Change,
    Connector,
    Delivery,
    Field,
    Health,
    Idempotency,
    Kind,
    Limits,
    Manifest,
    Page,
    Poller,
    Record,
    Schema,
    Sink,
    Source,
    Write,
)
from hub.errors import (
    AuthFailed,
    Conflict,
    ConnectorError,
    Invalid,
    NotYet,
    RateLimited,
    Rejected,
    Transient,
    Unmappable,
)
from hub.http import Door, Reply, encode, retry_after, verdict
from hub.xml import parse_xml

__all__ = [
    "Arrival",
    "AuthFailed",
    "BatchSink",
    "Change",
    "Conflict",
    "Connector",
    "ConnectorError",
    "Delivery",
    "Door",
    "Field",
    "Health",
    "Idempotency",
    "Invalid",
    "Kind",
    "Limits",
    "Manifest",
    "NotYet",
    "Page",
    "Poller",
    "RateLimited",
    "Record",
    "Rejected",
    "Reply",
    "Schema",
    "SecretStr",
    "Sink",
    "Source",
    "Transient",
    "Unmappable",
    "Write",
    "encode",
    "parse_xml",
    "retry_after",
    "verdict",
]

"""All places of the console."""

from __future__ import annotations

from collections.abc import Sequence

from hub.ui.pages import cases, connections, deliveries, documents, orders, overview, people
from hub.ui.visit import Place

PLACES: Sequence[Place] = (
    *people.PLACES,
    *overview.PLACES,
    *orders.PLACES,
    *documents.PLACES,
    *cases.PLACES,
    *connections.PLACES,
    *deliveries.PLACES,
)

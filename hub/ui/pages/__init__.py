"""All places of the console."""

from __future__ import annotations

from collections.abc import Sequence

from hub.ui.pages import (
    cases,
    connections,
    deliveries,
    documents,
    drafts,
    history,
    lineage,
    mappings,
    orders,
    overview,
    people,
    reconciliation,
)
from hub.ui.visit import Place

PLACES: Sequence[Place] = (
    *people.PLACES,
    *overview.PLACES,
    *orders.PLACES,
    *documents.PLACES,
    *lineage.PLACES,
    *cases.PLACES,
    *connections.PLACES,
    *history.PLACES,
    *drafts.PLACES,  # before mappings: no connection is called versions
    *mappings.PLACES,
    *deliveries.PLACES,
    *reconciliation.PLACES,
)

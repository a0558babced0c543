"""Did an earlier attempt get through? By lists, which do not lag, and by Stripe's search, which knows all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.stripe.client import REFERENCE, Client, metadata
from hub.sdk import Conflict, Record

RESOURCES = {"customer": "customers", "invoice": "invoices"}
LATELY = timedelta(hours=2)  # far longer than the search lags
SEARCH_LAG_SECONDS = 60.0  # "up to a minute" (docs, "search"); longer in incidents, hence the lists


def find(client: Client, kind: str, reference: str) -> Record | None:
    """The object that carries our reference. Raises Conflict where several do, and a person must choose."""
    resource = RESOURCES[kind]
    since = int((datetime.now(UTC) - LATELY).timestamp())
    lately = [one for one in client.recent(resource, since) if metadata(one).get(REFERENCE) == reference]
    found = {str(one["id"]): one for one in (*client.search(resource, reference), *lately)}
    alive = {id: now for id in found if (now := client.wire.find(f"/v1/{resource}/{id}")) is not None}
    if len(alive) > 1:
        text = f"several {resource} in Stripe carry our id {reference}: {', '.join(sorted(alive))}"
        raise Conflict(text, code="several", sent=False)
    return next(iter(alive.values()), None)

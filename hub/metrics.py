"""Figures for Prometheus: what this process counted, and the queues as the database has them."""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from hub.store import connections
from hub.store.tx import Store
from hub.store.views import case_counts

_REGISTRY = CollectorRegistry()
WEBHOOKS = Counter("o2c_webhooks", "Webhooks by answer", ["answer"], registry=_REGISTRY)
_QUEUE = Gauge(
    "o2c_queue_rows", "Rows by connection and queue state", ["connection", "state"], registry=_REGISTRY
)
_CASES = Gauge("o2c_open_cases", "Open cases by reason", ["reason"], registry=_REGISTRY)


@cache
def answered(how: str) -> Counter:
    """The counter of one kind of answer; finding it by label costs more than counting."""
    return WEBHOOKS.labels(how)


def render(store: Store) -> bytes:
    """The text exposition format."""
    with store.look() as tx:
        queues = connections.backlog(tx.conn)
        cases = case_counts(tx.conn)
    _QUEUE.clear()
    for name, states in queues.items():
        for state, count in states.items():
            _QUEUE.labels(name, state).set(count)
    _CASES.clear()
    for reason, count in cases.items():
        _CASES.labels(reason).set(count)
    return generate_latest(_REGISTRY)

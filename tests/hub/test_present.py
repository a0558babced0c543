"""What outgoing mappings may rely on is what documents are presented with."""

from __future__ import annotations

from typing import Any

from hub.mapping.canonical import canonical_schema
from hub.present import present
from tests.world import World


def paths(value: Any, prefix: str = "") -> set[str]:
    """Every path in a presented document, lists as `name[]`."""
    if isinstance(value, dict):
        return {p for k, v in value.items() for p in paths(v, f"{prefix}.{k}" if prefix else k)}
    if isinstance(value, list | tuple):
        return {p for item in value for p in paths(item, f"{prefix}[]")} or {prefix}
    return {prefix}


def test_every_presented_field_is_known_to_the_mapping_checks(world: World) -> None:
    lines = [
        {"id": 1, "sku": "S", "quantity": "1", "price": "200", "delivery": "service", "tax": "19"},
        {"id": 2, "sku": "A", "quantity": "1", "price": "20"},
    ]
    world.send("crm", world.company(limit="9000"), world.deal(lines=lines))
    world.work()
    world.send("erp", world.shipment("s1", world.erp_order(), A="1"))
    world.send("bank", world.credit("b1", "238.00", "INV-2026-000001", payer="P"))
    world.work()
    for kind in ("customer", "order", "shipment", "invoice", "payment"):
        known = {field.name for field in canonical_schema(kind, presented=True).fields}
        for document in world.documents(kind):
            with world.hub.store.look() as tx:
                shown = {p.removesuffix("[]") for p in paths(present(document, tx.reader))}
            unknown = {
                p
                for p in shown
                if p not in known and not any(k.startswith((p + ".", p + "[")) for k in known)
            }
            assert unknown == set(), kind

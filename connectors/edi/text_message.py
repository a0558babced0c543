"""A text from a partner (864) as the record of a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.edi import order_parts
from connectors.edi.purchase_order import Made, SetPlace
from connectors.edi.translate import many, one, text


def read(tree: Mapping[str, Any], place: SetPlace) -> Made:
    """What an 864 says, line by line."""
    head = one(tree, "BMG")
    titles = [text(one(loop, "MIT"), "description") for loop in many(tree, "messages")]
    texts = [
        {
            "reference": text(one(loop, "MIT"), "reference"),
            "title": title,
            "text": "\n".join(text(segment, "text") for segment in many(loop, "MSG")),
        }
        for loop, title in zip(many(tree, "messages"), titles, strict=True)
    ]
    topic = (
        text(head, "description") or next((title for title in titles if title), "") or "Text message (864)"
    )
    body = {
        "messages": texts,
        "dates": order_parts.dates(tree),
        "parties": order_parts.parties(tree, ""),
        "set": place._asdict(),
    }
    return Made("message", f"864:{place.interchange}:{place.control_number}", {"topic": topic, "body": body})

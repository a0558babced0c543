"""Messages: records that only travel from one system to others under a mapping."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from hub.model.states import MessageState
from hub.model.values import Document


class Message(Document):
    """A record outside order-to-cash: mapped, delivered once, traced like any document."""

    kind: ClassVar[str] = "message"
    topic: str = Field(default="", description="what it is about, for people and routes", max_length=200)
    body: dict[str, Any] = Field(default_factory=dict, description="the mapped record")
    state: MessageState = MessageState.RECEIVED

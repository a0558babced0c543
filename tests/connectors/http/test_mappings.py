"""The shipped pass-through mappings carry a topic and a body, in and out."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from hub.mapping import compile_mapping, load
from hub.model import Message
from hub.sdk import Unmappable

MAPPINGS = Path(__file__).parents[3] / "mappings" / "http"
IN, OUT = (compile_mapping(load(MAPPINGS / f"message.{way}.yaml")) for way in ("in", "out"))


class NoLookup:
    def xref(self, kind: str, value: str) -> str:
        raise AssertionError("a message refers to nothing")


def test_topic_and_body_pass_through_unchanged() -> None:
    record = {"id": "m-1", "topic": "stock", "body": {"price": Decimal("0.10"), "of": ["a", 1]}}
    message = Message.model_validate({"id": "d1", **IN.apply(record, NoLookup())})
    assert (message.topic, message.body) == ("stock", record["body"])
    assert OUT.apply(message.model_dump(), NoLookup()) == {"topic": "stock", "body": record["body"]}


def test_record_without_a_body_is_told_and_not_emptied() -> None:
    with pytest.raises(Unmappable, match="body"):
        IN.apply({"id": "m-1", "lines": [1]}, NoLookup())

"""Log lines: one JSON object each, on the stream that is standard error when the line is written."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator

import pytest
import structlog

from hub.logs import configure


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The configuration is one per process: other tests get theirs back."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_a_stream_that_was_closed_since_does_not_stop_the_next_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with io.StringIO() as first:
        monkeypatch.setattr(sys, "stderr", first)
        configure("INFO")
        structlog.get_logger().info("before")
        assert json.loads(first.getvalue())["event"] == "before"
    second = io.StringIO()
    monkeypatch.setattr(sys, "stderr", second)
    structlog.get_logger().info("after", api_key="k-123")
    line = json.loads(second.getvalue())
    assert (line["event"], line["api_key"]) == ("after", "***")


def test_a_level_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(ValueError, match="'LOUD' is not one of DEBUG, INFO, WARNING, ERROR"):
        configure("LOUD")

"""The path of an event leads through the rooms that docs/path-of-an-event.md names, and no others."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import FrameType

from tests.world import World

ROOT = Path(__file__).parent.parent.parent
VALUES = {"connector", "errors", "policies"}  # types that every room speaks in


def rooms_of(filename: str) -> str | None:
    try:
        parts = Path(filename).relative_to(ROOT / "hub").parts
    except ValueError:
        return None
    return parts[0].removesuffix(".py")


def test_from_webhook_to_erp_only_the_rooms_on_the_page_are_entered(world: World) -> None:
    page = (ROOT / "docs" / "path-of-an-event.md").read_text()
    listed = {Path(name).parts[0].removesuffix(".py") for name in re.findall(r"`hub/([\w/.]+)`", page)}
    entered: set[str] = set()

    def look(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and (room := rooms_of(frame.f_code.co_filename)):
            entered.add(room)

    sys.setprofile(look)
    try:
        world.send("crm", world.company(), world.deal())
        world.work()
    finally:
        sys.setprofile(None)
    assert len(world.vendors["erp"].of("order")) == 1
    assert entered - listed - VALUES == set()
    assert {"engine", "inward", "mapping", "merge", "process", "stages", "outward", "store"} <= entered

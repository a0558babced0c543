"""How the console says one thing: a label, its tone, and what it means."""

from __future__ import annotations

from typing import NamedTuple


class Said(NamedTuple):
    """A label, its tone (good, busy, warn, bad, quiet), and what it means or does."""

    label: str
    tone: str = "quiet"
    meaning: str = ""

"""The text form of a replay id, so that a place in an event stream fits into a cursor.

A replay id is opaque bytes: not a number, not in steps of one, never to be computed (Pub/Sub API guide,
"Event Message Durability"). Events are kept for 72 hours; an older id is refused.
"""

from __future__ import annotations

from hub.sdk import Invalid

BYTES_MAX = 256  # ours; those seen have about ten


def format_replay(replay: bytes) -> str:
    """As hexadecimal digits. Raises Invalid for an empty id or one of more than 256 bytes."""
    if not 1 <= len(replay) <= BYTES_MAX:
        raise Invalid(f"a replay id has 1 to {BYTES_MAX} bytes, this one has {len(replay)}", field="replay")
    return replay.hex()


def parse_replay(text: str) -> bytes:
    """Back to bytes. Raises Invalid for what format_replay did not write."""
    try:
        replay = bytes.fromhex(text) if text == text.strip().lower() and " " not in text else b""
    except ValueError:
        replay = b""
    if not 1 <= len(replay) <= BYTES_MAX:
        raise Invalid(f"{text[:40]!r} is not a replay id; clear the cursor to start again", field="replay")
    return replay

"""Times as NetSuite compares and shows them, and the cursor that survives between polls."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from hub.sdk import Invalid

MASK = "YYYY-MM-DD HH24:MI:SS"
_STAMP = "%Y-%m-%d %H:%M:%S"


class Cursor(NamedTuple):
    """Where polling stands: all up to `since` is read; `after` and `until` are set amid a long sweep."""

    since: datetime | None = None
    until: datetime | None = None
    after: tuple[str, int] | None = None  # the account's local time as text, and the id


def load_cursor(text: str | None) -> Cursor:
    """Read a stored cursor. Raises Invalid for one that is not ours."""
    if text is None:
        return Cursor()
    try:
        told = json.loads(text)
        after = (str(told["after"][0]), int(told["after"][1])) if told.get("after") else None
        if after:
            datetime.strptime(after[0], _STAMP).replace(tzinfo=UTC)  # only its form is checked
        return Cursor(_parsed(told.get("since")), _parsed(told.get("until")), after)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        raise Invalid("not a NetSuite cursor: clear it to read everything again", field="cursor") from None


def _parsed(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def dump_cursor(cursor: Cursor) -> str:
    """The cursor as text to store."""
    moments = {"since": cursor.since, "until": cursor.until}
    told: dict[str, Any] = {key: at.isoformat() for key, at in moments.items() if at}
    return json.dumps({**told, "after": cursor.after} if cursor.after else told)


def stamp(at: datetime, zone: tzinfo) -> str:
    """A moment as SuiteQL compares it: the account's local time, to the second."""
    return at.astimezone(zone).strftime(_STAMP)


def window_start(since: datetime, zone: tzinfo) -> str:
    """Local time from which everything since a moment can be found, even when clocks go back after it.

    In the hour that is repeated in autumn a later change carries an earlier local time.
    """
    offsets = [at.astimezone(zone).utcoffset() or timedelta(0) for at in (since, since + timedelta(hours=2))]
    return stamp(since - max(offsets[0] - offsets[1], timedelta(0)), zone)


def moment(text: Any) -> datetime | None:
    """UTC from a record's own ISO 8601 time; None for what is no time or has no zone."""
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def unstamp(text: str, zone: tzinfo) -> datetime:
    """UTC from a time SuiteQL gave. Raises ValueError for another form."""
    return datetime.strptime(text, _STAMP).replace(tzinfo=zone).astimezone(UTC)

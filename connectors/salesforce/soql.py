"""Questions to Salesforce: SOQL text, its literals, and lists of ids in pieces that fit into an address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import quote

from hub.sdk import Invalid

IDS_MAX = 200
ADDRESS_MAX = 14_000  # Salesforce refuses addresses over 16,384 bytes; the host and the path need some
_PER_ID = 27  # an id of 18 characters with quotes and comma, escaped
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_TAIL = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def record_id(text: object) -> str:
    """An id in its form of 18 characters, which tells when its case was lost. Raises Invalid."""
    id = str(text)
    if not _ID.fullmatch(id):
        raise Invalid(
            f"{id[:40]!r} is not a Salesforce id: they have 15 or 18 letters and digits", field="id"
        )
    whole = id[:15] + _checked(id[:15])
    if len(id) == 18 and id[15:].upper() != whole[15:]:  # one such id would make the whole question fail
        raise Invalid(f"{id!r} is not a Salesforce id: its last three characters do not fit", field="id")
    return whole


def _checked(id: str) -> str:
    """The three letters that tell which of the 15 are capitals, five bits each, lowest first."""
    parts = (id[at : at + 5] for at in (0, 5, 10))
    return "".join(_TAIL[sum(1 << n for n, letter in enumerate(part) if letter.isupper())] for part in parts)


def literal(value: str) -> str:
    """Text as SOQL wants it in a condition."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def moment(at: datetime) -> str:
    """An instant as SOQL wants it: unquoted, UTC, with Z, since a plus sign would need escaping."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant(text: str) -> datetime | None:
    """An instant as REST gives it (`2026-11-21T10:00:00.000+0000`) in UTC; None where it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def select(fields: Iterable[str], sobject: str, where: str) -> str:
    """One plain question. Names are those of describes and settings, values went through `literal`."""
    return f"SELECT {', '.join(dict.fromkeys(fields))} FROM {sobject} WHERE {where}"  # noqa: S608 - no value gets here unescaped


def by_ids(fields: Sequence[str], sobject: str, key: str, ids: Iterable[str]) -> Iterator[str]:
    """Questions for all records whose `key` is one of the ids, each short enough for a GET."""
    head = select(fields, sobject, f"{key} IN ()")
    room = (ADDRESS_MAX - len(quote(head))) // _PER_ID
    if room < 1:
        raise Invalid(f"too many fields of {sobject} are asked for: shorten the list in the settings")
    rest = iter(dict.fromkeys(ids))
    while part := list(islice(rest, min(IDS_MAX, room))):
        yield select(fields, sobject, f"{key} IN ({','.join(literal(id) for id in part)})")

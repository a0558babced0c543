"""Pure conversions between OData's spelling and plain values: dates, decimals, keys, literals, addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from hub.sdk import Invalid, Record, Rejected, Transient

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EDM_DATE = re.compile(r"/Date\((-?\d{1,16})([+-]\d{1,5})?\)/")
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_DAY_MS = 86_400_000
UNSAFE_KEPT = "$'(),:=/-_.~*"  # what OData addresses need unescaped


def plain(value: Any) -> Any:
    """An answer in plain values: no wrappers, lists as lists, days as dates, moments as ISO 8601 in UTC.

    `__metadata` shrinks to `etag`; navigation that was not expanded is left out.
    """
    if isinstance(value, Mapping):
        if "__deferred" in value:
            return None
        if isinstance(value.get("results"), list) and not set(value) - {"results", "__next", "__count"}:
            return [plain(one) for one in value["results"]]
        told = {name: plain(one) for name, one in value.items() if _is_told(name, one)}
        etag = _etag(value)
        return {**told, "etag": etag} if etag else told
    if isinstance(value, list):
        return [plain(one) for one in value]
    return _moment(value) if isinstance(value, str) and value.startswith("/Date(") else value


def _is_told(name: str, value: Any) -> bool:
    deferred = isinstance(value, Mapping) and "__deferred" in value
    return not deferred and name != "__metadata" and not name.startswith(("@", "SAP__"))


def _etag(value: Mapping[str, Any]) -> str:
    metadata = value.get("__metadata")
    told = metadata.get("etag") if isinstance(metadata, Mapping) else None
    return str(told or value.get("@odata.etag") or "")


def _moment(text: str) -> Any:
    """Without an offset Edm.DateTime is a calendar day where its time is midnight (vendors.md 4.3)."""
    found = _EDM_DATE.fullmatch(text)
    if found is None:
        raise Transient(f"{text[:40]!r} is not a date of OData", code="bad_answer")
    try:
        at = _EPOCH + timedelta(milliseconds=int(found[1]))
    except OverflowError:
        raise Transient(f"{text[:40]!r} is not a date of OData", code="bad_answer") from None
    if found[2] is None and int(found[1]) % _DAY_MS == 0:
        return at.date()
    return at.isoformat().replace("+00:00", "Z")


def sent_v2(value: Any) -> Any:
    """A record as OData V2 takes it: days as `/Date(ms)/`, decimals as text."""
    if isinstance(value, Mapping):
        return {name: sent_v2(one) for name, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [sent_v2(one) for one in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date) and not isinstance(value, datetime):
        return f"/Date({(value - _EPOCH.date()).days * _DAY_MS})/"
    return value


def sent_v4(value: Any) -> Any:
    """A record as OData V4 takes it: days as ISO text, decimals as JSON numbers."""
    if isinstance(value, Mapping):
        return {name: sent_v4(one) for name, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [sent_v4(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def as_day(value: Any) -> date | None:
    """A day of an answer, in either form; None where there is none."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def as_moment(value: Any) -> datetime | None:
    """A moment of an answer in UTC; a day is its midnight; None where there is none."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def number(value: Any, field: str) -> Decimal:
    """An exact number of an answer or a record. Raises Rejected naming the field for anything else."""
    if isinstance(value, float):
        raise Rejected(f"{field} is a binary float", code="mapping", sent=False)
    try:
        told = Decimal(str(value if value not in (None, "") else 0).strip())
    except InvalidOperation:
        raise Rejected(f"{field} is {value!r}, not a number", code="mapping", sent=False) from None
    if not told.is_finite():
        raise Rejected(f"{field} is {value!r}, not a number", code="mapping", sent=False)
    return told


def text(value: str) -> str:
    """A string literal of OData."""
    return "'" + value.replace("'", "''") + "'"


def moment(at: datetime, *, v4: bool = False) -> str:
    """A DateTimeOffset literal of OData, to the second."""
    told = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return told if v4 else f"datetimeoffset'{told}'"


def midnight(day: date) -> str:
    """A DateTime literal of OData V2 for a day."""
    return f"datetime'{day.isoformat()}T00:00:00'"


def any_of(field: str, values: Any) -> str:
    """`(field eq 'a' or field eq 'b')`."""
    return "(" + " or ".join(f"{field} eq {text(one)}" for one in values) + ")"


def entity(name: str, *keys: str, **named: str) -> str:
    """`A_SalesOrder('1')` or `A_X(A='1',B='2')`. Raises Invalid for a key that is none of SAP's."""
    for one in (*keys, *named.values()):
        if not _KEY.fullmatch(one):
            raise Invalid(f"{one!r} is no key of SAP", field="external_id")
    if keys:
        return f"{name}({text(keys[0])})"
    return f"{name}({','.join(f'{part}={text(one)}' for part, one in named.items())})"


def address(path: str, query: Mapping[str, str]) -> str:
    """A path with its query, spaces as %20: `+` is not a space for every SAP system."""
    told = "&".join(f"{quote(name, safe='$-')}={quote(one, safe=UNSAFE_KEPT)}" for name, one in query.items())
    return f"{path}?{told}" if told else path


def padded(code: str, size: int = 10) -> str:
    """ALPHA form: digits with leading zeros, anything else as it is."""
    return code.zfill(size) if code.isascii() and code.isdigit() else code


def unpadded(code: Any) -> str:
    """The form that OData shows and the hub stores."""
    told = str(code or "").strip()
    return (told.lstrip("0") or "0") if told.isascii() and told.isdigit() else told


def rows_of(record: Record | None, name: str) -> list[dict[str, Any]]:
    """A list inside a record; empty where it is missing or not expanded."""
    found = (record or {}).get(name)
    return [dict(one) for one in found if isinstance(one, Mapping)] if isinstance(found, list | tuple) else []


def reference_of(row: Record) -> str:
    """Our document id from the two header references of a journal entry; empty where it has none of ours."""
    told = f"{row.get('Reference1InDocumentHeader') or ''}{row.get('Reference2InDocumentHeader') or ''}"
    return told.lower() if re.fullmatch(r"[0-9a-fA-F]{32}", told) else ""


def entry_id(company: Any, year: Any, document: Any) -> str:
    """External id of an accounting document: `1010-2026-1800000001`."""
    return f"{company}-{year}-{document}"


def entry_key(external_id: str) -> tuple[str, str, str]:
    """Company code, fiscal year, document. Raises Invalid for an id of another form."""
    parts = external_id.split("-")
    if len(parts) != 3 or not all(parts) or not all(_KEY.fullmatch(one) for one in parts):
        raise Invalid(f"{external_id!r} is no accounting document of SAP", field="external_id")
    return parts[0], parts[1], parts[2]

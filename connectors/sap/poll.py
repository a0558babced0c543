"""What to ask SAP's services for, one after the other, and where polling them stands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from connectors.sap import cube, entered
from connectors.sap.client import BILLING, CUBE, DELIVERIES, Client, Listing
from connectors.sap.settings import Settings
from connectors.sap.translate import any_of, midnight, moment, unpadded
from hub.sdk import Arrival, Delivery, Invalid, Page

PAGE = 5_000  # rows: a day's items, so that a quiet poll of a busy day is one call too
LINK_MAX = 4_000  # characters of a link that is kept in a cursor
_APIS = {"deliveries": DELIVERIES, "billing": BILLING, "accounting": CUBE}
_SETS = {"deliveries": "A_OutbDeliveryHeader", "billing": "A_BillingDocument", "accounting": cube.SET}
_DELIVERY_FIELDS = (
    "DeliveryDocument,OverallGoodsMovementStatus,ActualGoodsMovementDate,LastChangeDate,DeliveryVersion"
)
_BILLING_FIELDS = "BillingDocument,LastChangeDateTime,AccountingDocument,CancelledBillingDocument"
# What of an item makes it another one than yesterday: the cube's own stamp is a day.
_TELLING = (
    "DebitCreditCode", "AmountInTransactionCurrency", "IsCleared", "ClearingAccountingDocument",
    "ClearingDocFiscalYear", "ClearingIsReversed", "IsReversed", "InvoiceReference", "NetDueDate",
)  # fmt: skip
# What subjects() looks at beside it.
_SUBJECT = (
    "AccountingDocumentType", "FinancialAccountType", "SpecialGLCode", "BillingDocument", "IsReversal",
    "InvoiceReferenceFiscalYear",
)  # fmt: skip


class Cursor(NamedTuple):
    """All that changed before a service's moment in `since` is read; the rest is of a walk under way."""

    since: Mapping[str, datetime]
    turn: str = ""
    until: datetime | None = None
    link: str = ""
    skip: int = 0

    @classmethod
    def parse(cls, text: str | None) -> Cursor:
        """A stored cursor. Raises Invalid for one that is not ours."""
        if text is None:
            return cls({})
        try:
            told = json.loads(text)
            since = {str(k): _at(v) for k, v in told["since"].items()}
            until = _at(told["until"]) if told.get("until") else None
            return cls(since, str(told["turn"]), until, str(told["link"]), int(told["skip"]))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Invalid("not a cursor of SAP: clear it to begin again", field="cursor") from None

    def text(self) -> str:
        """The cursor as text to store."""
        return json.dumps(
            {
                "since": {name: at.isoformat() for name, at in self.since.items()},
                "turn": self.turn, "until": self.until.isoformat() if self.until else "",
                "link": self.link, "skip": self.skip,
            }
        )  # fmt: skip


def _at(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a moment without zone")
    return at.astimezone(UTC)


def step(client: Client, settings: Settings, cursor: Cursor, now: datetime) -> Page:
    """One page of the service whose turn it is; `more` until it has told everything, then it is the next's.

    SAP takes a $batch for one service only: what spans them is the round of turns. Billing documents need
    none: once posted they are in the items of accounting, and only then they count.
    """
    turn = cursor.turn if cursor.turn in settings.watch else settings.watch[0]
    margin = timedelta(seconds=settings.poll_margin)
    until = cursor.until or now.replace(microsecond=0) - margin
    since = cursor.since.get(turn) or _first(settings, until)
    if cursor.link:
        listing = client.beyond(_APIS[turn], cursor.link)
    else:
        query = {**question(turn, settings, since, until), "$top": str(PAGE)}
        query |= {"$skip": str(cursor.skip)} if cursor.skip else {}
        listing = client.page(_APIS[turn], _SETS[turn], query)
    arrivals = list(_arrivals(turn, listing.rows, settings, now))
    return Page(arrivals, *_following(cursor, turn, listing, settings, until))


def _following(
    cursor: Cursor, turn: str, listing: Listing, settings: Settings, until: datetime
) -> tuple[str, bool]:
    if listing.beyond and len(listing.beyond) <= LINK_MAX and listing.beyond != cursor.link:
        return Cursor(cursor.since, turn, until, listing.beyond, 0).text(), True
    if len(listing.rows) >= PAGE and not cursor.link:
        return Cursor(cursor.since, turn, until, "", cursor.skip + len(listing.rows)).text(), True
    watched = list[str](settings.watch)
    following = watched[(watched.index(turn) + 1) % len(watched)]
    return Cursor({**cursor.since, turn: until}, following).text(), False


def _first(settings: Settings, until: datetime) -> datetime:
    zone = ZoneInfo(settings.time_zone)
    day = settings.poll_from or until.astimezone(zone).date()
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def question(turn: str, settings: Settings, since: datetime, until: datetime) -> dict[str, str]:
    """The query of a service for what changed in a window; where stamps are days, for whole days."""
    begin = since - timedelta(seconds=settings.poll_overlap)
    day = midnight(begin.astimezone(ZoneInfo(settings.time_zone)).date())
    sales = any_of(
        "SalesOrganization", dict.fromkeys(one.sales_organization for one in settings.sellers.values())
    )
    if turn == "billing":
        window = f"LastChangeDateTime ge {moment(begin)} and LastChangeDateTime le {moment(until)}"
        return {
            "$filter": f"{window} and {sales}",
            "$select": _BILLING_FIELDS,
            "$orderby": "LastChangeDateTime,BillingDocument",
        }
    if turn == "deliveries":
        changed = f"(LastChangeDate ge {day} or CreationDate ge {day} or ActualGoodsMovementDate ge {day})"
        return {
            "$filter": f"{changed} and {sales}",  # at any status: a goods issue may have been reversed
            "$select": _DELIVERY_FIELDS,
            "$orderby": "DeliveryDocument",
        }
    stamps = ("LastChangeDate", "AccountingDocumentCreationDate", "ClearingCreationDate")
    changed = f"({' or '.join(f'{stamp} ge {day}' for stamp in stamps)})"
    return {
        "$filter": f"{changed} and FinancialAccountType eq 'D' and {cube.companies(settings)}",
        "$select": ",".join((*cube.KEYS.split(","), *_TELLING, *_SUBJECT)),
        "$orderby": cube.KEYS,
    }


def _arrivals(
    turn: str, rows: Sequence[Mapping[str, Any]], settings: Settings, now: datetime
) -> Iterator[Arrival]:
    if turn == "accounting":
        seen: dict[tuple[str, str], list[str]] = {}
        for row in rows:
            for subject in subjects(row, settings):
                seen.setdefault(subject, []).append(digest(row))
        for (what, id), marks in seen.items():
            mark = hashlib.sha256("|".join(sorted(marks)).encode()).hexdigest()[:16]
            yield arrival(what, id, f"books:{mark}", now, settings)
        return
    for row in rows:
        if turn == "deliveries":
            marks = [str(row.get(name) or "") for name in _DELIVERY_FIELDS.split(",")[1:]]
            yield arrival("delivery", unpadded(row["DeliveryDocument"]), ":".join(marks), now, settings)
        else:
            changed = f"{row.get('LastChangeDateTime')}:{row.get('AccountingDocument') or ''}"
            yield arrival("billing", _bill(row), changed, now, settings)


def _bill(row: Mapping[str, Any]) -> str:
    """A cancellation tells of the document it cancels."""
    return unpadded(row.get("CancelledBillingDocument") or row["BillingDocument"])


def subjects(row: Mapping[str, Any], settings: Settings) -> Iterator[tuple[str, str]]:
    """What a changed customer item is a sign of: a bill that was posted, a payment, a clearing."""
    if not cube.is_customer(row):
        return
    if row.get("BillingDocument"):  # cleared ones too: it may have been posted and paid, or be cancelled now
        yield "billing", unpadded(row["BillingDocument"])
    if by := cube.cleared_by(row):
        yield "entry", by
    credit = row.get("DebitCreditCode") == "H" or cube.refers_to(row)
    if entered.is_invoice(row, settings) or (credit and not row.get("BillingDocument")):
        yield "entry", cube.document(row)


def digest(row: Mapping[str, Any]) -> str:
    """What a row says now; the same words give the same digest."""
    told = [str(row.get(name) or "") for name in (*cube.KEYS.split(","), *_TELLING)]
    return hashlib.sha256("\x1f".join(told).encode()).hexdigest()[:16]


def arrival(
    what: str, id: str, mark: str, now: datetime, settings: Settings, *, again: bool = False
) -> Arrival:
    """A delivery whose reading tells of one object as it is then; `again`: with all that touches it."""
    body = json.dumps({"sap": what, "id": id, **({"again": True} if again else {})}).encode()
    headers = {"content-type": "application/json"}
    return Arrival([f"{what}:{id}:{mark}"], Delivery(headers, body, f"{settings.base_url}/", now))

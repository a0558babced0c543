"""IDocs as XML: orders, deliveries and invoices of on-premise systems, over HTTP or as files.

The records have the shape of SAP's OData entities, so that one mapping serves both ways in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from lxml import etree

from connectors.sap import idoc_delivery, idoc_invoice, idoc_order
from connectors.sap.idoc_segments import Segment, day, problem, text
from hub.sdk import Change, Invalid, Unmappable, parse_xml

BYTES_MAX = 20 * 1024 * 1024  # of one file
IDOCS_MAX = 2_000  # in one file

Record = dict[str, Any]
Reading = Callable[[Segment, str], tuple[str, str, Record]]
"""An IDOC element and its message type to kind, external id and record. Raises Unmappable."""

# Message type to what it says (SAP: table EDIMSG); the basic type is ORDERS05, DELVRY07, INVOIC02 or older.
_READINGS: Mapping[str, tuple[str, str, Reading]] = {
    "ORDERS": ("ORDERS", "order", idoc_order.read),
    "ORDCHG": ("ORDERS", "order", idoc_order.read),
    "ORDRSP": ("ORDERS", "order", idoc_order.read),
    "DESADV": ("DELVRY", "shipment", idoc_delivery.read),
    "SHPCON": ("DELVRY", "shipment", idoc_delivery.read),
    "INVOIC": ("INVOIC", "invoice", idoc_invoice.read),
}


class Control(NamedTuple):
    """The control record EDI_DC40: who sent which message when."""

    number: str
    message: str
    basic_type: str
    sender: str
    client: str
    test: bool
    created: datetime | None

    @property
    def event_id(self) -> str:
        """The number is unique in the client of the system that made the IDoc; a repeat has it again."""
        return f"idoc:{self.sender}:{self.client}:{self.number}"


def verify(body: bytes) -> list[str]:
    """The event ids of a file, one per IDoc. Raises Invalid for what holds no readable IDoc."""
    ids = [_control(one).event_id for one in _idocs(body)]
    return list(dict.fromkeys(ids))


def read(body: bytes, zone: str = "UTC") -> list[Change]:
    """What the IDocs of a file tell, in their order. Raises Invalid for a file without readable IDocs.

    An IDoc that cannot be read is a Change with its problem, so that the rest of the file is not held up.
    `zone` is the time zone of the sending system, for the moment an IDoc was made.
    """
    return [_change(one, zone) for one in _idocs(body)]


def is_idoc(body: bytes) -> bool:
    """Is it XML at all? What a poll of ours brings is JSON."""
    return body[:200].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1] == b"<"


def _change(node: Segment, zone: str) -> Change:
    control = _control(node, zone)
    kind, external_id, record = "order", control.event_id, None
    found: Unmappable | None = None
    try:
        basic_type, kind, reading = _reading(control)
        if not control.basic_type.startswith(basic_type):
            raise problem("EDI_DC40-IDOCTYP", f"does not fit message {control.message}", control.basic_type)
        kind, external_id, record = reading(node, control.message)
        record = {**record, "IDoc": control.number}
    except Unmappable as error:
        record, found = None, error
    at = control.created
    return Change(kind, external_id, record, revision=at, as_of=at, problem=found)


def _reading(control: Control) -> tuple[str, str, Reading]:
    if control.test:
        raise problem("EDI_DC40-TEST", "is a test IDoc; send tests to a test connection", control.number)
    if control.message not in _READINGS:
        known = ", ".join(_READINGS)
        raise problem("EDI_DC40-MESTYP", f"is not a message we read; those are {known}", control.message)
    return _READINGS[control.message]


def _idocs(body: bytes) -> list[Segment]:
    """The IDOC elements of a file, whatever is wrapped around them (a SOAP envelope, a collection)."""
    root = parse_xml(body, bytes_max=BYTES_MAX)
    found: list[Segment] = []
    for one in root.iter("{*}IDOC"):
        found.append(one)
        if len(found) > IDOCS_MAX:
            raise Invalid(f"the file has more than {IDOCS_MAX} IDocs; split it", field="body")
    if not found:
        name = etree.QName(root).localname
        raise Invalid(f"no IDOC element in {name}: not an IDoc in SAP's XML form", field="IDOC")
    return found


def _control(node: Segment, zone: str = "UTC") -> Control:
    head = node.find("{*}EDI_DC40")
    number = text(head, "DOCNUM")
    if head is None or not number.strip("0"):
        raise Invalid("an IDoc without control record EDI_DC40 and its DOCNUM", field="EDI_DC40")
    return Control(
        number=number,
        message=text(head, "MESTYP"),
        basic_type=text(head, "IDOCTYP"),
        sender=text(head, "SNDPRN") or text(head, "SNDPOR"),
        client=text(head, "MANDT"),
        test=text(head, "TEST") != "",
        created=_created(head, zone),
    )


def _created(head: Segment, zone: str) -> datetime | None:
    """CREDAT and CRETIM are in the sending system's own time zone."""
    try:
        on, clock = day(head, "CREDAT"), text(head, "CRETIM")
        if on is None:
            return None
        at = time(int(clock[:2]), int(clock[2:4]), int(clock[4:6])) if len(clock) == 6 else time()
        return datetime.combine(on, at, ZoneInfo(zone)).astimezone(UTC)
    except (Unmappable, ValueError, OverflowError):
        return None  # only the order of arrival is left to tell which is newer

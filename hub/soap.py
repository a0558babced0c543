"""SOAP over the hub's own door: zeep builds and reads the envelopes, no byte leaves but through Door.call."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple

import zeep
import zeep.exceptions
from lxml import etree
from zeep.helpers import serialize_object
from zeep.transports import Transport
from zeep.wsdl.bindings import Soap11Binding, Soap12Binding
from zeep.wsdl.utils import etree_to_string

from hub.errors import ConnectorError, Invalid, Rejected, Transient
from hub.http import Door, Reply, verdict
from hub.xml import parse_xml

SCHEMA_BYTES_MAX = 20 * 1024 * 1024  # of one WSDL or XSD file
DETAILS_MAX = 50  # values kept of a fault's detail
# A fault under these statuses speaks for itself; any other status says more (SOAP 1.2 part 2, 7.5.2.2).
_FAULT_STATUSES = frozenset({400, 500})
# zeep is typed in part only: these have no annotations
_open: Any = zeep.Client
_serialized: Any = serialize_object
_bytes: Any = etree_to_string
_UNREADABLE = (
    zeep.exceptions.Error,
    etree.LxmlError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class Fault(NamedTuple):
    """What the other side says went wrong. `detail` holds the leaves of the detail element by local name."""

    code: str  # without its namespace prefix: Client, Server, Sender, Receiver, or the vendor's own
    message: str
    detail: Mapping[str, str]


Faults = Callable[[Fault], ConnectorError]


def by_code(fault: Fault) -> ConnectorError:
    """The error a fault stands for by SOAP's own codes (SOAP 1.1, 4.4.1; SOAP 1.2 part 1, 5.4.6).

    What the caller did wrong is Rejected. Anything else may have been carried out: Transient.
    """
    mine = ("Client", "Sender", "VersionMismatch", "MustUnderstand", "DataEncodingUnknown")
    kind = Rejected if fault.code.split(".")[0] in mine else Transient
    return kind(fault.message or "a SOAP fault without a message", code=fault.code)


class Soap:
    """The operations of one WSDL. Shared by threads."""

    def __init__(self, client: Any, port: Any, transport: _DoorTransport, faults: Faults) -> None:
        self._client, self._port, self._transport, self._faults = client, port, transport, faults

    @property
    def operations(self) -> Sequence[str]:
        """The names call() takes."""
        return sorted(self._port._operations)

    def make(self, type_name: str, **values: Any) -> Any:
        """A value of a named type, `{namespace}Name`. Raises Rejected where the type does not allow it."""
        try:
            return self._client.get_type(type_name)(**_exact(values))
        except _UNREADABLE as error:
            raise _unsendable(type_name, error) from error

    def call(self, operation: str, *values: Any, soap_headers: Sequence[Any] = (), **named: Any) -> Any:
        """Call an operation: the answer in plain dicts, lists and Decimals. Raises ConnectorError."""
        told = {**named, **({"_soapheaders": list(soap_headers)} if soap_headers else {})}
        self._transport.begin()
        try:
            answer = self._port[operation](*_exact(values), **_exact(told))
            _SWALLOWED.check()
            return plain(_serialized(answer, dict))
        except zeep.exceptions.Fault as fault:
            raise self._faults(_read_fault(fault)) from None
        except _UNREADABLE as error:
            if self._transport.answered:
                text = f"the answer to {operation} cannot be read: {error}"
                raise Transient(text, code="bad_xml") from error
            raise _unsendable(operation, error) from error


def open_wsdl(path: Path, door: Door, *, address: str, binding: str = "", faults: Faults = by_code) -> Soap:
    """A service described by a WSDL on disk, called at `address`, a path on the door's system.

    The address in the WSDL is not used: credentials go where the connection points. `binding` is
    `{namespace}Name`, needed where the WSDL has several SOAP bindings. Nothing is fetched: a WSDL or schema
    that refers to another host or leaves its folder is refused. Reading a large WSDL takes seconds, so keep
    the result. Raises Invalid.
    """
    if not address.startswith("/") or address.startswith("//"):
        raise Invalid(f"address must be a path that starts with one /, not {address!r}", field="address")
    transport = _DoorTransport(door, path)
    logging.getLogger("zeep.xsd.types.simple").addFilter(_SWALLOWED)  # added once, however often we come here
    settings = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        client = _open(str(path.resolve()), transport=transport, settings=settings)
    except (*_UNREADABLE, OSError) as error:
        raise Invalid(f"{path.name} cannot be used: {error}", field="wsdl") from error
    port = client.create_service(_binding(client, binding), address)
    return Soap(client, port, transport, faults)


def _binding(client: Any, wanted: str) -> str:
    found = [
        str(name)
        for name, one in client.wsdl.bindings.items()
        if isinstance(one, Soap11Binding | Soap12Binding)
    ]
    if wanted in found or (not wanted and len(found) == 1):
        return wanted or found[0]
    raise Invalid(f"choose the binding: the WSDL has {', '.join(found) or 'none for SOAP'}", field="binding")


class _Response(NamedTuple):
    """As much of an answer as zeep looks at."""

    status_code: int
    content: bytes
    headers: Mapping[str, str]
    encoding: str = "utf-8"


class _DoorTransport(Transport):
    """How zeep reaches the world: files beside the WSDL, and one door. Replaces its session altogether."""

    def __init__(self, door: Door, wsdl: Path) -> None:
        # the parent's constructor would open a session of its own, past the door
        self._door, self._folder = door, wsdl.resolve().parent
        self._close_session = False
        self._thread = threading.local()

    def begin(self) -> None:
        """A new call of this thread: nothing is answered yet."""
        self._thread.answered = False
        _SWALLOWED.forget()

    @property
    def answered(self) -> bool:
        """Did the call of this thread get an answer?"""
        return bool(getattr(self._thread, "answered", False))

    def load(self, url: str) -> bytes:
        """A WSDL or schema file below the folder of the WSDL. Raises Invalid for anything else."""
        path = Path(url).resolve()
        if "://" in url or not path.is_relative_to(self._folder):
            raise Invalid(f"the WSDL refers to {url}, which is not beside it on disk", field="wsdl")
        if path.stat().st_size > SCHEMA_BYTES_MAX:
            raise Invalid(f"{path.name} is over {SCHEMA_BYTES_MAX} bytes", field="wsdl")
        return path.read_bytes()

    def get(self, address: str, params: Any, headers: Any) -> Any:
        """HTTP GET bindings are not SOAP."""
        raise Invalid("only SOAP bindings are supported", field="binding")

    def post_xml(self, address: str, envelope: Any, headers: Mapping[str, str]) -> _Response:
        """Send an envelope."""
        return self.post(address, _bytes(envelope), headers)

    def post(self, address: str, message: bytes, headers: Mapping[str, str]) -> _Response:
        """Send bytes; the answer, where it is an envelope. Raises ConnectorError by its status otherwise."""
        reply = self._door.call("POST", address, content=message, headers=headers)
        self._thread.answered = True
        refused = verdict(reply, _fault_text(reply))
        if refused is not None and not (reply.status in _FAULT_STATUSES and _fault_text(reply)):
            raise refused
        if reply.headers.get("content-type", "").lower().startswith("multipart/"):
            raise Transient("the answer has attachments, which are not supported", code="multipart")
        # named as zeep asks for it: what a Reply has are httpx headers, which do not mind the case
        return _Response(reply.status, reply.body, reply.headers)


class _Swallowed(logging.Filter):
    """zeep logs a value it cannot read and goes on without it; we would not notice that an amount is gone."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        """Remember the complaint instead of printing it with the value."""
        self._thread.complaint = str(record.exc_info[1]) if record.exc_info else record.getMessage()
        return False

    def forget(self) -> None:
        """A new call of this thread."""
        self._thread.complaint = ""

    def check(self) -> None:
        """Raises ValueError where a value of this thread's answer was dropped."""
        if complaint := getattr(self._thread, "complaint", ""):
            raise ValueError(complaint)


_SWALLOWED = _Swallowed()


def _exact(values: Any) -> Any:
    """The same values. Raises TypeError for a binary float among them."""
    if isinstance(values, float):
        raise TypeError(f"{values} is a binary float; give a Decimal")
    inner = list(values.values()) if isinstance(values, dict) else values
    for one in inner if isinstance(inner, list | tuple) else ():
        _exact(one)
    return values


def _fault_text(reply: Reply) -> str:
    """The message of the SOAP fault in an answer that is not a success; empty where there is none."""
    if reply.ok:
        return ""
    try:
        root = parse_xml(reply.body)
    except Invalid:
        return ""
    found = root.find("{*}Body/{*}Fault")
    if found is None:
        return ""
    words = found.findtext("{*}faultstring") or found.findtext("faultstring")
    return words or found.findtext("{*}Reason/{*}Text") or "SOAP fault"


def _read_fault(fault: Any) -> Fault:
    subcodes = [etree.QName(one).localname for one in fault.subcodes or ()]
    code = subcodes[-1] if subcodes else str(fault.code or "").rpartition(":")[2]
    detail: dict[str, str] = {}
    if isinstance(fault.detail, etree._Element):
        for node in fault.detail.iter(etree.Element):
            if len(node) == 0 and node.text and len(detail) < DETAILS_MAX:
                detail.setdefault(etree.QName(node).localname, node.text.strip())
    return Fault(code, " ".join(str(fault.message or "").split()), detail)


def _unsendable(name: str, error: BaseException) -> Rejected:
    text = f"{name} cannot be called like this: {type(error).__name__}: {error}"
    return Rejected(text, code="bad_message", sent=False)


def plain(value: Any) -> Any:
    """Dicts and lists with exact numbers: an xsd:double becomes the Decimal it was written as (15 digits).

    Raises ValueError for a double that is no number.
    """
    if isinstance(value, float):
        try:
            number = Decimal(repr(value))
        except InvalidOperation:
            raise ValueError(f"{value} is not a number") from None
        if not number.is_finite():
            raise ValueError(f"{value} is not an amount")
        return number
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value

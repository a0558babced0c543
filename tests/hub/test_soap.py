"""SOAP through the door: envelopes out, plain values or the right error back, and no other way out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.errors import AuthFailed, ConnectorError, Invalid, RateLimited, Rejected, Transient
from hub.http import Door
from hub.soap import Fault, Soap, open_wsdl, plain
from sandbox.kit import Fault as Trouble
from sandbox.kit import Faulty, Kit, serve

SPECS = Path(__file__).parents[3] / "shared" / "specs"
TYPES = """
<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:books"
    elementFormDefault="qualified">
  <xsd:element name="Post"><xsd:complexType><xsd:sequence>
    <xsd:element name="number" type="xsd:string"/>
    <xsd:element name="amount" type="xsd:decimal"/>
    <xsd:element name="on" type="xsd:date" minOccurs="0"/>
  </xsd:sequence></xsd:complexType></xsd:element>
  <xsd:element name="Session"><xsd:complexType><xsd:sequence>
    <xsd:element name="token" type="xsd:string"/>
  </xsd:sequence></xsd:complexType></xsd:element>
  <xsd:element name="Posted"><xsd:complexType><xsd:sequence>
    <xsd:element name="id" type="xsd:string"/>
    <xsd:element name="total" type="xsd:double"/>
    <xsd:element name="line" minOccurs="0" maxOccurs="unbounded"><xsd:complexType><xsd:sequence>
      <xsd:element name="amount" type="xsd:decimal"/>
    </xsd:sequence></xsd:complexType></xsd:element>
  </xsd:sequence></xsd:complexType></xsd:element>
</xsd:schema>
"""
WSDL = """
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap{twelve}/"
    xmlns:b="urn:books" targetNamespace="urn:books">
  <types>{types}</types>
  <message name="PostIn"><part name="body" element="b:Post"/></message>
  <message name="SessionIn"><part name="header" element="b:Session"/></message>
  <message name="PostOut"><part name="body" element="b:Posted"/></message>
  <portType name="Books"><operation name="post">
    <input message="b:PostIn"/><output message="b:PostOut"/>
  </operation></portType>
  <binding name="BooksSoap" type="b:Books">
    <soap:binding transport="http://schemas.xmlsoap.org/soap/http" style="document"/>
    <operation name="post"><soap:operation soapAction="urn:books#post"/>
      <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output>
    </operation>
  </binding>
  <service name="BooksService"><port name="Books" binding="b:BooksSoap">
    <soap:address location="https://elsewhere.example/steal"/>
  </port></service>
</definitions>
"""
POSTED = (
    '<Posted xmlns="urn:books"><id>7</id><total>1190.1</total>'
    "<line><amount>0.10</amount></line><line><amount>1190.00</amount></line></Posted>"
)
SOAP_11, SOAP_12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"


def envelope(body: str, namespace: str = SOAP_11) -> bytes:
    return f'<s:Envelope xmlns:s="{namespace}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def fault(code: str, text: str, detail: str = "") -> bytes:
    return envelope(
        f"<s:Fault><faultcode>{code}</faultcode><faultstring>{text}</faultstring>"
        f"<detail>{detail}</detail></s:Fault>"
    )


class Books:
    """A SOAP server that answers what it is told to, and keeps what it was sent."""

    def __init__(self) -> None:
        self.kit = Kit()
        self.status, self.body = 200, envelope(POSTED)
        self.headers = {"content-type": "text/xml; charset=utf-8"}
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        routes = [Route("/{path:path}", self.answer, methods=["GET", "POST"])]
        self.app = Faulty(Starlette(routes=routes), self.kit)

    async def answer(self, request: Request) -> Response:
        self.asked.append((request.url.path, dict(request.headers), await request.body()))
        return Response(self.body, self.status, self.headers)


class Stage:
    """One port where each test's own server appears."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Stage, str]]:
    made = Stage()
    with serve(made) as url:
        yield made, url


@pytest.fixture
def books(stage: tuple[Stage, str]) -> Books:
    made = Books()
    stage[0].app = made.app
    return made


@pytest.fixture
def url(stage: tuple[Stage, str]) -> str:
    return stage[1]


@pytest.fixture
def soap(books: Books, url: str, tmp_path: Path) -> Soap:
    return opened(written(tmp_path), url)


def written(folder: Path, wsdl: str = WSDL, types: str = TYPES, twelve: str = "") -> Path:
    path = folder / "books.wsdl"
    path.write_text(wsdl.replace("{types}", types).replace("{twelve}", twelve))
    return path


def opened(path: Path, url: str, **options: Any) -> Soap:
    return open_wsdl(path, Door(url, deadline=2.0), **{"address": "/soap/books", **options})


def post(soap: Soap, **values: Any) -> Any:
    return soap.call("post", **{"number": "INV-1", "amount": Decimal("1190.10"), **values})


def refused(soap: Soap) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        post(soap)
    return caught.value


def test_call_sends_an_envelope_and_returns_plain_exact_values(books: Books, soap: Soap) -> None:
    answer = post(soap, on=date(2026, 3, 2))
    assert answer == {
        "id": "7",
        "total": Decimal("1190.1"),
        "line": [{"amount": Decimal("0.10")}, {"amount": Decimal("1190.00")}],
    }
    path, headers, body = books.asked[0]
    assert path == "/soap/books"
    assert headers["soapaction"] == '"urn:books#post"'
    assert headers["user-agent"] == "o2c-hub"
    sent = etree.fromstring(body)
    assert [sent.findtext(f".//{{urn:books}}{name}") for name in ("number", "amount", "on")] == [
        "INV-1",
        "1190.10",
        "2026-03-02",
    ]


def test_soap_1_2_is_spoken_where_the_wsdl_says_so(books: Books, url: str, tmp_path: Path) -> None:
    books.body = envelope(POSTED, SOAP_12)
    books.headers = {"content-type": "application/soap+xml"}
    assert post(opened(written(tmp_path, twelve="12"), url))["id"] == "7"
    assert books.asked[0][1]["content-type"].startswith("application/soap+xml")


def test_envelope_headers_are_sent(books: Books, soap: Soap) -> None:
    session = etree.Element("{urn:books}Session")
    session.text = "t-1"
    soap.call("post", number="1", amount=Decimal(1), soap_headers=[session])
    assert etree.fromstring(books.asked[0][2]).findtext(f"{{{SOAP_11}}}Header/{{urn:books}}Session") == "t-1"


def test_operations_are_listed(soap: Soap) -> None:
    assert soap.operations == ["post"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("s:Client", Rejected),
        ("s:Client.Authentication", Rejected),
        ("s:Server", Transient),
        ("vendor:ODD", Transient),
        ("", Transient),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_fault_is_told_by_its_code_whatever_the_status(
    books: Books, soap: Soap, code: str, kind: type[ConnectorError], status: int
) -> None:
    books.status, books.body = status, fault(code, "the period is closed")
    error = refused(soap)
    assert type(error) is kind
    assert error.sent
    assert error.message == "the period is closed"
    assert error.code == code.rpartition(":")[2]


def test_soap_1_2_fault_is_told_by_its_code(books: Books, url: str, tmp_path: Path) -> None:
    books.status, books.headers = 400, {"content-type": "application/soap+xml"}
    books.body = envelope(
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code>"
        "<s:Reason><s:Text xml:lang='en'>no</s:Text></s:Reason></s:Fault>",
        SOAP_12,
    )
    error = refused(opened(written(tmp_path, twelve="12"), url))
    assert (type(error), error.code, error.message) == (Rejected, "Sender", "no")


def test_connector_reads_the_detail_of_a_fault(books: Books, url: str, tmp_path: Path) -> None:
    seen: list[Fault] = []

    def classify(told: Fault) -> ConnectorError:
        seen.append(told)
        return AuthFailed(told.message, code=told.detail["code"])

    books.status = 500
    books.body = fault("s:Server", "bad\n  session", "<x:f xmlns:x='urn:x'><x:code>SESSION</x:code></x:f>")
    error = refused(opened(written(tmp_path), url, faults=classify))
    assert (type(error), error.code, error.message) == (AuthFailed, "SESSION", "bad session")
    assert seen[0].code == "Server"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, fault("s:Client", "who are you"), AuthFailed),
        (401, b"", AuthFailed),
        (429, fault("s:Server", "slow down"), RateLimited),
        (503, b"<html>down</html>", Transient),
        (500, b"<html>down</html>", Transient),
        (500, b"", Transient),
        (404, b"nothing", Rejected),
        (302, b"", Rejected),
    ],
)
def test_status_counts_where_there_is_no_fault_or_it_says_more(
    books: Books, soap: Soap, status: int, body: bytes, kind: type[ConnectorError]
) -> None:
    books.status, books.body = status, body
    books.headers["location"] = "https://elsewhere.example/"
    error = refused(soap)
    assert (type(error), error.status) == (kind, status)
    assert len(books.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<html>login</html>",
        envelope("<Posted xmlns='urn:books'><id>7</id>")[:-20],
        envelope("<Posted xmlns='urn:books'><id>7</id><total>much</total></Posted>"),
        envelope("<Posted xmlns='urn:books'><id>7</id><total>NaN</total></Posted>"),
        envelope("<Posted xmlns='urn:books'><id>7</id><total>INF</total></Posted>"),
        b"<!DOCTYPE a [<!ENTITY x 'y'>]>" + envelope(POSTED),
    ],
)
def test_answer_that_cannot_be_read_is_an_unknown_outcome(books: Books, soap: Soap, body: bytes) -> None:
    books.body = body
    error = refused(soap)
    assert (type(error), error.sent) == (Transient, True)


def test_attachments_are_refused(books: Books, soap: Soap) -> None:
    books.headers = {"content-type": "multipart/related; boundary=x"}
    assert refused(soap).code == "multipart"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"nonsense": 1}, "nonsense"),
        ({"amount": None}, "amount"),
        ({"amount": 0.1}, "binary float"),
        ({"on": {"day": [0.1]}}, "binary float"),
    ],
)
def test_call_that_the_schema_forbids_is_rejected_unsent(
    books: Books, soap: Soap, values: dict[str, Any], told: str
) -> None:
    with pytest.raises(Rejected, match=told) as caught:
        post(soap, **values)
    assert not caught.value.sent
    assert books.asked == []


def test_unknown_operation_is_rejected_unsent(soap: Soap) -> None:
    with pytest.raises(Rejected, match="delete") as caught:
        soap.call("delete")
    assert not caught.value.sent


def test_lost_reply_is_unknown_and_not_repeated(books: Books, soap: Soap) -> None:
    books.kit.faults.append(Trouble(kind="lost_reply"))
    error = refused(soap)
    assert (type(error), error.sent) == (Transient, True)
    assert len(books.asked) == 1


def test_deadline_and_byte_cap_of_the_door_hold(books: Books, url: str, tmp_path: Path) -> None:
    books.kit.faults.append(Trouble(kind="slow", seconds=0.5))
    hasty = open_wsdl(written(tmp_path), Door(url, deadline=0.1), address="/x")
    assert type(refused(hasty)) is Transient
    small = open_wsdl(written(tmp_path), Door(url, bytes_max=100), address="/x")
    assert refused(small).code == "too_large"


@pytest.mark.parametrize(
    "address", ["", "soap", "//elsewhere.example/soap", "https://elsewhere.example/soap"]
)
def test_address_is_a_path_of_the_door(address: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="path that starts with one /"):
        opened(written(tmp_path), "http://127.0.0.1:1", address=address)


REACHES_OUT = (
    '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema">'
    '<x:import namespace="urn:a" schemaLocation="{at}"/></x:schema>'
)


@pytest.mark.parametrize(
    "at", ["{url}/a.xsd", "../outside.xsd", "/etc/hostname", "missing.xsd", "file" + ":///etc/hostname"]
)
def test_wsdl_that_reaches_out_is_refused_and_fetches_nothing(
    books: Books, url: str, tmp_path: Path, at: str
) -> None:
    (tmp_path / "outside.xsd").write_text("<x:schema xmlns:x='http://www.w3.org/2001/XMLSchema'/>")
    folder = tmp_path / "inner"
    folder.mkdir()
    with pytest.raises(Invalid):
        opened(written(folder, types=REACHES_OUT.replace("{at}", at.replace("{url}", url)) + TYPES), url)
    assert books.asked == []


@pytest.mark.parametrize(
    "text", ["", "<a>", "<a/>", "<!DOCTYPE a [<!ENTITY x 'y'>]><definitions>&x;</definitions>"]
)
def test_what_is_no_wsdl_is_invalid(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid):
        opened(written(tmp_path, wsdl=text), "http://127.0.0.1:1")


def test_missing_wsdl_is_invalid(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be used"):
        opened(tmp_path / "none.wsdl", "http://127.0.0.1:1")


def test_unknown_binding_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="BooksSoap"):
        opened(written(tmp_path), "http://127.0.0.1:1", binding="{urn:books}Other")


def test_doubles_become_the_decimals_they_were_written_as() -> None:
    assert plain({"a": [0.1, 1190.1, 123456789.12]}) == {
        "a": [Decimal("0.1"), Decimal("1190.1"), Decimal("123456789.12")]
    }


def test_netsuite_wsdl_opens_from_disk() -> None:
    path = SPECS / "netsuite" / "suitetalk-2023_2" / "netsuite.wsdl"
    if not path.exists():
        pytest.skip("the NetSuite WSDL is not beside the checkout")
    soap = open_wsdl(path, Door("http://127.0.0.1:1"), address="/services/NetSuitePort_2023_2")
    assert {"add", "upsert", "get", "search"} <= set(soap.operations)
    reference = soap.make(
        "{urn:core_2023_2.platform.webservices.netsuite.com}RecordRef", externalId="doc-1", type="invoice"
    )
    assert reference.externalId == "doc-1"
    with pytest.raises(Rejected, match="nonsense"):
        soap.make("{urn:core_2023_2.platform.webservices.netsuite.com}RecordRef", nonsense=1)

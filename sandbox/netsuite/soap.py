"""The SOAP door: SuiteTalk's operations on the same books, behind the same limit on calls at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from lxml import etree
from starlette.responses import Response

from sandbox.kit import Fault
from sandbox.netsuite import transforms
from sandbox.netsuite.books import Body, Row
from sandbox.netsuite.fields import BY_LOWER, RECORDS
from sandbox.netsuite.parsing import Parser, Strictness
from sandbox.netsuite.refusals import Refusal
from sandbox.netsuite.render import Renderer
from sandbox.netsuite.soap_faults import PRESETS, SoapFault, add_status, answer, fault
from sandbox.netsuite.soap_names import CORE, ENVELOPE, MESSAGES, SHAPES, VERSION
from sandbox.netsuite.soap_search import found
from sandbox.netsuite.soap_texts import Reader, Told, Writer, children, local_name, moment, typed

if TYPE_CHECKING:
    from sandbox.netsuite.account import NetSuiteSandbox

BATCH_MAX = 200
PAGE_MAX, PAGE = 1000, 1000
SEARCHES_MAX = 1000
_NAMES = Strictness(names=False, values=True)  # the schema was checked by whoever made the message


class Soap:
    """Answers for one account."""

    def __init__(self, account: NetSuiteSandbox) -> None:
        self.account = account
        self.faults: list[Fault] = []
        self.searches: dict[
            str, tuple[list[str], int, bool]
        ] = {}  # search id -> record keys, page size, bodies
        self.count = 0
        self.operations: Mapping[str, Callable[[etree._Element, etree._Element, etree._Element], None]] = {
            "add": self._write_one,
            "update": self._write_one,
            "upsert": self._write_one,
            "delete": self._delete_one,
            "addList": self._write_list,
            "updateList": self._write_list,
            "upsertList": self._write_list,
            "deleteList": self._delete_list,
            "get": self._get,
            "getList": self._get_list,
            "initialize": self._initialize,
            "search": self._search,
            "searchMoreWithId": self._search_more,
            "getDeleted": self._get_deleted,
            "getServerTime": self._server_time,
            "getDataCenterUrls": self._urls,
        }

    def answer(self, path: str, body: bytes, origin: str) -> Response:
        """One call; what fails as a whole is a fault with status 500."""
        self.origin = origin
        try:
            return self._answer(path, body)
        except SoapFault as no:
            return Response(no.envelope(), 500, media_type="text/xml; charset=utf-8")

    def _answer(self, path: str, body: bytes) -> Response:
        if not path.endswith(VERSION):
            raise SoapFault(
                "invalidVersionFault", "UNSUPPORTED_WS_VERSION", f"This account speaks {VERSION}."
            )
        header, call = self._parsed(body)
        name = local_name(call)
        operation = self.operations.get(name)
        if operation is None:
            raise SoapFault("unexpectedErrorFault", "UNEXPECTED_ERROR", f"Operation {name} is not available.")
        self._admit(header)
        with self.account.gate.place(lambda: fault("soap_blocked")), self.account.kit.lock:
            self.failing = self._fault(path, name)
            self.count += 1
            root, into = answer(name, self.count)
            operation(header, call, into)
        told = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
        return Response(told, media_type="text/xml; charset=utf-8")

    def _parsed(self, body: bytes) -> tuple[etree._Element, etree._Element]:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        try:
            root = etree.fromstring(body, parser)
        except etree.XMLSyntaxError:
            raise SoapFault("unexpectedErrorFault", "UNEXPECTED_ERROR", "The message is no XML.") from None
        header, inside = root.find(f"{{{ENVELOPE}}}Header"), root.find(f"{{{ENVELOPE}}}Body")
        calls = children(inside) if inside is not None else []
        if len(calls) != 1:
            raise SoapFault("unexpectedErrorFault", "UNEXPECTED_ERROR", "The message has no single call.")
        empty = etree.Element(f"{{{ENVELOPE}}}Header")
        return (empty if header is None else header), calls[0]

    def _admit(self, header: etree._Element) -> None:
        """Token-based authentication; there is no other way in since user and password went."""
        passport = header.find(f"{{{MESSAGES}}}tokenPassport")
        parts = {} if passport is None else {local_name(x): x for x in children(passport)}
        told = {name: (x.text or "").strip() for name, x in parts.items()}
        algorithm = parts["signature"].get("algorithm", "") if "signature" in parts else ""
        with_application = header.find(f"{{{MESSAGES}}}applicationInfo") is not None
        with self.account.kit.lock:
            if with_application or not self.account.login.admit_passport(told, algorithm):
                raise fault("soap_login")

    def _fault(self, path: str, name: str) -> str:
        """The preset that hits this call, if any; those of a whole call are raised at once."""
        target = f"{path}?{name}"
        hit = next((f for f in self.faults if f.hits("POST", target, self.account.kit.dice)), None)
        if hit is not None and PRESETS[hit.body].element:
            raise fault(hit.body)
        return hit.body if hit is not None else ""

    # -- writing ----------------------------------------------------------------
    def _write_one(self, header: etree._Element, call: etree._Element, into: etree._Element) -> None:
        [record] = children(call)
        self._written(local_name(call), record, into)

    def _write_list(self, header: etree._Element, call: etree._Element, into: etree._Element) -> None:
        whole = self._batch(call, into, "writeResponseList")
        for record in children(call):
            self._written(local_name(call).removesuffix("List"), record, whole)

    def _batch(self, call: etree._Element, into: etree._Element, name: str) -> etree._Element:
        if len(children(call)) > BATCH_MAX:
            message = f"The maximum number of records in a list is {BATCH_MAX}."
            raise SoapFault("exceededRecordCountFault", "MAX_RCRDS_EXCEEDED", message)
        whole = etree.SubElement(into, f"{{{MESSAGES}}}{name}")
        add_status(whole)
        return whole

    def _written(self, action: str, record: etree._Element, into: etree._Element) -> None:
        """One record's part of the answer: each stands for itself, and the call is a 200 whatever happens."""
        response = etree.SubElement(into, f"{{{MESSAGES}}}writeResponse")
        try:
            self._fail()
            row = self._write(action, record)
        except Refusal as no:
            add_status(response, no.soap, no.detail.removeprefix("Error while accessing a resource. "))
            return
        add_status(response)
        self._reference(response, row)

    def _fail(self) -> None:
        if self.failing:
            preset = PRESETS[self.failing]
            raise Refusal(preset.message, soap=preset.code)

    def _reference(self, into: etree._Element, row: Row) -> None:
        reference = etree.SubElement(into, f"{{{MESSAGES}}}baseRef", internalId=row.id, type=row.type)
        if row.external_id is not None:
            reference.set("externalId", row.external_id)
        typed(reference, CORE, "RecordRef")

    def _write(self, action: str, record: etree._Element) -> Row:
        account = self.account
        told = Reader(account.books.custom_fields, account.preferences.time_zone).record(record)
        body = Parser(account.books, told.kind, _NAMES).body(told.body, replace=told.replace)
        known = self._known(action, told)
        source = account.books.transactions.get(told.source)
        if known is None and source is not None and (source.type, told.kind.name) in transforms.PAIRS:
            body = Body(body.values, body.lines, told.external_id, body.replace)
            row = account.rules.transform(source, told.kind.name, body)
        else:
            row = account.rules.write(told.kind, body, known, told.external_id)
        account.record_effect("update" if known else "create", row)
        return row

    def _known(self, action: str, told: Told) -> Row | None:
        books, name = self.account.books, told.kind.name
        if action == "update":
            return books.find(name, told.internal_id or f"eid:{told.external_id}")
        if action == "upsert":
            if not told.external_id:
                raise Refusal("An upsert needs an external ID.", soap="INVALID_KEY_OR_REF")
            id = books.external.get((name, told.external_id))
            return books.records[name][id] if id else None
        return None

    def _delete_one(self, header: etree._Element, call: etree._Element, into: etree._Element) -> None:
        self._deleted(children(call)[0], into)

    def _delete_list(self, header: etree._Element, call: etree._Element, into: etree._Element) -> None:
        whole = self._batch(call, into, "writeResponseList")
        for reference in children(call):
            if local_name(reference) == "baseRef":
                self._deleted(reference, whole)

    def _deleted(self, reference: etree._Element, into: etree._Element) -> None:
        response = etree.SubElement(into, f"{{{MESSAGES}}}writeResponse")
        try:
            self._fail()
            row = self._found(reference)
            self.account.people.delete(row.type, row.id, wire=True)
        except Refusal as no:
            add_status(response, no.soap, no.detail)
            return
        add_status(response)
        self._reference(response, row)

    # -- reading ----------------------------------------------------------------
    def _found(self, reference: etree._Element) -> Row:
        name = BY_LOWER.get(str(reference.get("type", "")).lower(), "")
        if name not in SHAPES:
            raise Refusal(f"Record type '{reference.get('type')}' does not exist.", soap="INVALID_RCRD_TYPE")
        external = reference.get("externalId")
        return self.account.books.find(
            name, f"eid:{external}" if external else reference.get("internalId", "")
        )

    def _writer(self) -> Writer:
        return Writer(Renderer(self.account.standing, ""), self.account.preferences.time_zone)

    def _read(self, reference: etree._Element, into: etree._Element) -> None:
        response = etree.SubElement(into, f"{{{MESSAGES}}}readResponse")
        try:
            row = self._found(reference)
        except Refusal as no:
            add_status(response, no.soap, no.detail)
            return
        add_status(response)
        self._writer().record(response, f"{{{MESSAGES}}}record", row, lists=True)

    def _get(self, header: etree._Element, call: etree._Element, into: etree._Element) -> None:
        self._read(children(call)[0], into)

    def _get_list(self, header: etree._Element, call: etree._Element, into: etree._Element) -> None:
        whole = self._batch(call, into, "readResponseList")
        for reference in children(call):
            self._read(reference, whole)

    def _initialize(self, header: etree._Element, call: etree._Element, into: etree._Element) -> None:
        """A new record made from another one, to be changed and added; nothing is stored yet."""
        parts = {local_name(x): x for x in children(children(call)[0])}
        target = str(parts["type"].text or "")
        response = etree.SubElement(into, f"{{{MESSAGES}}}readResponse")
        try:
            if "reference" not in parts or target not in SHAPES:
                raise Refusal(f"You cannot initialize {target}.", soap="INVALID_INITIALIZE_ARG")
            row = self._made(self._found(parts["reference"]), target)
        except Refusal as no:
            add_status(response, no.soap, no.detail)
            return
        add_status(response)
        self._writer().record(response, f"{{{MESSAGES}}}record", row, lists=True)
        del response[-1].attrib["internalId"]

    def _made(self, source: Row, target: str) -> Row:
        """The record as it would be: stored, looked at, and taken back."""
        body = transforms.made_from(self.account.rules, source, target, Body({}, {}))
        row = Row(target, "0", dict(body.values), {k: [dict(x) for x in v] for k, v in body.lines.items()})
        row.values.setdefault("undepFunds", True)
        row.values.setdefault("tranDate", self.account.rules.today().isoformat())
        return row

    def _search(self, header: etree._Element, call: etree._Element, into: etree._Element) -> None:
        preferences = header.find(f"{{{MESSAGES}}}searchPreferences")
        told = {} if preferences is None else {local_name(x): (x.text or "") for x in children(preferences)}
        size, bodies = int(told.get("pageSize") or PAGE), told.get("bodyFieldsOnly", "true") in ("true", "1")
        result = etree.SubElement(into, f"{{{CORE}}}searchResult")
        try:
            if not 5 <= size <= PAGE_MAX:
                raise Refusal(f"The page size must be from 5 to {PAGE_MAX}.", soap="INVALID_SEARCH_PAGE_SIZE")
            keys = [f"{row.type}/{row.id}" for row in found(self.account, children(call)[0])]
        except Refusal as no:
            return add_status(result, no.soap, no.detail)
        if len(self.searches) >= SEARCHES_MAX:
            self.searches.pop(next(iter(self.searches)))
        id = f"WEBSERVICES_{self.account.account_id}_{self.count}"
        self.searches[id] = (keys, size, bodies)
        self._page(result, id, 1)

    def _search_more(self, header: etree._Element, call: etree._Element, into: etree._Element) -> None:
        told = {local_name(x): (x.text or "").strip() for x in children(call)}
        result = etree.SubElement(into, f"{{{CORE}}}searchResult")
        if told.get("searchId") not in self.searches:
            return add_status(result, "INVALID_SEARCH_MORE", "This search has ended: search again.")
        self._page(result, told["searchId"], int(told.get("pageIndex", "1")))

    def _page(self, result: etree._Element, id: str, page: int) -> None:
        keys, size, bodies = self.searches[id]
        pages = -(-len(keys) // size)
        if page < 1 or page > max(pages, 1):
            return add_status(result, "INVALID_SEARCH_PAGE_INDEX", f"There are {pages} pages.")
        add_status(result)
        figures = {"totalRecords": len(keys), "pageSize": size, "totalPages": pages, "pageIndex": page}
        for name, figure in figures.items():
            etree.SubElement(result, f"{{{CORE}}}{name}").text = str(figure)
        etree.SubElement(result, f"{{{CORE}}}searchId").text = id
        whole = etree.SubElement(result, f"{{{CORE}}}recordList")
        writer = self._writer()
        for key in keys[(page - 1) * size : page * size]:
            kind, _, row_id = key.partition("/")
            row = self.account.books.records[kind].get(row_id)
            if row is not None:
                writer.record(whole, f"{{{CORE}}}record", row, lists=not bodies)

    def _get_deleted(self, header: etree._Element, call: etree._Element, into: etree._Element) -> None:
        """What was deleted, by record type and time."""
        result = etree.SubElement(into, f"{{{CORE}}}getDeletedResult")
        criteria = {local_name(x): x for x in children(children(call)[0])}
        kinds = {str(x.text) for x in children(criteria["type"])} if "type" in criteria else set(RECORDS)
        since = None
        if "deletedDate" in criteria:
            zone = ZoneInfo(self.account.preferences.time_zone)
            at = moment("deletedDate", str(children(criteria["deletedDate"])[0].text))
            since = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
        gone = [g for g in self.account.books.gone if g.type in kinds and (since is None or g.at >= since)]
        add_status(result)
        figures = {"totalRecords": len(gone), "pageSize": PAGE, "totalPages": 1, "pageIndex": 1}
        for name, figure in figures.items():
            etree.SubElement(result, f"{{{CORE}}}{name}").text = str(figure)
        whole = etree.SubElement(result, f"{{{CORE}}}deletedRecordList")
        for one in gone[:PAGE]:
            deleted = etree.SubElement(whole, f"{{{CORE}}}deletedRecord")
            etree.SubElement(deleted, f"{{{CORE}}}deletedDate").text = self._writer().moment(one.at)
            record = etree.SubElement(deleted, f"{{{CORE}}}record", internalId=one.id, type=one.type)
            typed(record, CORE, "RecordRef")
            etree.SubElement(record, f"{{{CORE}}}name").text = one.name

    def _server_time(self, header: etree._Element, call: etree._Element, into: etree._Element) -> None:
        result = etree.SubElement(into, f"{{{CORE}}}getServerTimeResult")
        add_status(result)
        told = self._writer().moment(self.account.books.now())
        etree.SubElement(result, f"{{{CORE}}}serverTime").text = told

    def _urls(self, header: etree._Element, call: etree._Element, into: etree._Element) -> None:
        """Where the account lives: here."""
        result = etree.SubElement(into, f"{{{CORE}}}getDataCenterUrlsResult")
        add_status(result)
        urls = etree.SubElement(result, f"{{{CORE}}}dataCenterUrls")
        parts = urlsplit(self.origin)
        for name in ("restDomain", "webservicesDomain", "systemDomain"):
            etree.SubElement(urls, f"{{{CORE}}}{name}").text = f"{parts.scheme}://{parts.netloc}"

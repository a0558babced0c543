"""The wire over SOAP: SuiteTalk's operations behind the same methods as those of the REST client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any, NamedTuple, NoReturn

from lxml import etree

from connectors.netsuite import suiteql, translate
from connectors.netsuite.answers import refusal
from connectors.netsuite.soap_names import SHAPES, names
from connectors.netsuite.soap_shape import Element, Writer, read, typed, xml_text
from connectors.netsuite.soap_wire import frame, opened, status_error
from hub.sdk import ConnectorError, Door, Record, Rejected, Transient

BATCH = 100  # records of one getList: 200 are allowed, 100 of them at peak hours
PAGE = 1000  # records of one page of a search
PAGES_MAX = 100
# There is no such record (platform.faultTypes.xsd).
_MISSING = frozenset(
    {"RCRD_DSNT_EXIST", "NONEXISTENT_EXTERNAL_ID", "INVALID_KEY_OR_REF", "THAT_RCRD_DOES_NOT_EXIST"}
)
# Of a line that initialize offers: what a change of its quantity does not make wrong.
_CARRIED = ("item", "units", "price", "rate", "taxCode", "taxRate1", "description", "location", "department")


class Criterion(NamedTuple):
    """One field of a search: its values as references (by internal or external id) or as texts."""

    field: str
    operator: str
    values: Sequence[str]
    key: str = ""  # internalId or externalId: the values are references


class Found(NamedTuple):
    """One page of a search or of deletions."""

    records: Sequence[Element]
    search: str  # how to ask for more of it
    page: int
    pages: int


class SoapClient:
    """SuiteTalk's SOAP service over one door, whose authentication signs the envelopes."""

    def __init__(self, door: Door, version: str, zone: tzinfo) -> None:
        self._door, self._path, self._names = door, f"/services/NetSuitePort_{version}", names(version)
        self._zone = zone
        self._writer = Writer(self._names, zone)

    # -- records ------------------------------------------------------------------
    def get(self, record: str, key: str, *, expand: bool = False) -> Record | None:
        """One record by internal id or `eid:...`, with its lines; None where there is none."""
        _shaped(record)
        root, call = frame(self._names, "get")
        self._reference(call, record, key)
        return self._record(_part(self._call(root, "get", idempotent=True), "readResponse"), record)

    def get_many(self, wanted: Sequence[tuple[str, str]]) -> Sequence[Record | None]:
        """Records by (type, internal id), in order."""
        found: list[Record | None] = []
        for start in range(0, len(wanted), BATCH):
            some = wanted[start : start + BATCH]
            root, call = frame(self._names, "getList")
            for record, id in some:
                self._reference(call, record, id)
            whole = _part(self._call(root, "getList", idempotent=True), "readResponseList")
            answers = whole.findall("{*}readResponse")
            if len(answers) != len(some):
                text = status_error(whole) or Transient(
                    f"{len(answers)} answers to {len(some)} records", code="bad_xml"
                )
                raise text
            found += [self._record(one, record) for one, (record, _) in zip(answers, some, strict=True)]
        return found

    def upsert(
        self, record: str, external_id: str, body: Record, *, replace: str = "", idempotent: bool = False
    ) -> None:
        """Create or update by external id."""
        self._write("upsert", record, body, replace, idempotent, externalId=external_id)

    def update(self, record: str, id: str, body: Record, *, replace: str = "") -> None:
        """Change the given fields of a record; repeating it changes nothing more."""
        self._write("update", record, body, replace, True, internalId=id)

    def transform(self, source: str, id: str, target: str, body: Record) -> str | None:
        """Make a record from another one: initialize tells what can be taken, add takes it."""
        offered = self._initialized(source, id, target)
        taken = _taken(body, offered) if "item" in body else _all(offered)
        sent = {**body, "createdFrom": {"id": id}, "item": {"items": taken}}
        if "apply" in sent:  # the list is sent whole: what is not applied is left out
            sent["apply"] = {"items": [one for one in translate.lines_of(sent, "apply") if one.get("apply")]}
        reference = str(sent.pop("externalId"))
        return self._write("add", target, sent, "item,apply", False, externalId=reference)

    def probe(self, record: str) -> None:
        """May this role list such records? Raises ConnectorError where not."""
        one = Criterion("internalId", "anyOf", ["1"], "internalId")
        if record == "customer":
            self.search("CustomerSearchBasic", [one], size=5)
        else:
            of_type = Criterion("type", "anyOf", [f"_{record}"])
            self.search("TransactionSearchBasic", [one, of_type], size=5)

    def server_time(self) -> None:
        """The smallest call there is. Raises ConnectorError where NetSuite does not let us in."""
        root, _ = frame(self._names, "getServerTime")
        answer = _part(self._call(root, "getServerTime", idempotent=True), "getServerTimeResult")
        if (error := status_error(answer)) is not None:
            raise error

    # -- searches -----------------------------------------------------------------
    def search(self, basic: str, criteria: Sequence[Criterion], *, size: int = PAGE) -> Found:
        """The first page of a search; `criteria` in the order of the schema, which is the alphabet's."""
        root, call = frame(self._names, "search", page_size=size)
        made = etree.SubElement(call, f"{{{self._names.messages}}}searchRecord")
        typed(made, self._names.common, basic)
        for one in criteria:
            field = etree.SubElement(made, f"{{{self._names.common}}}{one.field}", operator=one.operator)
            self._values(field, one)
        return self._found(_part(self._call(root, "search", idempotent=True), "searchResult"))

    def more(self, search: str, page: int) -> Found:
        """A further page of a search. Raises Rejected where NetSuite has forgotten it."""
        root, call = frame(self._names, "searchMoreWithId", page_size=PAGE)
        etree.SubElement(call, f"{{{self._names.messages}}}searchId").text = search
        etree.SubElement(call, f"{{{self._names.messages}}}pageIndex").text = str(page)
        return self._found(_part(self._call(root, "searchMoreWithId", idempotent=True), "searchResult"))

    def deleted(self, records: Sequence[str], since: str) -> Iterator[Element]:
        """What was deleted since a moment, of some record types, page by page."""
        for page in range(1, PAGES_MAX + 1):
            root, call = frame(self._names, "getDeleted")
            made = etree.SubElement(call, f"{{{self._names.messages}}}getDeletedFilter")
            for one in (
                Criterion("deletedDate", "onOrAfter", [since]), Criterion("type", "anyOf", records),
            ):  # fmt: skip
                field = etree.SubElement(made, f"{{{self._names.core}}}{one.field}", operator=one.operator)
                self._values(field, one)
            etree.SubElement(call, f"{{{self._names.messages}}}pageIndex").text = str(page)
            found = self._found(_part(self._call(root, "getDeleted", idempotent=True), "getDeletedResult"))
            yield from found.records
            if page >= found.pages:
                return
        raise Transient(f"over {PAGES_MAX} pages were deleted", code="too_large")

    def item_rows(self, skus: Sequence[str], gtins: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Items by name or UPC code, as SuiteQL would tell them; one search for each name."""
        asked = [("itemId", sku) for sku in skus] + [("upcCode", gtin) for gtin in gtins]
        for field, text in asked:
            found = self.search("ItemSearchBasic", [Criterion(field, "is", [text])], size=100)
            for element in found.records:
                told = {name: element.findtext(f"{{*}}{name}") or "" for name in ("itemId", "upcCode")}
                row = {"id": element.get("internalId"), "itemid": told["itemId"], "upccode": told["upcCode"]}
                retired = element.findtext("{*}isInactive") in ("true", "1")
                if told[field] == text:  # the search does not mind the case of letters
                    yield {**row, "isinactive": "T" if retired else "F"}

    def customer_rows(self, one: suiteql.Wanted) -> Sequence[Mapping[str, Any]]:
        """Customers that share anything with the one wanted, as SuiteQL would tell them."""
        searches = [Criterion("externalId", "anyOf", [one.reference], "externalId")]
        searches += [Criterion("vatRegNumber", "is", [one.tax_id])] if one.tax_id else []
        searches += [Criterion("email", "contains", [f"@{one.domain}"])] if one.domain else []
        searches += [Criterion("companyName", "startsWith", [suiteql.stem(one.name)])] if one.name else []
        rows: dict[str, Mapping[str, Any]] = {}
        for criterion in searches:
            for element in self.search("CustomerSearchBasic", [criterion], size=100).records:
                told = read(element, "customer", self._zone)
                rows[told["id"]] = {
                    "id": told["id"], "entityid": told.get("entityId"),
                    "companyname": told.get("companyName"),
                    "email": told.get("email"), "externalid": told.get("externalId"),
                    "isinactive": "T" if told.get("isInactive") else "F",
                    one.tax_field.lower(): told.get("vatRegNumber"),
                }  # fmt: skip
        return list(rows.values())

    # -- what SOAP has not --------------------------------------------------------
    def query(self, q: str, *, limit: int = 0, offset: int = 0) -> NoReturn:
        """Always refuses: SuiteQL is a REST service."""
        text = "this needs SuiteQL, which NetSuite offers over REST only: set protocol to rest"
        raise refusal(text, code="protocol")

    def rows(self, q: str) -> NoReturn:
        """Always refuses, like query()."""
        self.query(q)

    def create(self, record: str, body: Record) -> NoReturn:
        """Always refuses: every record made over SOAP carries our external id."""
        raise refusal(f"{record} cannot be made over SOAP: set protocol to rest", code="protocol")

    # -- one call -----------------------------------------------------------------
    def _call(self, root: Element, operation: str, *, idempotent: bool) -> Element:
        content: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
        headers = {"content-type": "text/xml; charset=utf-8", "soapaction": f'"{operation}"'}
        return opened(
            self._door.call("POST", self._path, content=content, headers=headers, idempotent=idempotent)
        )

    def _write(
        self, operation: str, record: str, body: Record, replace: str, idempotent: bool, **keys: str
    ) -> str | None:
        _shaped(record)
        root, call = frame(self._names, operation)
        self._writer.record(call, record, body, replace=replace.split(","), **keys)
        answer = _part(self._call(root, operation, idempotent=idempotent), "writeResponse")
        if (error := status_error(answer)) is not None:
            raise error
        made = answer.find("{*}baseRef")
        return None if made is None else made.get("internalId")

    def _reference(self, into: Element, record: str, key: str) -> None:
        external = key.removeprefix("eid:") if key.startswith("eid:") else ""
        made = etree.SubElement(into, f"{{{self._names.messages}}}baseRef", type=record)
        made.set("externalId" if external else "internalId", xml_text("id", external or key))
        typed(made, self._names.core, "RecordRef")

    def _values(self, into: Element, one: Criterion) -> None:
        for value in one.values:
            made = etree.SubElement(into, f"{{{self._names.core}}}searchValue")
            if one.key:
                made.set(one.key, xml_text(one.field, value))
            else:
                made.text = xml_text(one.field, value)

    def _record(self, answer: Element, record: str) -> Record | None:
        error = status_error(answer)
        if error is not None:
            if error.code in _MISSING:
                return None
            raise error
        element = answer.find("{*}record")
        if element is None:
            raise Transient("NetSuite answered with something else than a record", code="bad_xml")
        return read(element, record, self._zone)

    def _initialized(self, source: str, id: str, target: str) -> Record:
        root, call = frame(self._names, "initialize")
        made = etree.SubElement(call, f"{{{self._names.messages}}}initializeRecord")
        etree.SubElement(made, f"{{{self._names.core}}}type").text = target
        etree.SubElement(made, f"{{{self._names.core}}}reference", type=source, internalId=id)
        answer = _part(self._call(root, "initialize", idempotent=True), "readResponse")
        if (error := status_error(answer)) is not None:
            error.sent = False  # nothing is stored by it
            raise error
        return self._record(answer, target) or {}

    def _found(self, result: Element) -> Found:
        if (error := status_error(result)) is not None:
            raise error
        records = result.findall("{*}recordList/{*}record") + result.findall(
            "{*}deletedRecordList/{*}deletedRecord"
        )
        figures = [int(result.findtext(f"{{*}}{name}") or 1) for name in ("pageIndex", "totalPages")]
        return Found(records, result.findtext("{*}searchId") or "", *figures)


def _part(answer: Element, name: str) -> Element:
    found = answer.find(f"{{*}}{name}")
    if found is None:
        raise Transient(f"NetSuite's answer has no {name}", code="bad_xml")
    return found


def _shaped(record: str) -> None:
    if record not in SHAPES:
        raise refusal(f"{record} is not written or read over SOAP: set protocol to rest", code="protocol")


def _taken(body: Record, offered: Record) -> Sequence[Mapping[str, Any]]:
    """The offered lines a body asks for, by orderLine, in the quantities it says."""
    wanted = {str(x.get("orderLine")): x["quantity"] for x in translate.lines_of(body) if x.get("quantity")}
    known = {str(line.get("orderLine")): line for line in translate.lines_of(offered)}
    if missing := [number for number in wanted if number not in known]:
        text = f"nothing is left to take of line {', '.join(missing)} of the source"
        raise Rejected(text, code="line", sent=False)
    return [
        {**_carried(known[number]), "orderLine": int(number), "quantity": quantity}
        for number, quantity in wanted.items()
    ]


def _all(offered: Record) -> Sequence[Mapping[str, Any]]:
    kept = ("orderLine", "quantity")
    return [{**_carried(x), **{k: x[k] for k in kept if k in x}} for x in translate.lines_of(offered)]


def _carried(line: Mapping[str, Any]) -> Mapping[str, Any]:
    return {k: v for k, v in line.items() if k in _CARRIED or k.startswith(("custcol", "cseg"))}


def forgotten(error: ConnectorError) -> bool:
    """Was a further page refused because the search is too old?"""
    return "SEARCH" in error.code and isinstance(error, Rejected)

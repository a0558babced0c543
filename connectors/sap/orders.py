"""Orders as sales orders: one deep insert to create, one unit of work to change, in OData V2 or V4."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.sap import shipto
from connectors.sap.batch import Change
from connectors.sap.client import ORDERS, ORDERS_V4, Client
from connectors.sap.products import Products, Wanted
from connectors.sap.settings import Company, Settings
from connectors.sap.translate import entity, number, rows_of, text
from hub.sdk import ConnectorError, Record, Rejected, Transient, Write

REFERENCE_MAX = 35  # of PurchaseOrderByShipToParty and its like [edmx]
LINES_MAX = 900  # item numbers have six digits, our steps are ten; SAP warns from 999 items on
_PSEUDO = frozenset({"seller", "items", "expected", "cancelled", "delivery"})
_FROZEN = frozenset(
    {"SalesOrderType", "SalesOrganization", "DistributionChannel", "OrganizationDivision", "SoldToParty",
     "TransactionCurrency"}
)  # fmt: skip


class Dialect(NamedTuple):
    """How one version of the service spells things (V4 names differ, vendors.md 4.4)."""

    api: str
    order: str
    item: str
    price: str
    items: str
    prices: str
    product: str
    unit: str
    rate: str
    condition_unit: str


V2 = Dialect(
    ORDERS, "A_SalesOrder", "A_SalesOrderItem", "A_SalesOrderItemPrElement", "to_Item", "to_PricingElement",
    "Material", "RequestedQuantityUnit", "ConditionRateValue",
    "ConditionQuantityUnit",
)  # fmt: skip
V4 = Dialect(
    ORDERS_V4, "SalesOrder", "SalesOrderItem", "SalesOrderItemPricingElement", "_Item", "_ItemPricingElement",
    "Product", "RequestedQuantitySAPUnit", "ConditionRateAmount",
    "ConditionQuantitySAPUnit",
)  # fmt: skip


class Orders:
    """Sales orders that carry our reference."""

    def __init__(self, client: Client, settings: Settings, products: Products) -> None:
        self._client, self._settings, self._products = client, settings, products
        self._dialect = V4 if settings.sales_api == "v4" else V2

    def push(self, write: Write) -> str:
        """Create the order or bring it up to date.

        Raises Rejected where SAP's net total is another; Transient for one just made, to be looked up.
        """
        company = self._company(write.record)
        address = shipto.wanted(write.record, v4=self._dialect is V4)
        lines = self._lines(write, company)
        if write.external_id:
            return self._update(write.external_id, write, lines, address)
        made = self._client.create(self._dialect.api, self._dialect.order, self._body(write, company, lines))
        number_ = str(made.get("SalesOrder") or "")
        if not number_:
            raise Rejected("SAP created a sales order without a number", code="echo")
        try:
            self._ship_to(number_, address)
            confirm(write.record, made)
        except ConnectorError as error:
            # it is there: whoever tries again, a person too, must look for it first
            raise Transient(f"created, but {error.message}", code="echo") from error
        return number_

    def _ship_to(self, order: str, address: Mapping[str, Any]) -> None:
        if address:
            shipto.bring(self._client, order, self._settings.ship_to, address)

    def find(self, reference: str) -> str | None:
        """The sales order that carries our reference. Raises Rejected where several do."""
        organizations = dict.fromkeys(one.sales_organization for one in self._settings.sellers.values())
        ours = " or ".join(f"SalesOrganization eq {text(one)}" for one in organizations)
        filters = f"{self._settings.reference_field} eq {text(reference)} and ({ours})"
        query = {"$filter": filters, "$select": "SalesOrder", "$orderby": "SalesOrder", "$top": "2"}
        rows = self._client.page(self._dialect.api, self._dialect.order, query).rows
        if len(rows) > 1:
            told = ", ".join(str(row["SalesOrder"]) for row in rows)
            raise Rejected(f"SAP has several sales orders with reference {reference}: {told}", code="twice")
        return str(rows[0]["SalesOrder"]) if rows else None

    def _company(self, record: Record) -> Company:
        seller = str(record.get("seller") or "")
        company = self._settings.company(seller)
        if company is None:
            known = ", ".join(repr(one) for one in self._settings.sellers)
            raise Rejected(
                f"seller {seller!r} is not in the connection's sellers: {known}", code="seller", sent=False
            )
        return company

    def _lines(self, write: Write, company: Company) -> list[dict[str, Any]]:
        record = write.record
        asked = [_wanted(line) for line in rows_of(record, "items")]
        if len(asked) > LINES_MAX or len(write.reference) > REFERENCE_MAX:
            raise Rejected(f"an order has at most {LINES_MAX} lines in SAP", code="too_large", sent=False)
        materials = self._products.find(asked)
        lines = rows_of(record, "items")
        return [
            self._line(line, materials[one], record, company) for line, one in zip(lines, asked, strict=True)
        ]

    def _line(
        self, line: Mapping[str, Any], material: str, record: Record, company: Company
    ) -> dict[str, Any]:
        said = self._dialect
        line_id = str(line.get("line_id") or "")
        if not line_id or len(line_id) > REFERENCE_MAX:
            raise Rejected(
                f"line id {line_id!r} is not of 1 to {REFERENCE_MAX} characters", code="line", sent=False
            )
        rejected = bool(line.get("rejected") or record.get("cancelled"))
        told = {k: v for k, v in line.items() if k not in _LINE_PSEUDO}
        told |= {
            self._settings.item_reference: line_id,
            said.product: material,
            "RequestedQuantity": number(line.get("quantity"), "quantity"),
            said.unit: line.get("unit") or None,
            "SalesDocumentRjcnReason": self._settings.rejection_reason if rejected else None,
        }
        if company.plant:
            told["Plant" if said is V4 else "ProductionPlant"] = company.plant
        told[said.prices] = [self._price(line, record)] if line.get("price") is not None else []
        return told

    def _price(self, line: Mapping[str, Any], record: Record) -> dict[str, Any]:
        places = int(record.get("price_places", 2))
        rate, per = priced(number(line["price"], "price"), places)
        told: dict[str, Any] = {
            "ConditionType": self._settings.price_condition,
            self._dialect.rate: rate,
            "ConditionCurrency": record.get("TransactionCurrency"),
        }
        if per != 1:
            told |= {
                "ConditionQuantity": Decimal(per),
                self._dialect.condition_unit: line.get("unit") or None,
            }
        return told

    def _body(self, write: Write, company: Company, lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
        settings, said = self._settings, self._dialect
        header = {k: v for k, v in write.record.items() if k not in _PSEUDO and k != "price_places"}
        items = [{"SalesOrderItem": str(at * 10), **line} for at, line in enumerate(lines, 1)]
        return {
            "SalesOrderType": settings.documents.order,
            "SalesOrganization": company.sales_organization,
            "DistributionChannel": company.distribution_channel,
            "OrganizationDivision": company.division,
            **header,
            settings.reference_field: write.reference,
            said.items: items,
        }

    def _update(
        self, order: str, write: Write, lines: Sequence[dict[str, Any]], address: Mapping[str, Any]
    ) -> str:
        said = self._dialect
        path = entity(said.order, order)
        prices = f"{said.items}($expand={said.prices})" if said is V4 else f"{said.items}/{said.prices}"
        expand = prices if said is V4 else f"{said.items},{prices}"
        known = self._client.get(said.api, path, {"$expand": expand})
        if known is None:
            raise Rejected(f"sales order {order} is gone from SAP", code="gone", sent=False)
        operations = list(self._changes(path, order, write, lines, known))
        if len(operations) == 1 and operations[0].method == "PATCH":
            self._client.update(said.api, operations[0].path, operations[0].body, operations[0].etag)
        elif operations:
            self._client.together(said.api, operations)
        if not write.record.get("cancelled"):
            self._ship_to(order, address)
            confirm(write.record, (self._client.get(said.api, path) or {}) if operations else known)
        return order

    def _changes(
        self, path: str, order: str, write: Write, lines: Sequence[Record], known: Record
    ) -> Iterator[Change]:
        etag = str(known.get("etag") or "")
        header = {k: v for k, v in write.record.items() if k not in _PSEUDO | _FROZEN and k != "price_places"}
        header[self._settings.reference_field] = write.reference
        if changed := _changed(header, known):
            yield Change("PATCH", path, changed, etag)
        field = self._settings.item_reference
        there = {str(item.get(field) or ""): item for item in rows_of(known, self._dialect.items)}
        ours = {str(line[field]): line for line in lines}
        for line_id, line in ours.items():
            item = there.get(line_id)
            if item is not None:
                yield from self._item(order, line, item, etag)
            elif not line.get("SalesDocumentRjcnReason"):
                yield Change("POST", f"{path}/{self._dialect.items}", line, etag)
        for line_id, item in there.items():
            if (
                line_id not in ours
                and line_id not in ("", write.reference)
                and not item.get("SalesDocumentRjcnReason")
            ):
                reason = {"SalesDocumentRjcnReason": self._settings.rejection_reason}
                yield Change("PATCH", self._place(order, item), reason, str(item.get("etag") or etag))

    def _item(self, order: str, line: Record, item: Record, etag: str) -> Iterator[Change]:
        said = self._dialect
        own = str(item.get("etag") or etag)
        wanted = {k: ("" if v is None and k == "SalesDocumentRjcnReason" else v) for k, v in line.items()}
        wanted = {k: v for k, v in wanted.items() if k != said.prices and v is not None}
        if changed := _changed(wanted, item):
            yield Change("PATCH", self._place(order, item), changed, own)
        for price in line.get(said.prices) or ():
            there = [
                one
                for one in rows_of(item, said.prices)
                if one.get("ConditionType") == price["ConditionType"]
            ]
            if not there:
                yield Change("POST", f"{self._place(order, item)}/{said.prices}", price, own)
            elif changed := _changed(price, {"ConditionQuantity": Decimal(1), **there[0]}):
                place = entity(
                    said.price, SalesOrder=order, SalesOrderItem=str(item["SalesOrderItem"]),
                    PricingProcedureStep=str(there[0]["PricingProcedureStep"]),
                    PricingProcedureCounter=str(there[0]["PricingProcedureCounter"]),
                )  # fmt: skip
                yield Change("PATCH", place, changed, str(there[0].get("etag") or own))

    def _place(self, order: str, item: Record) -> str:
        return entity(self._dialect.item, SalesOrder=order, SalesOrderItem=str(item["SalesOrderItem"]))


_LINE_PSEUDO = frozenset({"line_id", "sku", "gtin", "quantity", "unit", "price", "rejected"})


def _wanted(line: Mapping[str, Any]) -> Wanted:
    return Wanted(str(line.get("sku") or ""), str(line.get("gtin") or ""))


def priced(price: Decimal, places: int = 2) -> tuple[Decimal, int]:
    """A price as SAP keeps it: a rate with the currency's decimals for 1, 10, ... 10000 units.

    Raises Rejected for a price with more decimals than that can say.
    """
    for power in range(5):
        rate = price.scaleb(power)
        if rate == rate.quantize(Decimal(1).scaleb(-places)):
            return rate.quantize(Decimal(1).scaleb(-places)), 10**power
    raise Rejected(
        f"price {price} has more decimals than SAP can say per 10,000 units", code="price", sent=False
    )


def confirm(record: Record, seen: Record) -> None:
    """Compare what SAP made of the order with the document. Raises Rejected with both figures."""
    expected = record.get("expected") or {}
    where = f"sales order {seen.get('SalesOrder')}"
    if "total" in expected and seen.get("TotalNetAmount") is not None and not record.get("cancelled"):
        ours, theirs = (
            number(expected["total"], "expected.total"),
            number(seen["TotalNetAmount"], "TotalNetAmount"),
        )
        if ours != theirs:
            raise Rejected(f"{where} has net total {theirs} in SAP, the document says {ours}", code="echo")
    currency = seen.get("TransactionCurrency")
    if "currency" in expected and currency and currency != expected["currency"]:
        raise Rejected(f"{where} is in {currency}, the document in {expected['currency']}", code="echo")


def _changed(wanted: Record, known: Record) -> dict[str, Any]:
    return {k: v for k, v in wanted.items() if v is not None and _shown(v) != _shown(known.get(k))}


def _shown(value: Any) -> str:
    if value is None:
        return ""
    told = str(value)
    try:
        return (
            f"{Decimal(told).normalize():f}"
            if any(c in told for c in ".") or isinstance(value, Decimal)
            else told
        )
    except ArithmeticError:
        return told

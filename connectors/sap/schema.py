"""Which fields SAP's records have: from the services' own metadata, else the baseline that ships here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from connectors.sap.client import BILLING, DELIVERIES, ORDERS, ORDERS_V4, PARTNERS, Client
from connectors.sap.settings import Settings
from hub.sdk import ConnectorError, Field, Invalid, Schema, parse_xml

_TYPES = {
    "Edm.Decimal": "decimal", "Edm.Double": "decimal", "Edm.Boolean": "bool", "Edm.Byte": "integer",
    "Edm.Int16": "integer", "Edm.Int32": "integer", "Edm.Int64": "integer", "Edm.DateTime": "date",
    "Edm.Date": "date", "Edm.DateTimeOffset": "datetime",
}  # fmt: skip
# kind -> where the fields of its record are: prefix, entity type (without `Type`)
PLACES: Mapping[str, Sequence[tuple[str, str]]] = {
    "customer": (("", "A_BusinessPartner"), ("address.", "A_BusinessPartnerAddress"),
                 ("tax.", "A_BusinessPartnerTaxNumber"), ("company.", "A_CustomerCompany"),
                 ("sales.", "A_CustomerSalesArea")),
    "order": (("", "A_SalesOrder"), ("items[].", "A_SalesOrderItem"), ("to_Item[].", "A_SalesOrderItem")),
    "shipment": (("", "A_OutbDeliveryHeader"), ("items[].", "A_OutbDeliveryItem")),
    "invoice": (("", "A_BillingDocument"), ("to_Item[].", "A_BillingDocumentItem")),
    "credit_memo": (("", "A_BillingDocument"), ("to_Item[].", "A_BillingDocumentItem")),
}  # fmt: skip
APIS = {
    "customer": PARTNERS, "order": ORDERS, "shipment": DELIVERIES, "invoice": BILLING, "credit_memo": BILLING,
}  # fmt: skip
_V4 = {"A_SalesOrder": "SalesOrder_Type", "A_SalesOrderItem": "SalesOrderItem_Type"}

# Fields the shipped mappings use, for a system that cannot be asked; `name:type`, text without a type.
_BASELINE: Mapping[str, str] = {
    "A_BusinessPartner": "BusinessPartnerCategory OrganizationBPName1 OrganizationBPName2 "
    "OrganizationBPName3 OrganizationBPName4 SearchTerm1 SearchTerm2 BusinessPartnerGrouping "
    "BusinessPartnerIsBlocked:bool CorrespondenceLanguage Industry LegalForm",
    "A_BusinessPartnerAddress": "StreetName StreetPrefixName StreetSuffixName HouseNumber CityName "
    "PostalCode Region Country Language",
    "A_BusinessPartnerTaxNumber": "BPTaxType BPTaxNumber BPTaxLongNumber",
    "A_CustomerCompany": "PaymentTerms PaymentBlockingReason PaymentMethodsList ReconciliationAccount",
    "A_CustomerSalesArea": "Currency CustomerPaymentTerms CustomerPricingProcedure CustomerPriceGroup "
    "IncotermsClassification IncotermsLocation1 ShippingCondition OrderIsBlockedForCustomer "
    "CustomerAccountAssignmentGroup DeliveryPriority",
    "A_SalesOrder": "SalesOrder TotalNetAmount:decimal SalesOrderType SoldToParty "
    "PurchaseOrderByCustomer PurchaseOrderByShipToParty "
    "CustomerPurchaseOrderDate:date SalesOrderDate:date RequestedDeliveryDate:date PricingDate:date "
    "TransactionCurrency CustomerPaymentTerms HeaderBillingBlockReason DeliveryBlockReason SDDocumentReason "
    "IncotermsClassification IncotermsLocation1 ShippingCondition SalesGroup SalesOffice",
    "A_SalesOrderItem": "SalesOrderItem Material RequestedQuantity:decimal RequestedQuantityUnit "
    "UnderlyingPurchaseOrderItem SalesDocumentRjcnReason NetAmount:decimal SalesOrderItemText "
    "SalesOrderItemCategory MaterialByCustomer ProductionPlant "
    "StorageLocation ItemBillingBlockReason CustomerPaymentTerms ProductTaxClassification1",
    "A_OutbDeliveryHeader": "DeliveryDocument DeliveryDocumentType OverallGoodsMovementStatus BillOfLading "
    "ActualGoodsMovementDate:date ActualGoodsMovementTime ShipToParty SoldToParty SalesOrganization "
    "ShippingPoint DeliveryDate:date LastChangeDate:date MeansOfTransport HeaderGrossWeight:decimal "
    "OverallDelivReltdBillgStatus DocumentDate:date CreationDate:date DeliveryVersion",
    "A_OutbDeliveryItem": "DeliveryDocumentItem Material DeliveryDocumentItemText ReferenceSDDocument "
    "ReferenceSDDocumentItem ActualDeliveryQuantity:decimal DeliveryQuantityUnit Batch Plant "
    "InternationalArticleNumber MaterialByCustomer",
    "A_BillingDocument": "BillingDocument BillingDocumentType SDDocumentCategory BillingDocumentDate:date "
    "SoldToParty PayerParty CompanyCode FiscalYear AccountingDocument AccountingPostingStatus "
    "AccountingTransferStatus InvoiceClearingStatus TotalNetAmount:decimal TaxAmount:decimal "
    "TotalGrossAmount:decimal TransactionCurrency CustomerPaymentTerms PaymentReference DocumentReferenceID "
    "BillingDocumentIsCancelled:bool CancelledBillingDocument LastChangeDateTime:datetime "
    "PurchaseOrderByCustomer SalesOrganization",
    "A_BillingDocumentItem": "BillingDocumentItem Material BillingDocumentItemText BillingQuantity:decimal "
    "BillingQuantityUnit NetAmount:decimal TaxAmount:decimal GrossAmount:decimal ReferenceSDDocument "
    "ReferenceSDDocumentItem SalesDocument SalesDocumentItem TransactionCurrency InternationalArticleNumber",
}
# What the connector adds to a record, or takes out of it before sending.
_EXPECTED = "expected:object expected.total:decimal expected.currency"
_ORDER = "order:object order.external_id order.reference seller"
_DELIVERY = (
    "delivery:object delivery.OrganizationName1 delivery.OrganizationName2 delivery.StreetName "
    "delivery.StreetSuffixName1 delivery.HouseNumber delivery.CityName delivery.PostalCode delivery.Region "
    "delivery.Country delivery.PhoneNumber delivery.EmailAddress"
)
_APPLIED = (
    "applications:list applications[].invoice applications[].amount:decimal applications[].currency "
    "applications[].taken:decimal applications[].taken_currency"
)
_ENTRY = (
    "document company_code document_type number seller customer currency amount:decimal posting_date:date "
    "document_reference text reference cancelled_on:date amount_in_company_currency:decimal"
)
_POSTED = (
    "document_type company_code seller document_date:date posting_date:date currency customer reference "
    "header_text assignment payment_reference due_date:date payment_terms amount:decimal net:decimal text "
    "lines:list lines[].gl_account lines[].amount:decimal lines[].tax_code lines[].text lines[].cost_center "
    "lines[].profit_center taxes:list taxes[].tax_code taxes[].base:decimal taxes[].amount:decimal "
    "bank:object bank.gl_account bank.house_bank bank.account bank.value_date:date counter_account "
    "cost_center reversed:bool reason reason_code discount_days:integer discount_percent:decimal invoice "
    "allocations:list allocations[].invoice allocations[].amount:decimal allocations[].currency "
    f"allocations[].discount:decimal allocations[].deduction:decimal {_EXPECTED}"
)
_MEMO = " ".join(
    f"memo.{name}" for name in (
        "number", "customer", "seller", "currency", "issue_date:date", "reason", "net:decimal",
        "gross:decimal", "invoice", "order", "reference",
    )
)  # fmt: skip
_BILLED = (
    f"{_ORDER} shipment accounting:object accounting.net_due_date:date accounting.document to_Item:list "
    "to_Item[].order_line to_Item[].tax_code to_Item[].tax_percent:decimal to_Item[].unit_price:decimal "
    "taxes:list taxes[].percent:decimal taxes[].amount:decimal cancelled_on:date memo.gross:decimal"
)
_AROUND: Mapping[str, str] = {
    "customer": "address:object address.email address.phone address.website tax:object company:object "
    "sales:object duns blocked:bool match:object match.tax_id match.duns match.domain match.name",
    "order": f"seller items:list items[].line_id items[].sku items[].gtin items[].quantity:decimal "
    f"items[].unit items[].price:decimal items[].rejected:bool cancelled:bool "
    "to_Item:list to_Item[].InternationalArticleNumber to_Item[].NetPriceAmount:decimal "
    f"to_Item[].NetPriceQuantity:decimal price_places:integer {_DELIVERY} {_EXPECTED}",
    "shipment": f"{_ORDER} items:list items[].order_line",
    "invoice": f"{_BILLED} {_POSTED}",
    "credit_memo": f"{_BILLED} {_APPLIED} memo:object {_MEMO} {_ENTRY} {_POSTED}",
    "payment": f"{_ENTRY} {_APPLIED} value_date:date bank_account payment_reference {_POSTED}",
    "adjustment": f"{_ENTRY} invoice reason {_POSTED}",
}


def _fields(words: str, prefix: str = "") -> Iterator[Field]:
    for word in words.split():
        name, _, kind = word.partition(":")
        yield Field(prefix + name, kind or "text")


def baseline(kind: str, found: Mapping[str, Sequence[Field]] | None = None) -> Schema:
    """The fields of a kind's record: as found, else as shipped."""
    told: dict[str, Field] = {}
    for prefix, name in PLACES.get(kind, ()):
        for field in _fields(_BASELINE[name], prefix):
            told[field.name] = field
        for field in (found or {}).get(name, ()):
            told[prefix + field.name] = Field(
                prefix + field.name, field.type, field.label, max_length=field.max_length
            )
    for field in _fields(_AROUND.get(kind, "")):
        told.setdefault(field.name, field)
    return Schema(tuple(told.values()), complete=found is not None)


def ask(client: Client, settings: Settings, kind: str) -> Schema:
    """The fields as the system's own metadata has them, extension fields included."""
    if kind not in APIS:
        return baseline(kind)
    v4 = kind == "order" and settings.sales_api == "v4"
    try:
        body = client.metadata(ORDERS_V4 if v4 else APIS[kind])
        return baseline(kind, described(body, [name for _, name in PLACES[kind]], v4=v4))
    except (ConnectorError, Invalid):
        return baseline(kind)


def described(metadata: bytes, names: Iterable[str], *, v4: bool = False) -> Mapping[str, Sequence[Field]]:
    """Entity types of an EDMX document, V2 or V4. Raises Invalid for what is none."""
    root = parse_xml(metadata)
    types = {str(one.get("Name")): one for one in root.iter("{*}EntityType")}
    found: dict[str, list[Field]] = {}
    for name in names:
        node = types.get(_V4.get(name, name) if v4 else f"{name}Type")
        if node is None:
            raise Invalid(f"the metadata has no {name}", field="metadata")
        found[name] = [
            Field(
                str(one.get("Name")),
                _TYPES.get(str(one.get("Type")), "text"),
                str(one.get("{http://www.sap.com/Protocols/SAPData}label") or ""),
                max_length=int(str(one.get("MaxLength") or "0"))
                if str(one.get("MaxLength") or "0").isdigit()
                else 0,
            )
            for one in node.findall("{*}Property")
        ]
    return found

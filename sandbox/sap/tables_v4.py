"""The V4 sales order interface: its entity types, and under which V2 names the same values are kept."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.sap.schema import Interface, parsed

SALES_ORDER_V4 = Interface(
    "com.sap.gateway.srvd_a2x.api_salesorder.v0001",
    "/sap/opu/odata4/sap/api_salesorder/srvd_a2x/sap/salesorder/0001",
    parsed("""
SalesOrder SalesOrder
  SalesOrder:S10! SalesOrderType:S4! SoldToParty:S10! SalesOrganization:S4! DistributionChannel:S2!
  OrganizationDivision:S2! SalesOffice:S4! SalesGroup:S3! CreatedByUser:S12!- CreationDate:T-
  LastChangeDateTime:Z-@ PurchaseOrderByCustomer:S35! PurchaseOrderByShipToParty:S35!
  CustomerPurchaseOrderType:S4! CustomerPurchaseOrderDate:T SDDocumentReason:S3! SalesOrderDate:T
  RequestedDeliveryDate:T PricingDate:T BillingDocumentDate:T TotalNetAmount:D15.3!-
  TransactionCurrency:S3! ShippingCondition:S2! IncotermsClassification:S3! IncotermsLocation1:S70!
  CustomerPaymentTerms:S4! PaymentMethod:S1! AssignmentReference:S18! HeaderBillingBlockReason:S2!
  DeliveryBlockReason:S2! CustomerGroup:S2! OverallSDProcessStatus:S1!- OverallDeliveryStatus:S1!-
  TotalCreditCheckStatus:S1!- OverallSDDocumentRejectionSts:S1!- OverallOrdReltdBillgStatus:S1!-
  >_Item:SalesOrderItem* >_Partner:SalesOrderPartner* >_Text:SalesOrderText*
SalesOrderItem SalesOrder SalesOrderItem
  SalesOrder:S10! SalesOrderItem:S6!# SalesOrderItemCategory:S4! SalesOrderItemText:S40! Product:S18!
  MaterialByCustomer:S35! PurchaseOrderByCustomer:S35! RequestedQuantity:D15.3!
  RequestedQuantitySAPUnit:S3! RequestedQuantityISOUnit:S3! OrderQuantitySAPUnit:S3!-
  ConfdDelivQtyInOrderQtyUnit:D15.3!- NetAmount:D15.3!- TransactionCurrency:S3! TaxAmount:D13.3!-
  Plant:S4! StorageLocation:S4! ShippingPoint:S4! CustomerPaymentTerms:S4! ItemBillingBlockReason:S2!
  SalesDocumentRjcnReason:S2! SDProcessStatus:S1!- DeliveryStatus:S1!- OrderRelatedBillingStatus:S1!-
  >_ItemPricingElement:SalesOrderItemPricingElement* >_ItemText:SalesOrderItemText*
  >_SalesOrder:SalesOrder1
SalesOrderPartner SalesOrder PartnerFunction
  SalesOrder:S10! PartnerFunction:S2! Customer:S10 Supplier:S10 Personnel:S8 ContactPerson:S10
SalesOrderText SalesOrder Language LongTextID
  SalesOrder:S10! Language:S2! LongTextID:S4! LongText:S!
SalesOrderItemText SalesOrder SalesOrderItem Language LongTextID
  SalesOrder:S10! SalesOrderItem:S6!# Language:S2! LongTextID:S4! LongText:S!
SalesOrderItemPricingElement SalesOrder SalesOrderItem PricingProcedureStep PricingProcedureCounter
  SalesOrder:S10! SalesOrderItem:S6!# PricingProcedureStep:S3!# PricingProcedureCounter:S3!#
  ConditionType:S4! ConditionRateAmount:D24.9 ConditionCurrency:S3! ConditionQuantity:D5.0
  ConditionQuantitySAPUnit:S3! ConditionAmount:D15.3- TransactionCurrency:S3!
"""),
)
SETS = {
    "SalesOrder": "A_SalesOrder",
    "SalesOrderItem": "A_SalesOrderItem",
    "SalesOrderPartner": "A_SalesOrderHeaderPartner",
    "SalesOrderText": "A_SalesOrderText",
    "SalesOrderItemText": "A_SalesOrderItemText",
    "SalesOrderItemPricingElement": "A_SalesOrderItemPrElement",
}
NAMES: Mapping[str, Mapping[str, str]] = {
    **{name: {} for name in SETS},
    "SalesOrderItem": {
        "Product": "Material",
        "Plant": "ProductionPlant",
        "OrderQuantitySAPUnit": "OrderQuantityUnit",
    },
    "SalesOrderItemPricingElement": {
        "ConditionRateAmount": "ConditionRateValue",
        "ConditionQuantitySAPUnit": "ConditionQuantityUnit",
    },
}

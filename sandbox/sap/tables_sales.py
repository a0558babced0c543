"""The sales order, delivery and billing interfaces: what their published metadata says of our fields."""

from __future__ import annotations

from sandbox.sap.schema import Action, Interface, parsed

_ROOT = "/sap/opu/odata/sap/"

SALES_ORDER = Interface(
    "API_SALES_ORDER_SRV",
    f"{_ROOT}API_SALES_ORDER_SRV",
    parsed("""
A_SalesOrder SalesOrder
  CustomerAccountAssignmentGroup:S2 CustomerPriceGroup:S2 ReferenceSDDocumentCategory:S4-
  SalesOrder:S10! SalesOrderType:S4 SalesOrganization:S4 DistributionChannel:S2 OrganizationDivision:S2
  SalesGroup:S3 SalesOffice:S4 SoldToParty:S10 CreationDate:T- CreatedByUser:S12- LastChangeDate:T-
  ExternalDocumentID:S40- LastChangeDateTime:Z-@ ExternalDocLastChangeDateTime:Z-
  PurchaseOrderByCustomer:S35 PurchaseOrderByShipToParty:S35 CustomerPurchaseOrderType:S4
  CustomerPurchaseOrderDate:T SalesOrderDate:T TotalNetAmount:D16.3- OverallDeliveryStatus:S1-
  TotalBlockStatus:S1- OverallOrdReltdBillgStatus:S1- OverallSDDocReferenceStatus:S1-
  TransactionCurrency:S5 SDDocumentReason:S3 PricingDate:T RequestedDeliveryDate:T ShippingCondition:S2
  CompleteDeliveryIsDefined:B HeaderBillingBlockReason:S2 DeliveryBlockReason:S2
  IncotermsClassification:S3 IncotermsLocation1:S70 CustomerPaymentTerms:S4 PaymentMethod:S1
  AssignmentReference:S18 ReferenceSDDocument:S10 AccountingDocExternalReference:S16 CustomerGroup:S2
  CustomerTaxClassification1:S1 OverallSDProcessStatus:S1- TotalCreditCheckStatus:S1-
  OverallTotalDeliveryStatus:S1- OverallSDDocumentRejectionSts:S1- BillingDocumentDate:T
  ServicesRenderedDate:T >to_Item:A_SalesOrderItem* >to_Partner:A_SalesOrderHeaderPartner*
  >to_PricingElement:A_SalesOrderHeaderPrElement* >to_Text:A_SalesOrderText*
  >to_SubsequentProcFlowDoc:A_SalesOrderSubsqntProcFlow*
A_SalesOrderItem SalesOrder SalesOrderItem
  Batch:S10 DeliveryPriority:S2# IncotermsClassification:S3 IncotermsLocation1:S70 ProfitCenter:S10
  SalesOrder:S10!- SalesOrderItem:S6!# HigherLevelItem:S6# SalesOrderItemCategory:S4
  SalesOrderItemText:S40 PurchaseOrderByCustomer:S35 PurchaseOrderByShipToParty:S35
  UnderlyingPurchaseOrderItem:S6 ExternalItemID:S40- Material:S40 MaterialByCustomer:S35 PricingDate:T
  RequestedQuantity:D15.3 RequestedQuantityUnit:S3 RequestedQuantitySAPUnit:S3 RequestedQuantityISOUnit:S3
  OrderQuantityUnit:S3- ConfdDelivQtyInOrderQtyUnit:D15.3- TransactionCurrency:S5- NetAmount:D16.3-
  MaterialGroup:S9 ProductionPlant:S4 StorageLocation:S4 ShippingPoint:S4 TaxAmount:D14.3
  ProductTaxClassification1:S1 CostAmount:D14.3 CustomerPaymentTerms:S4 SalesDocumentRjcnReason:S2
  ItemBillingBlockReason:S2 ReferenceSDDocument:S10 ReferenceSDDocumentItem:S6# SDProcessStatus:S1-
  DeliveryStatus:S1- OrderRelatedBillingStatus:S1- Subtotal1Amount:D14.3-
  >to_PricingElement:A_SalesOrderItemPrElement* >to_Partner:A_SalesOrderItemPartner*
  >to_Text:A_SalesOrderItemText* >to_SalesOrder:A_SalesOrder1 >to_ScheduleLine:A_SalesOrderScheduleLine*
  >to_SubsequentProcFlowDocItem:A_SalesOrderItmSubsqntProcFlow*
A_SalesOrderItemPrElement SalesOrder SalesOrderItem PricingProcedureStep PricingProcedureCounter
  ConditionQuantitySAPUnit:S3 ConditionQuantityISOUnit:S3
  SalesOrder:S10!- SalesOrderItem:S6!-# PricingProcedureStep:S3!# PricingProcedureCounter:S3!#
  ConditionType:S4 ConditionCalculationType:S3- ConditionBaseValue:D24.9- ConditionRateValue:D24.9
  ConditionCurrency:S5 ConditionQuantity:D5.0 ConditionQuantityUnit:S3 ConditionCategory:S1-
  ConditionIsForStatistics:B- ConditionOrigin:S1- TaxCode:S2- ConditionAmount:D16.3-
  TransactionCurrency:S5 ConditionInactiveReason:S1- ConditionClass:S1- ConditionIsManuallyChanged:B-
  >to_SalesOrder:A_SalesOrder1 >to_SalesOrderItem:A_SalesOrderItem1
A_SalesOrderHeaderPrElement SalesOrder PricingProcedureStep PricingProcedureCounter
  ConditionQuantitySAPUnit:S3
  SalesOrder:S10!- PricingProcedureStep:S3!# PricingProcedureCounter:S3!# ConditionType:S4
  ConditionCalculationType:S3- ConditionBaseValue:D24.9- ConditionRateValue:D24.9 ConditionCurrency:S5
  ConditionQuantity:D5.0 ConditionQuantityUnit:S3 ConditionCategory:S1- ConditionIsForStatistics:B-
  ConditionOrigin:S1- TaxCode:S2- ConditionAmount:D16.3- TransactionCurrency:S5
  ConditionInactiveReason:S1- ConditionClass:S1- ConditionIsManuallyChanged:B-
  >to_SalesOrder:A_SalesOrder1
A_SalesOrderHeaderPartner SalesOrder PartnerFunction
  SalesOrder:S10!- PartnerFunction:S2! Customer:S10 Supplier:S10 Personnel:S8# ContactPerson:S10#
  AddressID:S10 >to_SalesOrder:A_SalesOrder1 >to_Address:A_SalesOrderPartnerAddress*
A_SalesOrderPartnerAddress SalesOrder PartnerFunction AddressRepresentationCode no create delete
  SalesOrder:S10! PartnerFunction:S2! AddressRepresentationCode:S1! CorrespondenceLanguage:S2
  AddresseeFullName:S80 OrganizationName1:S40 OrganizationName2:S40 CityName:S40 DistrictName:S40
  PostalCode:S10 StreetName:S60 StreetSuffixName1:S40 HouseNumber:S10 Country:S3 Region:S3 POBox:S10
  EmailAddress:S241 PhoneNumber:S30 >to_SalesOrder:A_SalesOrder1
A_SalesOrderItemPartner SalesOrder SalesOrderItem PartnerFunction
  SalesOrder:S10!- SalesOrderItem:S6!-# PartnerFunction:S2! Customer:S10 Supplier:S10 Personnel:S8#
  ContactPerson:S10# >to_SalesOrder:A_SalesOrder1 >to_SalesOrderItem:A_SalesOrderItem1
A_SalesOrderText SalesOrder Language LongTextID
  SalesOrder:S10!- Language:S2! LongTextID:S4! LongText:S >to_SalesOrder:A_SalesOrder1
A_SalesOrderItemText SalesOrder SalesOrderItem Language LongTextID
  SalesOrder:S10!- SalesOrderItem:S6!-# Language:S2! LongTextID:S4! LongText:S
  >to_SalesOrder:A_SalesOrder1 >to_SalesOrderItem:A_SalesOrderItem1
A_SalesOrderScheduleLine SalesOrder SalesOrderItem ScheduleLine
  SalesOrder:S10!- SalesOrderItem:S6!-# ScheduleLine:S4!# RequestedDeliveryDate:T ConfirmedDeliveryDate:T
  OrderQuantityUnit:S3 ScheduleLineOrderQuantity:D13.3 ConfdOrderQtyByMatlAvailCheck:D13.3
  DeliveredQtyInOrderQtyUnit:D13.3
A_SalesOrderSubsqntProcFlow SalesOrder DocRelationshipUUID no write
  SalesOrder:S10! DocRelationshipUUID:G! SubsequentDocument:S10 SubsequentDocumentCategory:S4
  ProcessFlowLevel:S2# OverallSDProcessStatus:S1 CreationDate:T CreationTime:H LastChangeDate:T
  >to_SalesOrder:A_SalesOrder1
A_SalesOrderItmSubsqntProcFlow SalesOrder SalesOrderItem DocRelationshipUUID no write
  SalesOrder:S10! SalesOrderItem:S6!# DocRelationshipUUID:G! SubsequentDocument:S10
  SubsequentDocumentItem:S6# SubsequentDocumentCategory:S4 ProcessFlowLevel:S2# SDProcessStatus:S1
  CreationDate:T CreationTime:H LastChangeDate:T >to_SalesOrder:A_SalesOrder1
  >to_SalesOrderItem:A_SalesOrderItem1
"""),
    {
        "releaseApprovalRequest": Action("POST", ("SalesOrder",), "A_SalesOrder", "FunctionResult"),
        "rejectApprovalRequest": Action("POST", ("SalesOrder",), "A_SalesOrder", "FunctionResult"),
    },
)

DELIVERY = Interface(
    "API_OUTBOUND_DELIVERY_SRV",
    f"{_ROOT}API_OUTBOUND_DELIVERY_SRV;v=0002",
    parsed("""
A_OutbDeliveryHeader DeliveryDocument
  BillingDocumentDate:T- DeliveryPriority:S2~ HeaderBillingBlockReason:S2- IncotermsClassification:S3~
  DeliveryDocument:S10!- ActualGoodsMovementDate:T~ Shippinglocationtimezone:S6!-
  Receivinglocationtimezone:S6!- ActualGoodsMovementTime:H- BillOfLading:S35~ CreatedByUser:S12-
  CreationDate:T- CreationTime:H- DeliveryBlockReason:S2~ DeliveryDate:T~ DeliveryDocumentBySupplier:S35~
  DeliveryDocumentType:S4- DeliveryVersion:S4-@ DocumentDate:T- HeaderGrossWeight:D15.3~
  HeaderNetWeight:D15.3~ HeaderWeightUnit:S3~ LastChangeDate:T- LastChangedByUser:S12-
  MeansOfTransport:S20~ OverallDelivReltdBillgStatus:S1- OverallGoodsMovementStatus:S1-
  OverallPackingStatus:S1- OverallPickingStatus:S1- OverallSDProcessStatus:S1- PickingDate:T~
  PlannedGoodsIssueDate:T~ ProposedDeliveryRoute:S6~ SalesOrganization:S4- SDDocumentCategory:S4-
  ShippingCondition:S2- ShippingPoint:S4+ ShipToParty:S10- SoldToParty:S10- TransactionCurrency:S5-
  >to_DeliveryDocumentItem:A_OutbDeliveryItem*
  >to_DeliveryDocumentPartner:A_OutbDeliveryPartner*|SDDocument=DeliveryDocument
A_OutbDeliveryItem DeliveryDocument DeliveryDocumentItem no create
  HigherLevelItem:S6- ItemBillingBlockReason:S2- SDDocumentCategory:S4-
  DeliveryDocument:S10!+ DeliveryDocumentItem:S6!- ActualDeliveredQtyInBaseUnit:D13.3~
  ActualDeliveryQuantity:D13.3 BaseUnit:S3- Batch:S10~ CreationDate:T- DeliveryDocumentItemCategory:S4-
  DeliveryDocumentItemText:S40~ DeliveryQuantityUnit:S3+ DeliveryRelatedBillingStatus:S1-
  DeliveryVersion:S4-@ DistributionChannel:S2- Division:S2- GoodsMovementStatus:S1- GoodsMovementType:S3-
  InternationalArticleNumber:S18- ItemGrossWeight:D15.3~ ItemNetWeight:D15.3~ ItemWeightUnit:S3~
  LastChangeDate:T- Material:S40- MaterialByCustomer:S35~ OriginalDeliveryQuantity:D13.3-
  PickingStatus:S1- Plant:S4- ReferenceSDDocument:S10+ ReferenceSDDocumentCategory:S4-
  ReferenceSDDocumentItem:S6+ SDProcessStatus:S1- StorageLocation:S4~
  >to_DocumentFlow:A_OutbDeliveryDocFlow*\
|PrecedingDocument=DeliveryDocument,PrecedingDocumentItem=DeliveryDocumentItem
A_OutbDeliveryPartner PartnerFunction SDDocument no write
  PartnerFunction:S2!- SDDocument:S10!- Customer:S10!- ContactPerson:S10!- Supplier:S10!- Personnel:S8!-
  AddressID:S10!- SDDocumentItem:S6!-
A_OutbDeliveryDocFlow PrecedingDocument PrecedingDocumentItem SubsequentDocumentCategory no create delete
  PrecedingDocument:S10!- PrecedingDocumentItem:S6!- SubsequentDocumentCategory:S4!- Deliveryversion:S4-@
  PrecedingDocumentCategory:S4- Subsequentdocument:S10- QuantityInBaseUnit:D15.3~
  SubsequentDocumentItem:S6-
"""),
    {
        "PostGoodsIssue": Action(
            "POST", ("DeliveryDocument",), "A_OutbDeliveryHeader", "PickingReport", True
        ),
        "ReverseGoodsIssue": Action(
            "POST", ("DeliveryDocument", "ActualGoodsMovementDate"), "A_OutbDeliveryHeader", "Return", True
        ),
        "PickAllItems": Action("POST", ("DeliveryDocument",), "A_OutbDeliveryHeader", "PickingReport", True),
        "ConfirmPickingAllItems": Action(
            "POST", ("DeliveryDocument",), "A_OutbDeliveryHeader", "PickingReport", True
        ),
    },
)

BILLING = Interface(
    "API_BILLING_DOCUMENT_SRV",
    f"{_ROOT}API_BILLING_DOCUMENT_SRV",
    parsed("""
A_BillingDocument BillingDocument no write
  CustomerPriceGroup:S2 IncotermsClassification:S3 IncotermsLocation1:S70 ShippingCondition:S2
  BillingDocument:S10! SDDocumentCategory:S4 BillingDocumentCategory:S1 BillingDocumentType:S4
  CreationDate:T CreationTime:H LastChangeDate:T LastChangeDateTime:Z@ SalesOrganization:S4
  DistributionChannel:S2 Division:S2 BillingDocumentDate:T BillingDocumentIsCancelled:B
  CancelledBillingDocument:S10 TotalNetAmount:D16.3 TransactionCurrency:S5 TaxAmount:D14.3
  TotalGrossAmount:D17.3 CustomerTaxClassification1:S1 PayerParty:S10 CustomerPaymentTerms:S4
  PaymentMethod:S1 PaymentReference:S30 CompanyCode:S4 FiscalYear:S4# AccountingDocument:S10
  DocumentReferenceID:S16 AssignmentReference:S18 SoldToParty:S10 PurchaseOrderByCustomer:S35 Country:S3
  OverallSDProcessStatus:S1 OverallBillingStatus:S1 AccountingPostingStatus:S1 AccountingTransferStatus:S1
  InvoiceClearingStatus:S1 >to_Item:A_BillingDocumentItem* >to_Partner:A_BillingDocumentPartner*
  >to_PricingElement:A_BillingDocumentPrcgElmnt* >to_Text:A_BillingDocumentText*
A_BillingDocumentItem BillingDocument BillingDocumentItem no write
  HigherLevelItem:S6# SDDocumentReason:S3 StorageLocation:S4 ProfitCenter:S10
  BillingDocument:S10! BillingDocumentItem:S6!# SalesDocumentItemCategory:S4 CreatedByUser:S12
  CreationDate:T CreationTime:H Material:S40 InternationalArticleNumber:S18 Batch:S10 Plant:S4
  BillingDocumentItemText:S40 BillingQuantity:D13.3 BillingQuantityUnit:S3 BillingQuantityInBaseUnit:D13.3
  BaseUnit:S3 NetAmount:D16.3 TransactionCurrency:S5 GrossAmount:D16.3 PricingDate:T TaxAmount:D14.3
  Subtotal1Amount:D14.3 CashDiscountIsDeductible:B OriginSDDocument:S10 OriginSDDocumentItem:S6#
  ReferenceSDDocument:S10 ReferenceSDDocumentItem:S6# ReferenceSDDocumentCategory:S4 SalesDocument:S10
  SalesDocumentItem:S6# SalesSDDocumentCategory:S4 ProductTaxClassification1:S1
  >to_BillingDocument:A_BillingDocument1 >to_PricingElement:A_BillingDocumentItemPrcgElmnt*
  >to_ItemText:A_BillingDocumentItemText*
A_BillingDocumentItemPrcgElmnt BillingDocument BillingDocumentItem PricingProcedureStep \
PricingProcedureCounter no write
  BillingDocument:S10!- BillingDocumentItem:S6!-# PricingProcedureStep:S3!# PricingProcedureCounter:S3!#
  ConditionType:S4 ConditionCalculationType:S3- ConditionBaseValue:D24.9- ConditionRateValue:D24.9
  ConditionCurrency:S5 ConditionQuantity:D5.0 ConditionQuantityUnit:S3 ConditionCategory:S1-
  ConditionIsForStatistics:B- ConditionOrigin:S1- TaxCode:S2- ConditionAmount:D16.3-
  ConditionInactiveReason:S1- ConditionClass:S1- >to_BillingDocument:A_BillingDocument1
  >to_BillingDocumentItem:A_BillingDocumentItem1
A_BillingDocumentPrcgElmnt BillingDocument PricingProcedureStep PricingProcedureCounter no write
  BillingDocument:S10!- PricingProcedureStep:S3!# PricingProcedureCounter:S3!# ConditionType:S4
  ConditionRateValue:D24.9 ConditionCurrency:S5 ConditionAmount:D16.3- TaxCode:S2-
  >to_BillingDocument:A_BillingDocument1
A_BillingDocumentPartner BillingDocument PartnerFunction no write
  BillingDocument:S10! PartnerFunction:S2! Customer:S10 Supplier:S10 ContactPerson:S10#
  >to_BillingDocument:A_BillingDocument1
A_BillingDocumentText BillingDocument Language LongTextID no write
  BillingDocument:S10!- Language:S2! LongTextID:S4! LongText:S
A_BillingDocumentItemText BillingDocument BillingDocumentItem Language LongTextID no write
  BillingDocument:S10!- BillingDocumentItem:S6!-# Language:S2! LongTextID:S4! LongText:S
"""),
    {
        "Cancel": Action("POST", ("BillingDocument",), "A_BillingDocument", "CancelResult", True),
        "GetPDF": Action("GET", ("BillingDocument",), "A_BillingDocument", "GetPDFResult"),
    },
)

"""The business partner and product interfaces: what their published metadata says of our fields."""

from __future__ import annotations

from sandbox.sap.schema import Interface, parsed

_ROOT = "/sap/opu/odata/sap/"

PARTNER = Interface(
    "API_BUSINESS_PARTNER",
    f"{_ROOT}API_BUSINESS_PARTNER",
    parsed("""
A_BusinessPartner BusinessPartner no delete
  BusinessPartner:S10! Customer:S10- Supplier:S10- BusinessPartnerCategory:S1 BusinessPartnerFullName:S81-
  BusinessPartnerGrouping:S4 BusinessPartnerName:S81- BusinessPartnerUUID:G- CorrespondenceLanguage:S2
  CreatedByUser:S12- CreationDate:T- CreationTime:H- FirstName:S40 Industry:S10 Language:S2
  LastChangeDate:T- LastChangeTime:H- LastChangedByUser:S12- LastName:S40 LegalForm:S2
  OrganizationBPName1:S40 OrganizationBPName2:S40 OrganizationBPName3:S40 OrganizationBPName4:S40
  SearchTerm1:S20 SearchTerm2:S20 BusinessPartnerIsBlocked:B BusinessPartnerType:S4 ETag:S26-
  IsMarkedForArchiving:B BusinessPartnerIDByExtSystem:S20 >to_BuPaIdentification:A_BuPaIdentification*
  >to_BusinessPartnerAddress:A_BusinessPartnerAddress* >to_BusinessPartnerRole:A_BusinessPartnerRole*
  >to_BusinessPartnerTax:A_BusinessPartnerTaxNumber* >to_Customer:A_Customer?|Customer=Customer
A_BusinessPartnerAddress BusinessPartner AddressID
  StreetSuffixName:S40
  BusinessPartner:S10! AddressID:S10! ValidityStartDate:Z ValidityEndDate:Z AddressUUID:G- CityName:S40
  Country:S3 HouseNumber:S10 Language:S2 PostalCode:S10 Region:S3 StreetName:S60 StreetPrefixName:S40
  TaxJurisdiction:S15 AddressIDByExternalSystem:S20 FullName:S80- Person:S10-
  >to_EmailAddress:A_AddressEmailAddress*|AddressID=AddressID
  >to_PhoneNumber:A_AddressPhoneNumber*|AddressID=AddressID >to_AddressUsage:A_BuPaAddressUsage*
A_BuPaAddressUsage BusinessPartner ValidityEndDate AddressUsage AddressID
  BusinessPartner:S10! ValidityEndDate:Z! AddressUsage:S10! AddressID:S10! ValidityStartDate:Z
  StandardUsage:B
A_AddressEmailAddress AddressID Person OrdinalNumber
  AddressID:S10! Person:S10! OrdinalNumber:S3!# IsDefaultEmailAddress:B EmailAddress:S241
  SearchEmailAddress:S20 AddressCommunicationRemarkText:S50
A_AddressPhoneNumber AddressID Person OrdinalNumber
  AddressID:S10! Person:S10! OrdinalNumber:S3!# DestinationLocationCountry:S3 IsDefaultPhoneNumber:B
  PhoneNumber:S30 PhoneNumberType:S1 InternationalPhoneNumber:S30
A_BusinessPartnerRole BusinessPartner BusinessPartnerRole no delete
  BusinessPartner:S10! BusinessPartnerRole:S6! ValidFrom:Z ValidTo:Z AuthorizationGroup:S4
A_BusinessPartnerTaxNumber BusinessPartner BPTaxType
  BusinessPartner:S10! BPTaxType:S4! BPTaxNumber:S20 BPTaxLongNumber:S60 AuthorizationGroup:S4
A_BuPaIdentification BusinessPartner BPIdentificationType BPIdentificationNumber
  BusinessPartner:S10! BPIdentificationType:S6! BPIdentificationNumber:S60! BPIdnNmbrIssuingInstitute:S40
  BPIdentificationEntryDate:T Country:S3 Region:S3 ValidityStartDate:T ValidityEndDate:T
A_Customer Customer no create delete
  Customer:S10! AuthorizationGroup:S4 BillingIsBlockedForCustomer:S2 CreatedByUser:S12- CreationDate:T-
  CustomerAccountGroup:S4 CustomerClassification:S2 CustomerFullName:S220- CustomerName:S80-
  DeliveryIsBlocked:S2 OrderIsBlockedForCustomer:S2 PostingIsBlocked:B Industry:S4- TaxNumber1:S16-
  TaxNumber2:S11- TaxNumber3:S18- VATRegistration:S20 DeletionIndicator:B
  >to_CustomerCompany:A_CustomerCompany* >to_CustomerSalesArea:A_CustomerSalesArea*
A_CustomerCompany Customer CompanyCode no delete
  Customer:S10! CompanyCode:S4! AccountingClerk:S2 CustomerAccountNote:S30 HouseBank:S5
  LayoutSortingRule:S3 PaymentBlockingReason:S1 PaymentMethodsList:S10 PaymentTerms:S4
  ReconciliationAccount:S10 DeletionIndicator:B CustomerAccountGroup:S4
  >to_CustomerDunning:A_CustomerDunning*
A_CustomerDunning Customer CompanyCode DunningArea
  Customer:S10! CompanyCode:S4! DunningArea:S2! DunningBlock:S1 DunningLevel:S1# DunningProcedure:S4
  LastDunnedOn:T DunningRecipient:S10
A_CustomerSalesArea Customer SalesOrganization DistributionChannel Division no delete
  SalesGroup:S3 SalesOffice:S4
  Customer:S10! SalesOrganization:S4! DistributionChannel:S2! Division:S2! BillingIsBlockedForCustomer:S2
  CompleteDeliveryIsDefined:B Currency:S5 CustomerAccountAssignmentGroup:S2 CustomerGroup:S2
  CustomerPaymentTerms:S4 CustomerPriceGroup:S2 CustomerPricingProcedure:S2
  DeliveryIsBlockedForCustomer:S2 DeliveryPriority:S2# IncotermsClassification:S3 IncotermsLocation1:S70
  OrderIsBlockedForCustomer:S2 PriceListType:S2 ShippingCondition:S2 SupplyingPlant:S4 SalesDistrict:S6
  DeletionIndicator:B >to_PartnerFunction:A_CustSalesPartnerFunc* >to_SalesAreaTax:A_CustomerSalesAreaTax*
A_CustomerSalesAreaTax Customer SalesOrganization DistributionChannel Division DepartureCountry \
CustomerTaxCategory no delete
  Customer:S10! SalesOrganization:S4! DistributionChannel:S2! Division:S2! DepartureCountry:S3!
  CustomerTaxCategory:S4! CustomerTaxClassification:S1
A_CustSalesPartnerFunc Customer SalesOrganization DistributionChannel Division PartnerCounter PartnerFunction
  Customer:S10! SalesOrganization:S4! DistributionChannel:S2! Division:S2! PartnerCounter:S3!#
  PartnerFunction:S2! BPCustomerNumber:S10 CustomerPartnerDescription:S30 DefaultPartner:B
"""),
)

PRODUCT = Interface(
    "API_PRODUCT_SRV",
    f"{_ROOT}API_PRODUCT_SRV",
    parsed("""
A_Product Product no delete
  Product:S40! ProductType:S4 CrossPlantStatus:S2 CreationDate:T- CreatedByUser:S12- LastChangeDate:T-
  LastChangedByUser:S12- LastChangeDateTime:Z- IsMarkedForDeletion:B ProductOldID:S40 GrossWeight:D13.3
  NetWeight:D13.3 WeightUnit:S3 CountryOfOrigin:S3 ProductGroup:S9 BaseUnit:S3 ItemCategoryGroup:S4
  Division:S2 SizeOrDimensionText:S32 IndustryStandardName:S18 ProductStandardID:S18
  InternationalArticleNumberCat:S2 IndustrySector:S1 >to_Description:A_ProductDescription*
  >to_ProductSalesTax:A_ProductSalesTax* >to_ProductUnitsOfMeasure:A_ProductUnitsOfMeasure*
  >to_SalesDelivery:A_ProductSalesDelivery*
A_ProductDescription Product Language
  Product:S40! Language:S2! ProductDescription:S40
A_ProductSalesTax Product Country TaxCategory TaxClassification
  Product:S40! Country:S3! TaxCategory:S4! TaxClassification:S1!
A_ProductUnitsOfMeasure Product AlternativeUnit
  Product:S40! AlternativeUnit:S3! QuantityNumerator:D5.0 QuantityDenominator:D5.0
  GlobalTradeItemNumber:S18 GlobalTradeItemNumberCategory:S2 BaseUnit:S3
  >to_InternationalArticleNumber:A_ProductUnitsOfMeasureEAN*
A_ProductUnitsOfMeasureEAN Product AlternativeUnit ConsecutiveNumber
  Product:S40! AlternativeUnit:S3! ConsecutiveNumber:S5! ProductStandardID:S18
  InternationalArticleNumberCat:S2 IsMainGlobalTradeItemNumber:B
A_ProductSalesDelivery Product ProductSalesOrg ProductDistributionChnl no delete
  Product:S40! ProductSalesOrg:S4! ProductDistributionChnl:S2! SalesMeasureUnit:S3 ItemCategoryGroup:S4
  AccountDetnProductGroup:S2 ProductSalesStatus:S2 PriceSpecificationProductGroup:S2
"""),
)

COMPANY = Interface(
    "API_COMPANYCODE_SRV",
    f"{_ROOT}API_COMPANYCODE_SRV",
    parsed("""
A_CompanyCode CompanyCode no write
  CompanyCode:S4! CompanyCodeName:S25 CityName:S25 Country:S3 Currency:S5 Language:S2 ChartOfAccounts:S4
"""),
)

ORGANIZATION = Interface(
    "API_SALESORGANIZATION_SRV",
    f"{_ROOT}API_SALESORGANIZATION_SRV",
    parsed("""
A_SalesOrganization SalesOrganization no write
  SalesOrganization:S4! CompanyCode:S4 SalesOrganizationCurrency:S5
"""),
)

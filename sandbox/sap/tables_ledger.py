"""The interfaces that read the ledger: what their published metadata says of our fields."""

from __future__ import annotations

from sandbox.sap.schema import Interface, parsed

_ROOT = "/sap/opu/odata/sap/"

CUBE = Interface(
    "API_OPLACCTGDOCITEMCUBE_SRV",
    f"{_ROOT}API_OPLACCTGDOCITEMCUBE_SRV",
    parsed("""
A_OperationalAcctgDocItemCube CompanyCode FiscalYear AccountingDocument AccountingDocumentItem no write
  CostCenter:S10 Material:S40 ProfitCenter:S10 SalesDocumentItem:S6# TaxAmount:D24.3
  CompanyCode:S4! FiscalYear:S4!# AccountingDocument:S10! AccountingDocumentItem:S3!# ClearingDate:T
  ClearingCreationDate:T ClearingAccountingDocument:S10 ClearingDocFiscalYear:S4# ClearingIsReversed:B
  IsCleared:B ClearingItem:D5.0 PostingKey:S2 FinancialAccountType:S1 SpecialGLCode:S1 DebitCreditCode:S1
  TaxCode:S2 TaxType:S1 ValueDate:T AssignmentReference:S18 DocumentItemText:S50 BillingDocument:S10
  SalesDocument:S10 OperationalGLAccount:S10 GLAccount:S10 Customer:S10 CustomerName:S80
  DueCalculationBaseDate:T PaymentTerms:S4 CashDiscount1Days:D3.0 CashDiscount2Days:D3.0
  NetPaymentDays:D3.0 CashDiscount1Percent:D5.3 CashDiscount2Percent:D5.3 PaymentMethod:S1
  PaymentBlockingReason:S1 HouseBank:S5 HouseBankAccount:S5 InvoiceReference:S10
  InvoiceReferenceFiscalYear:S4# InvoiceItemReference:S3# FollowOnDocumentType:S1 DunningBlockingReason:S1
  DunningLevel:S1# LastDunningDate:T PaymentDifferenceReason:S3 PaymentReference:S30
  Reference1IDByBusinessPartner:S12 Reference2IDByBusinessPartner:S12 Reference3IDByBusinessPartner:S20
  ReferenceDocumentType:S5 OriginalReferenceDocument:S20 FiscalPeriod:S3# AccountingDocumentCategory:S1
  PostingDate:T DocumentDate:T AccountingDocumentType:S2 NetDueDate:T CashDiscount1DueDate:T
  CompanyCodeCurrency:S5 AmountInCompanyCodeCurrency:D24.3 TransactionCurrency:S5
  AmountInTransactionCurrency:D24.3 BalanceTransactionCurrency:S5 AmountInBalanceTransacCrcy:D24.3
  CashDiscountAmount:D24.3 CashDiscountBaseAmount:D24.3 TaxBaseAmountInTransCrcy:D24.3
  AccountingDocumentCreationDate:T CreationTime:H LastChangeDate:T AccountingDocCreatedByUser:S12
  TransactionCode:S20 DocumentReferenceID:S16 ReverseDocument:S10 ReverseDocumentFiscalYear:S4#
  AccountingDocumentHeaderText:S25 ExchangeRate:D9.5 BusinessTransactionType:S4 ReversalReason:S2
  Reference1InDocumentHeader:S20 Reference2InDocumentHeader:S20 IsReversal:B IsReversed:B
  TaxDeterminationDate:T AccountingDocumentItemType:S1 TransactionTypeDetermination:S3
  IsAutomaticallyCreated:B IsSalesRelated:B
"""),
)

JOURNAL = Interface(
    "API_JOURNALENTRYITEMBASIC_SRV",
    f"{_ROOT}API_JOURNALENTRYITEMBASIC_SRV",
    parsed("""
A_JournalEntryItemBasic ID no write
  ID:S! Ledger:S2 LedgerFiscalYear:S4# CompanyCode:S4 GLAccount:S10 GLAccountName:S30
  TransactionCurrency:S5 AmountInTransactionCurrency:D24.3 CompanyCodeCurrency:S5
  AmountInCompanyCodeCurrency:D24.3 FiscalPeriod:S3# FiscalYearPeriod:S8 ChartOfAccounts:S4 Customer:S10
  CustomerName:S80 ControllingDebitCreditCode:S1 SalesOrganization:S4 DistributionChannel:S2
  OrganizationDivision:S2 CustomerGroup:S2
A_CompanyCode CompanyCode no write
  CompanyCode:S4! CompanyCodeName:S25 CityName:S25 Country:S3 Currency:S5 Language:S2 ChartOfAccounts:S4
  FiscalYearVariant:S2 ControllingArea:S4 VATRegistration:S20
A_GLAccountInChartOfAccounts ChartOfAccounts GLAccount no write
  ChartOfAccounts:S4! GLAccount:S10! IsBalanceSheetAccount:B GLAccountGroup:S4
  AccountIsBlockedForPosting:B
"""),
)

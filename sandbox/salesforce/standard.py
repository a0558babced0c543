"""The standard objects of a Sales Cloud org that order-to-cash meets, field by field.

Names and types from the enterprise WSDL (v39) and, for later fields, the object reference.
"""

from __future__ import annotations

from sandbox.salesforce.schema import SObject, parsed

_SYSTEM = """
Id id:18
IsDeleted boolean readonly
CreatedDate datetime readonly
CreatedById reference:User:CreatedBy readonly
LastModifiedDate datetime readonly
LastModifiedById reference:User:LastModifiedBy readonly
SystemModstamp datetime readonly
"""
_OWNER = "OwnerId reference:User:Owner\n"
_CURRENCY = "CurrencyIsoCode picklist restricted feature=multi_currency\n"
_INHERITED_CURRENCY = "CurrencyIsoCode picklist readonly feature=multi_currency\n"


def _address(kind: str) -> str:
    plain = f"{kind}Street textarea:255\n{kind}City string:40\n{kind}PostalCode string:20\n"
    named = f"{kind}State string:80\n{kind}Country string:80\n"
    coded = f"{kind}StateCode picklist feature=state_country_codes\n"
    return plain + named + coded + f"{kind}CountryCode picklist feature=state_country_codes\n"


_ACCOUNT = f"""
Name string:255 required name indexed
AccountNumber string:40
ParentId reference:Account:Parent:ChildAccounts
MasterRecordId reference:Account:MasterRecord readonly
Type picklist:Prospect|Customer_-_Direct|Customer_-_Channel|Channel_Partner_/_Reseller|Other
{_address("Billing")}{_address("Shipping")}
Phone phone:40
Fax phone:40
Website url:255
Industry picklist:Banking|Chemicals|Construction|Consulting|Energy|Manufacturing|Retail|Technology|Other
AnnualRevenue currency:18.0
NumberOfEmployees int
Description textarea:32000
DunsNumber string:9
NaicsCode string:8
Sic string:20
Site string:80
IsPersonAccount boolean readonly feature=person_accounts
FirstName string:40 feature=person_accounts
LastName string:80 feature=person_accounts
PersonEmail email:80 feature=person_accounts
PersonContactId reference:Contact:PersonContact readonly feature=person_accounts
"""
_CONTACT = f"""
AccountId reference:Account:Account:Contacts cascade
MasterRecordId reference:Contact:MasterRecord readonly
LastName string:80 required
FirstName string:40
Salutation picklist:Mr.|Ms.|Mrs.|Dr.|Prof.
Name string:121 name readonly
{_address("Mailing")}
Phone phone:40
MobilePhone phone:40
Email email:80 lookup
Title string:128
Department string:80
ReportsToId reference:Contact:ReportsTo
Description textarea:32000
"""
_OPPORTUNITY = """
AccountId reference:Account:Account:Opportunities cascade
ContractId reference:Contract:Contract:Opportunities feature=contracts
Name string:120 required name
Description textarea:32000
StageName picklist required
Amount currency:18.2
Probability percent:3.0
ExpectedRevenue currency:18.2 readonly
TotalOpportunityQuantity double:18.2 readonly
CloseDate date required
Type picklist:Existing_Customer_-_Upgrade|New_Customer
NextStep string:255
LeadSource picklist:Web|Phone_Inquiry|Partner_Referral|Purchased_List|Other
IsClosed boolean readonly
IsWon boolean readonly
ForecastCategory picklist:Omitted|Pipeline|BestCase|Forecast|Closed readonly
ForecastCategoryName picklist:Omitted|Pipeline|Best_Case|Commit|Closed
HasOpportunityLineItem boolean readonly
Pricebook2Id reference:Pricebook2:Pricebook2:Opportunities
"""
_LINE = """
OpportunityId reference:Opportunity:Opportunity:OpportunityLineItems required createonly cascade
SortOrder int
PricebookEntryId reference:PricebookEntry:PricebookEntry:OpportunityLineItems createonly restrict
Product2Id reference:Product2:Product2:OpportunityLineItems createonly restrict
ProductCode string:255 readonly
Name string:376 readonly name
Quantity double:12.2 required
Discount percent:5.2
TotalPrice currency:18.2
UnitPrice currency:18.2
ListPrice currency:18.2 readonly
ServiceDate date
Description string:255
"""
_PRODUCT = """
Name string:255 required name
ProductCode string:255 indexed
Description textarea:4000
IsActive boolean
Family picklist:None|Hardware|Software|Services
ExternalId string:255
DisplayUrl url:1000
QuantityUnitOfMeasure picklist:Each|Hour|Kilogram
"""
_PRICEBOOK = """
Name string:255 required name
IsActive boolean
IsArchived boolean readonly
Description string:255
IsStandard boolean readonly
"""
_ENTRY = """
Name string:255 readonly name
Pricebook2Id reference:Pricebook2:Pricebook2:PricebookEntries required createonly cascade
Product2Id reference:Product2:Product2:PricebookEntries required createonly cascade
UnitPrice currency:18.2 required
IsActive boolean
UseStandardPrice boolean
ProductCode string:255 readonly
"""
_ORDER = f"""
ContractId reference:Contract:Contract:Orders feature=contracts
AccountId reference:Account:Account:Orders required restrict
Pricebook2Id reference:Pricebook2:Pricebook2:Orders
OriginalOrderId reference:Order:OriginalOrder:Orders createonly
OpportunityId reference:Opportunity:Opportunity:Orders
EffectiveDate date required
EndDate date
IsReductionOrder boolean createonly
Status picklist:Draft|Activated required restricted
StatusCode picklist:Draft|Activated|Canceled|Expired readonly
Description textarea:32000
CustomerAuthorizedById reference:Contact:CustomerAuthorizedBy
CompanyAuthorizedById reference:User:CompanyAuthorizedBy
Type picklist
{_address("Billing")}{_address("Shipping")}
Name string:80
PoDate date
PoNumber string:80
OrderReferenceNumber string:80
BillToContactId reference:Contact:BillToContact
ShipToContactId reference:Contact:ShipToContact
ActivatedDate datetime readonly
ActivatedById reference:User:ActivatedBy readonly
TotalAmount currency:18.2 readonly
OrderNumber string:30 auto name
"""
_ORDER_ITEM = """
OrderId reference:Order:Order:OrderItems required createonly cascade
PricebookEntryId reference:PricebookEntry:PricebookEntry:OrderItems createonly restrict
Product2Id reference:Product2:Product2:OrderItems createonly restrict
OriginalOrderItemId reference:OrderItem:OriginalOrderItem:ChildOrderItems createonly
AvailableQuantity double:18.2 readonly
Quantity double:18.2 required
UnitPrice currency:18.2
ListPrice currency:18.2 readonly
TotalPrice currency:18.2 readonly
ServiceDate date
EndDate date
Description string:255
OrderItemNumber string:30 auto name
"""
_CONTRACT = f"""
AccountId reference:Account:Account:Contracts required restrict
Pricebook2Id reference:Pricebook2:Pricebook2:Contracts
StartDate date
EndDate date readonly
ContractTerm int
Status picklist:Draft|In_Approval_Process|Activated restricted default=Draft
StatusCode picklist:Draft|InApproval|Activated readonly
SpecialTerms textarea:4000
{_address("Billing")}
Description textarea:32000
ActivatedDate datetime readonly
ContractNumber string:30 auto name
"""
_USER = """
Username string:80 required lookup
LastName string:80 required
FirstName string:40
Name string:121 readonly name
Email email:128 required
Alias string:8
IsActive boolean
UserType picklist:Standard readonly
TimeZoneSidKey picklist
LocaleSidKey picklist
FederationIdentifier string:512
"""
_ORGANIZATION = """
Name string:80 name
Country string:80
City string:40
OrganizationType picklist readonly
InstanceName string:5 readonly
IsSandbox boolean readonly
LanguageLocaleKey picklist
DefaultLocaleSidKey picklist
TimeZoneSidKey picklist
FiscalYearStartMonth int readonly
NamespacePrefix string:15 readonly
"""
_CURRENCY_TYPE = """
IsoCode picklist required name
ConversionRate double:18.6 required
DecimalPlaces int
IsActive boolean
IsCorporate boolean readonly
"""
_STAGE = """
MasterLabel string:255 name
ApiName string:255
IsActive boolean
SortOrder int
IsClosed boolean
IsWon boolean
ForecastCategory picklist
ForecastCategoryName picklist
DefaultProbability percent:3.0
Description string:255
"""
_PERMISSION_SET = """
Name string:80 required name
Label string:80 required
Description string:255
"""
_ASSIGNMENT = """
PermissionSetId reference:PermissionSet:PermissionSet:Assignments required createonly cascade
AssigneeId reference:User:Assignee:PermissionSetAssignments required createonly
"""
_FIELD_PERMISSIONS = """
ParentId reference:PermissionSet:Parent:FieldPerms required createonly cascade
SobjectType string:255 required createonly
Field string:255 required createonly
PermissionsRead boolean
PermissionsEdit boolean
"""
_OBJECT_PERMISSIONS = """
ParentId reference:PermissionSet:Parent:ObjectPerms required createonly cascade
SobjectType string:255 required createonly
PermissionsCreate boolean
PermissionsRead boolean
PermissionsEdit boolean
PermissionsDelete boolean
PermissionsViewAllRecords boolean
PermissionsModifyAllRecords boolean
"""
# object -> (key prefix, plural, own fields, fields shared with others)
_OBJECTS = {
    "Account": ("001", "Accounts", _ACCOUNT, _OWNER + _CURRENCY),
    "Contact": ("003", "Contacts", _CONTACT, _OWNER + _CURRENCY),
    "Opportunity": ("006", "Opportunities", _OPPORTUNITY, _OWNER + _CURRENCY),
    "OpportunityLineItem": ("00k", "Opportunity Products", _LINE, _INHERITED_CURRENCY),
    "Product2": ("01t", "Products", _PRODUCT, _CURRENCY),
    "Pricebook2": ("01s", "Price Books", _PRICEBOOK, ""),
    "PricebookEntry": ("01u", "Price Book Entries", _ENTRY, _CURRENCY),
    "Order": ("801", "Orders", _ORDER, _OWNER + _CURRENCY),
    "OrderItem": ("802", "Order Products", _ORDER_ITEM, _INHERITED_CURRENCY),
    "Contract": ("800", "Contracts", _CONTRACT, _OWNER + _CURRENCY),
    "User": ("005", "People", _USER, ""),
    "Organization": ("00D", "Organizations", _ORGANIZATION, ""),
    "CurrencyType": ("01L", "Currency Types", _CURRENCY_TYPE, ""),
    "OpportunityStage": ("01J", "Opportunity Stages", _STAGE, ""),
    "PermissionSet": ("0PS", "Permission Sets", _PERMISSION_SET, ""),
    "PermissionSetAssignment": ("0Pa", "Permission Set Assignments", _ASSIGNMENT, ""),
    "FieldPermissions": ("01k", "Field Permissions", _FIELD_PERMISSIONS, ""),
    "ObjectPermissions": ("110", "Object Permissions", _OBJECT_PERMISSIONS, ""),
}
_FEATURES = {"Contract": "contracts", "CurrencyType": "multi_currency"}
_NO_BIN = frozenset({"User", "Organization", "OpportunityStage", "CurrencyType", "PermissionSet"})
_UNTRACKED = frozenset({"PermissionSetAssignment", "FieldPermissions", "ObjectPermissions"})
_FIXED = frozenset({"User", "Organization", "OpportunityStage", "CurrencyType"})
_LABELS = {"Product2": "Product", "Pricebook2": "Price Book", "OpportunityLineItem": "Opportunity Product"}
_LABELS |= {"OrderItem": "Order Product", "PricebookEntry": "Price Book Entry"}


def standard_objects() -> dict[str, SObject]:
    """A new org's objects; each caller may extend its own."""
    found = {}
    for name, (prefix, plural, own, shared) in _OBJECTS.items():
        changes = name not in _FIXED
        one = SObject(
            name,
            prefix,
            _LABELS.get(name, name),
            plural,
            feature=_FEATURES.get(name, ""),
            creatable=changes,
            deletable=changes,
        )
        one.add(parsed(_system(name) + own + shared))
        found[name] = one
    return found


def _system(name: str) -> str:
    """The system fields of an object: some have no recycle bin, some are not tracked at all."""
    lines = _SYSTEM.strip().splitlines()
    if name in _NO_BIN | _UNTRACKED:
        lines = [one for one in lines if not one.startswith("IsDeleted")]
    if name in _UNTRACKED:
        lines = [one for one in lines if not one.startswith(("Created", "LastModified"))]
    return "\n".join(lines) + "\n"


def custom_object(name: str, prefix: str, label: str, plural: str) -> SObject:
    """A custom object with its system fields."""
    one = SObject(name, prefix, label, plural, custom=True)
    one.add(parsed(_SYSTEM + _OWNER + _CURRENCY))
    return one


# (label, default probability, closed, won, forecast category, its name)
STAGES = (
    ("Prospecting", 10, False, False, "Pipeline", "Pipeline"),
    ("Qualification", 10, False, False, "Pipeline", "Pipeline"),
    ("Proposal/Price Quote", 75, False, False, "Pipeline", "Pipeline"),
    ("Negotiation/Review", 90, False, False, "Forecast", "Commit"),
    ("Closed Won", 100, True, True, "Closed", "Closed"),
    ("Closed Lost", 0, True, False, "Omitted", "Omitted"),
)

"""Describe calls, the version list, the limits: what an org says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.salesforce import picklists
from sandbox.salesforce.calls import Answer, Call, Router
from sandbox.salesforce.front import NEWEST, OLDEST, Usage
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import NUMBERS, TEXTS, Field, SObject
from sandbox.salesforce.values import MULTILINE_MIN

_SOAP = {"reference": "tns:ID", "id": "tns:ID", "int": "xsd:int", "boolean": "xsd:boolean"}
_SOAP |= {"date": "xsd:date", "datetime": "xsd:dateTime"} | dict.fromkeys(NUMBERS, "xsd:double")
_SEASONS = ("Winter", "Spring", "Summer")
_OTHERS = ("composite", "jobs", "limits", "metadata", "query", "queryAll", "sobjects", "tooling")


@dataclass
class Describe:
    """The endpoints that tell about the org."""

    org: Org
    usage: Usage

    def add_to(self, router: Router) -> None:
        """Put the endpoints into the table."""
        router.add("GET", "", self.resources)
        router.add("GET", "/limits", self.limits)
        router.add("GET", "/sobjects", self.everything)
        router.add("GET", "/sobjects/{sobject}/describe", self.one)
        router.add("GET", "/sobjects/{sobject}", self.summary)

    def resources(self, call: Call) -> Answer:
        """GET /services/data/vXX.X."""
        return Answer(200, {name: f"{call.root}/{name}" for name in _OTHERS})

    def limits(self, call: Call) -> Answer:
        """GET /limits."""
        left = max(self.org.limit - self.usage.current(), 0)
        return Answer(
            200,
            {
                "DailyApiRequests": {"Max": self.org.limit, "Remaining": left},
                "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000},
                "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
                "HourlyPublishedPlatformEvents": {"Max": 250_000, "Remaining": 250_000},
                "DataStorageMB": {"Max": 10_240, "Remaining": 10_000},
            },
        )

    def everything(self, call: Call) -> Answer:
        """GET /sobjects."""
        shapes = [self.org.shape(name) for name, one in self.org.objects.items() if self._there(one)]
        found = [self._facts(one, call) for one in shapes]
        return Answer(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found})

    def _there(self, one: SObject) -> bool:
        return not one.feature or one.feature in self.org.features

    def summary(self, call: Call) -> Answer:
        """GET /sobjects/{O}."""
        facts = self._facts(self.org.shape(call.named["sobject"]), call)
        return Answer(200, {"objectDescribe": facts, "recentItems": []})

    def one(self, call: Call) -> Answer:
        """GET /sobjects/{O}/describe."""
        shape = self.org.shape(call.named["sobject"])
        whole = self._facts(shape, call)
        whole["fields"] = [field_facts(self.org, shape, one) for one in shape.fields.values()]
        whole["childRelationships"] = self._children(shape)
        whole["recordTypeInfos"], whole["supportedScopes"] = [], [{"label": "All", "name": "everything"}]
        return Answer(200, whole)

    def _facts(self, shape: SObject, call: Call) -> dict[str, Any]:
        address = f"{call.root}/sobjects/{shape.name}"
        urls = {"sobject": address, "describe": f"{address}/describe", "rowTemplate": address + "/{ID}"}
        merged = shape.name in ("Account", "Contact")
        return {
            "name": shape.name, "label": shape.label, "labelPlural": shape.plural, "keyPrefix": shape.prefix,
            "custom": shape.custom, "customSetting": False, "deprecatedAndHidden": False,
            "createable": shape.creatable, "updateable": shape.creatable, "deletable": shape.deletable,
            "undeletable": shape.deletable, "mergeable": merged, "queryable": True, "retrieveable": True,
            "replicateable": True, "searchable": True, "layoutable": True, "triggerable": True,
            "activateable": False, "feedEnabled": False, "urls": urls,
        }  # fmt: skip

    def _children(self, shape: SObject) -> list[dict[str, Any]]:
        return [
            {
                "childSObject": name,
                "field": field.name,
                "relationshipName": field.children or None,
                "cascadeDelete": field.on_delete == "cascade",
                "restrictedDelete": field.on_delete == "restrict",
                "deprecatedAndHidden": False,
            }
            for name, one in self.org.objects.items()
            if self._there(one)
            for field in self.org.shape(name).fields.values()
            if shape.name in field.refers_to
        ]


def field_facts(org: Org, shape: SObject, one: Field) -> dict[str, Any]:
    """One entry of `fields`."""
    entries = [
        {"active": True, "defaultValue": False, "label": label, "validFor": None, "value": value}
        for value, label in picklists.options(org, shape.name, one)
    ] if one.type in ("picklist", "multipicklist") else []  # fmt: skip
    long = one.type == "textarea" and one.length >= MULTILINE_MIN
    defaulted = one.type == "boolean" or one.name in ("OwnerId", "CurrencyIsoCode") or bool(one.default)
    system = one.name in ("Id", "IsDeleted", "SystemModstamp") or one.name.startswith(
        ("Created", "LastModif")
    )
    return {
        "name": one.name, "label": one.shown, "type": one.type, "soapType": _SOAP.get(one.type, "xsd:string"),
        "length": one.length if one.type in TEXTS | {"id", "reference"} else 0, "byteLength": one.length * 3,
        "precision": one.precision, "scale": one.scale, "digits": 9 if one.type == "int" else 0,
        "nillable": not one.required and one.type != "boolean" and not system,
        "createable": one.createable and one.name != "Id", "updateable": one.updateable and one.name != "Id",
        "defaultedOnCreate": defaulted or system, "externalId": one.external, "unique": one.unique,
        "caseSensitive": one.case_sensitive, "calculated": one.calculated, "autoNumber": one.auto_number,
        "nameField": one.name_field, "idLookup": one.id_lookup or one.name == "Id", "custom": one.custom,
        "picklistValues": entries, "restrictedPicklist": one.restricted, "dependentPicklist": False,
        "referenceTo": list(one.refers_to), "relationshipName": one.relationship or None,
        "cascadeDelete": one.on_delete == "cascade", "restrictedDelete": one.on_delete == "restrict",
        "filterable": not long, "sortable": not long, "groupable": not long, "aggregatable": not long,
        "permissionable": not one.required and not system, "deprecatedAndHidden": False, "encrypted": False,
        "defaultValue": False if one.type == "boolean" else None, "inlineHelpText": None,
        "polymorphicForeignKey": False, "namePointing": False, "htmlFormatted": False,
    }  # fmt: skip


def versions() -> list[dict[str, str]]:
    """GET /services/data: every version in use; v68.0 is Winter '27."""
    found = []
    for version in range(OLDEST, NEWEST + 1):
        year, season = 14 + (version - 29) // 3, _SEASONS[(version - 29) % 3]
        found.append(
            {"label": f"{season} '{year}", "url": f"/services/data/v{version}.0", "version": f"{version}.0"}
        )
    return found

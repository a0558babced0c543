"""$metadata: the entity types of a service as EDMX, for V2 and V4 clients."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from sandbox.sap.render import edm_type
from sandbox.sap.schema import EntityType, Interface, Property

_RESULTS = {
    "PickingReport": ("SystemMessageIdentification", "SystemMessageNumber", "SystemMessageType"),
    "Return": ("CollectiveProcessing", "SystemMessageIdentification", "SystemMessageNumber"),
    "CancelResult": (
        "BillingDocument",
        "CancellationBillingDocument",
        "SystemMessageType",
        "SystemMessageText",
    ),
}
_MANY = {"*": "*", "1": "1", "?": "0..1"}


@cache
def _document(name: str, types: tuple[str, ...]) -> str:
    body = "".join(types)
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx"'
        ' xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"'
        ' xmlns:sap="http://www.sap.com/Protocols/SAPData">'
        '<edmx:DataServices m:DataServiceVersion="2.0">'
        f'<Schema Namespace="{name}" xml:lang="en" sap:schema-version="1"'
        f' xmlns="http://schemas.microsoft.com/ado/2008/09/edm">{body}</Schema>'
        "</edmx:DataServices></edmx:Edmx>"
    )


def document(api: Interface) -> str:
    """The whole V2 document of a service."""
    namespace = api.name
    parts = [_entity_type(namespace, one) for one in api.types.values()]
    results = sorted({one.returns for one in api.actions.values() if one.returns})
    parts += [_complex(name) for name in results]
    links = [(of, nav.name) for of in api.types.values() for nav in of.navs.values()]
    parts += [_association(namespace, of, nav) for of, nav in links]
    parts.append(_container(api, links))
    return _document(namespace, tuple(parts))


def _entity_type(namespace: str, of: EntityType) -> str:
    keys = "".join(f'<PropertyRef Name="{key}"/>' for key in of.keys)
    properties = "".join(map(_property, of.properties.values()))
    navs = "".join(
        f'<NavigationProperty Name="{nav}" Relationship="{namespace}.assoc_{of.name}_{nav}"'
        f' FromRole="From_{of.name}_{nav}" ToRole="To_{of.name}_{nav}"/>'
        for nav in of.navs
    )
    return f'<EntityType Name="{of.name}Type"><Key>{keys}</Key>{properties}{navs}</EntityType>'


def _property(of: Property) -> str:
    size = f' MaxLength="{of.size}"' if of.type == "S" and of.size else ""
    size += f' Precision="{of.size}" Scale="{of.scale}"' if of.type == "D" else ""
    size += ' Precision="7"' if of.type == "Z" else ' Precision="0"' if of.type in "TH" else ""
    flags = "" if of.nullable else ' Nullable="false"'
    flags += ' ConcurrencyMode="Fixed"' if of.etag else ""
    flags += "" if of.creatable else ' sap:creatable="false"'
    flags += "" if of.updatable else ' sap:updatable="false"'
    if of.type == "T":
        flags += ' sap:display-format="Date"'
    elif of.type == "S":
        flags += f' sap:display-format="{"NonNegative" if of.digits else "UpperCase"}"'
    return f'<Property Name="{of.name}" Type="{edm_type(of.type)}"{flags}{size}/>'


def _complex(name: str) -> str:
    if name == "FunctionResult":
        only = '<Property Name="Boolean" Type="Edm.Boolean" Nullable="false"/>'
        return f'<ComplexType Name="{name}">{only}</ComplexType>'
    if name == "GetPDFResult":
        only = '<Property Name="BillingDocumentBinary" Type="Edm.Binary"/>'
        return f'<ComplexType Name="{name}">{only}</ComplexType>'
    inside = "".join(f'<Property Name="{one}" Type="Edm.String"/>' for one in _RESULTS[name])
    return f'<ComplexType Name="{name}">{inside}</ComplexType>'


def _association(namespace: str, of: EntityType, nav: str) -> str:
    one = of.navs[nav]
    return (
        f'<Association Name="assoc_{of.name}_{nav}">'
        f'<End Type="{namespace}.{of.name}Type" Multiplicity="1" Role="From_{of.name}_{nav}"/>'
        f'<End Type="{namespace}.{one.target}Type" Multiplicity="{_MANY[one.many]}"'
        f' Role="To_{of.name}_{nav}"/></Association>'
    )


def _container(api: Interface, links: Iterable[tuple[EntityType, str]]) -> str:
    sets = "".join(map(_set, [(api.name, one) for one in api.types.values()]))
    for of, nav in links:
        name = f"assoc_{of.name}_{nav}"
        sets += (
            f'<AssociationSet Name="{name}_set" Association="{api.name}.{name}">'
            f'<End EntitySet="{of.name}" Role="From_{of.name}_{nav}"/>'
            f'<End EntitySet="{of.navs[nav].target}" Role="To_{of.name}_{nav}"/></AssociationSet>'
        )
    for name, action in api.actions.items():
        returned = f"{api.name}.{action.returns}"
        returned = f"Collection({returned})" if action.many else returned
        given = "".join(
            f'<Parameter Name="{one}" Type="{_parameter(one)}" Mode="In"/>' for one in action.parameters
        )
        sets += (
            f'<FunctionImport Name="{name}" ReturnType="{returned}" m:HttpMethod="{action.method}">'
            f"{given}</FunctionImport>"
        )
    return (
        f'<EntityContainer Name="{api.name}_Entities" m:IsDefaultEntityContainer="true">{sets}'
        "</EntityContainer>"
    )


def _parameter(name: str) -> str:
    return "Edm.DateTime" if name.endswith("Date") else "Edm.String"


def _set(named: tuple[str, EntityType]) -> str:
    namespace, of = named
    flags = "".join(f' sap:{what}="false"' for what in _refused(of))
    return f'<EntitySet Name="{of.name}" EntityType="{namespace}.{of.name}Type"{flags}/>'


def _refused(of: EntityType) -> list[str]:
    words = {"create": "creatable", "update": "updatable", "delete": "deletable"}
    return [words[one] for one in ("create", "update", "delete") if one in of.refused]

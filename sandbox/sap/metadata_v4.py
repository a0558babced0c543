"""$metadata of a V4 service."""

from __future__ import annotations

from sandbox.sap.render import edm_type
from sandbox.sap.schema import EntityType, Interface, Nav, Property


def document(api: Interface) -> str:
    """The whole V4 document of a service."""
    types = "".join(_entity_type(api, one) for one in api.types.values())
    sets = "".join(_set(api, one) for one in api.types.values())
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
        f'<Schema Namespace="{api.name}" xmlns="http://docs.oasis-open.org/odata/ns/edm">{types}'
        f'<EntityContainer Name="Container">{sets}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>'
    )


def _entity_type(api: Interface, of: EntityType) -> str:
    keys = "".join(f'<PropertyRef Name="{key}"/>' for key in of.keys)
    properties = "".join(map(_property, of.properties.values()))
    navs = "".join(_nav(api, nav) for nav in of.navs.values())
    return f'<EntityType Name="{of.name}_Type"><Key>{keys}</Key>{properties}{navs}</EntityType>'


def _property(of: Property) -> str:
    size = f' MaxLength="{of.size}"' if of.type == "S" and of.size else ""
    size += f' Precision="{of.size}" Scale="{of.scale}"' if of.type == "D" else ""
    null = "" if of.nullable else ' Nullable="false"'
    return f'<Property Name="{of.name}" Type="{edm_type(of.type, v4=True)}"{null}{size}/>'


def _nav(api: Interface, nav: Nav) -> str:
    target = f"{api.name}.{nav.target}_Type"
    kind = f"Collection({target})" if nav.many == "*" else target
    return f'<NavigationProperty Name="{nav.name}" Type="{kind}"/>'


def _set(api: Interface, of: EntityType) -> str:
    bound = "".join(
        f'<NavigationPropertyBinding Path="{nav.name}" Target="{nav.target}"/>' for nav in of.navs.values()
    )
    return f'<EntitySet Name="{of.name}" EntityType="{api.name}.{of.name}_Type">{bound}</EntitySet>'

"""Customers that are in NetSuite already: candidates for one the hub is about to create."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from connectors.netsuite.client import Wire
from connectors.netsuite.settings import Settings
from connectors.netsuite.suiteql import Wanted, bare, stem
from hub.sdk import Candidate, Record

MOST = 20
By = Literal["external_id", "tax_id", "duns", "domain", "name"]
_TRUST: Mapping[By, int] = {"external_id": 0, "tax_id": 1, "duns": 2, "domain": 3, "name": 4}


def wanted(match: Record, reference: str, settings: Settings) -> Wanted:
    """What to look for, of what the mapping told."""
    told = {name: str(match.get(name) or "").strip() for name in ("tax_id", "duns", "domain", "name")}
    return Wanted(reference, **told, tax_field=settings.tax_number_field, duns_field=settings.duns_field)


def candidates(client: Wire, one: Wanted) -> list[Candidate]:
    """Customers that may be the same, best first. Inactive ones count too: they must not be made twice."""
    found = [_candidate(row, one) for row in client.customer_rows(one)]
    found.sort(key=lambda candidate: (_TRUST[candidate.by], int(candidate.external_id)))
    return found[:MOST]


def _candidate(row: Mapping[str, Any], one: Wanted) -> Candidate:
    name = str(row.get("companyname") or row.get("entityid") or row["id"])
    return Candidate(str(row["id"]), name, _by(row, one), _detail(row, one))


def _by(row: Mapping[str, Any], one: Wanted) -> By:
    if row.get("externalid") == one.reference:
        return "external_id"
    if one.tax_id and bare(str(row.get(one.tax_field.lower()) or "")) == bare(one.tax_id):
        return "tax_id"
    if one.duns and one.duns_field and bare(str(row.get(one.duns_field.lower()) or "")) == bare(one.duns):
        return "duns"
    if one.domain and str(row.get("email") or "").lower().endswith(f"@{one.domain.lower()}"):
        return "domain"
    return "name"


def _detail(row: Mapping[str, Any], one: Wanted) -> str:
    named = {
        "number": row.get("entityid"),
        "e-mail": row.get("email"),
        "tax number": row.get(one.tax_field.lower()),
        "external id": row.get("externalid"),
    }
    told = [f"{what} {value}" for what, value in named.items() if value]
    if stem(str(row.get("companyname") or "")) == stem(one.name):
        told.append("same name")
    return ", ".join([*told, *(["inactive"] if row.get("isinactive") == "T" else [])])

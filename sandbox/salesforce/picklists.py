"""Which values a picklist has: some come from rows of the org, most from the field's definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.salesforce.geography import COUNTRIES, STATES
from sandbox.salesforce.refusals import Refused
from sandbox.salesforce.schema import Field

if TYPE_CHECKING:
    from sandbox.salesforce.org import Org


def options(org: Org, sobject: str, field: Field) -> list[tuple[str, str]]:
    """(value, label) of the active entries."""
    if field.name == "CurrencyIsoCode":
        rows = org.rows("CurrencyType").values()
        return [(row["IsoCode"], row["IsoCode"]) for row in rows if row["IsActive"]]
    if sobject == "Opportunity" and field.name == "StageName":
        stages = (row for row in org.rows("OpportunityStage").values() if row["IsActive"])
        return [(row["ApiName"], row["MasterLabel"]) for row in stages]
    if field.name.endswith("CountryCode"):
        return list(COUNTRIES.items())
    if field.name.endswith("StateCode"):
        return [entry for states in STATES.values() for entry in states.items()]
    return list(field.picklist)


def check(org: Org, sobject: str, field: Field, value: Any) -> None:
    """Raises Refused INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST; unrestricted picklists take any text."""
    if value is None or not field.restricted:
        return
    if value not in {one for one, _ in options(org, sobject, field)}:
        text = f"{field.shown}: bad value for restricted picklist field: {value}"
        raise Refused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, [field.name])

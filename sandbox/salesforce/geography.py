"""Countries and states of an org whose state and country fields are picklists (a selection of ISO 3166)."""

from __future__ import annotations

from sandbox.salesforce.refusals import Refused
from sandbox.salesforce.schema import SObject
from sandbox.salesforce.table import Row

COUNTRIES = {
    "AE": "United Arab Emirates", "AT": "Austria", "AU": "Australia", "BE": "Belgium", "BR": "Brazil",
    "CA": "Canada", "CH": "Switzerland", "CN": "China", "CZ": "Czech Republic", "DE": "Germany",
    "DK": "Denmark", "ES": "Spain", "FI": "Finland", "FR": "France", "GB": "United Kingdom", "IE": "Ireland",
    "IN": "India", "IT": "Italy", "JP": "Japan", "KR": "Korea, Republic of", "LU": "Luxembourg",
    "MX": "Mexico", "NL": "Netherlands", "NO": "Norway", "NZ": "New Zealand", "PL": "Poland",
    "PT": "Portugal", "SE": "Sweden", "SG": "Singapore", "US": "United States", "ZA": "South Africa",
}  # fmt: skip
STATES = {
    "US": {
        "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "CA": "California", "CO": "Colorado",
        "CT": "Connecticut", "FL": "Florida", "GA": "Georgia", "IL": "Illinois", "MA": "Massachusetts",
        "MI": "Michigan", "MN": "Minnesota", "NC": "North Carolina", "NJ": "New Jersey", "NV": "Nevada",
        "NY": "New York", "OH": "Ohio", "OR": "Oregon", "PA": "Pennsylvania", "TX": "Texas", "UT": "Utah",
        "VA": "Virginia", "WA": "Washington", "WI": "Wisconsin",
    },
    "CA": {"AB": "Alberta", "BC": "British Columbia", "ON": "Ontario", "QC": "Quebec"},
    "AU": {"NSW": "New South Wales", "QLD": "Queensland", "VIC": "Victoria"},
}  # fmt: skip


def settle(shape: SObject, row: Row, sent: Row) -> None:
    """Make code and text of each address written agree. Raises Refused FIELD_INTEGRITY_EXCEPTION."""
    for prefix in ("Billing", "Shipping", "Mailing"):
        if shape.field(f"{prefix}CountryCode") is not None:
            _settle_one(prefix, "Country", COUNTRIES, row, sent)
            states = STATES.get(row.get(f"{prefix}CountryCode", ""), {})
            if row.get(f"{prefix}CountryCode") is None and _named(prefix, "State", sent):
                text = "A country/territory must be specified before specifying a state value for field: "
                raise Refused(
                    "FIELD_INTEGRITY_EXCEPTION", f"{text}{prefix} State/Province", [f"{prefix}State"]
                )
            _settle_one(prefix, "State", states, row, sent)


def _named(prefix: str, part: str, sent: Row) -> str:
    """The field of the two that was written, empty for none."""
    code, text = f"{prefix}{part}Code", f"{prefix}{part}"
    return code if sent.get(code) is not None else text if sent.get(text) is not None else ""


def _settle_one(prefix: str, part: str, known: dict[str, str], row: Row, sent: Row) -> None:
    code, text = f"{prefix}{part}Code", f"{prefix}{part}"
    named = _named(prefix, part, sent)
    if not named:
        if code in sent or text in sent:
            row.pop(code, None)
            row.pop(text, None)
        return
    value = sent[named]
    by_label = {label.lower(): one for one, label in known.items()}
    found = value if named == code and value in known else by_label.get(value.lower())
    if found is None:
        noun, many = ("country", "countries") if part == "Country" else ("state", "states")
        place = "country/territory" if part == "Country" else "state"
        message = f"There's a problem with this {noun}, even though it may appear correct. Please select a"
        message += f" {place} from the list of valid {many}.: {prefix} {part}"
        raise Refused("FIELD_INTEGRITY_EXCEPTION", message, [named])
    row[code], row[text] = found, known[found]

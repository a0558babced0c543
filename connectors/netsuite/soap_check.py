"""Tells an admin before saving whether the hub can work with this account over SOAP."""

from __future__ import annotations

from connectors.netsuite import auth, schema
from connectors.netsuite.settings import Settings
from connectors.netsuite.soap_client import Criterion, SoapClient
from connectors.netsuite.soap_names import SHAPES
from hub.sdk import AuthFailed, ConnectorError, Health

ENDING = (
    "NetSuite ends SOAP: with 2027.1 only the endpoint of 2025.2 is answered, with 2028.2 none; "
    "plan to set protocol to rest"
)
_PARTLY = "over SOAP, deposits, refunds, journals and open items are not read: set protocol to rest for these"


def examine(client: SoapClient, settings: Settings) -> Health:
    """Tries the login and a search of each record type that is used."""
    try:
        client.server_time()
    except AuthFailed as error:
        return Health(False, "NetSuite refused the credentials", (str(error),))
    except ConnectorError as error:
        return Health(False, "NetSuite's SOAP service cannot be used", (str(error),))
    findings: list[str] = []
    for record in (one for one in schema.used(settings.watch) if one in SHAPES):
        try:
            client.probe(record)
        except ConnectorError as error:
            findings.append(f"record {record} (give the role this permission): {error}")
    try:
        client.search("ItemSearchBasic", [Criterion("itemId", "is", ["-"])], size=5)
    except ConnectorError as error:
        findings.append(f"items (permission Items): {error}")
    if findings:
        return Health(False, f"{len(findings)} of NetSuite's records cannot be used", findings)
    told = f"account {auth.realm(settings.account_id)} answers over SOAP {settings.soap_version}"
    return Health(True, told, (ENDING, _PARTLY))

"""Tells an admin before saving whether the hub can work with this Salesforce org, and what to repair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from connectors.salesforce import pubsub
from connectors.salesforce.auth import Login
from connectors.salesforce.client import Client
from connectors.salesforce.install import PACKAGES, contents
from connectors.salesforce.schema import LINES, MIRRORS, PROGRESS, visible
from connectors.salesforce.settings import Settings
from hub.sdk import AuthFailed, ConnectorError, Health, Record, Rejected

# Without these an order or a customer cannot be made of a record.
_ESSENTIAL: Mapping[str, Sequence[str]] = {
    "Opportunity": ("AccountId", "StageName", "CloseDate"),
    "Order": ("AccountId", "StatusCode", "EffectiveDate"),
    "OpportunityLineItem": ("OpportunityId", "Quantity", "UnitPrice", "Product2Id"),
    "OrderItem": ("OrderId", "Quantity", "UnitPrice", "Product2Id"),
    "Account": ("Name",),
    "Contact": ("AccountId",),
    "Product2": ("ProductCode",),
}
_ASSIGN = "install the package, and assign its permission set to the integration user"


class Finding(NamedTuple):
    """One thing to repair; the connection cannot work before a `blocking` one is."""

    text: str
    blocking: bool = True


def examine(client: Client, login: Login, settings: Settings) -> Health:
    """Asks for everything the connector will need, and fails closed: what was not answered is not there."""
    client.forget()
    findings = list(_reached(client, settings))
    if not any(finding.blocking for finding in findings):
        order_object = settings.order_object
        for sobject in (order_object, LINES[order_object], "Account", "Contact", "Product2"):
            findings += _readable(client, sobject)
        findings += [*_currency(client, settings), *_progress(client, order_object)]
        findings += [*_optional(client, settings), *_mirrors(client), *_stream(client, settings)]
    findings += _pushed(settings)
    if login.rotates:
        text = "Salesforce exchanges the refresh token at every use: turn rotation off, it cannot be kept"
        findings.append(Finding(text))
    blocked = [finding.text for finding in findings if finding.blocking]
    summary = "Salesforce answers and everything needed is there" if not blocked else blocked[0]
    return Health(ok=not blocked, summary=summary, findings=tuple(finding.text for finding in findings))


def _reached(client: Client, settings: Settings) -> Iterator[Finding]:
    try:
        limits = client.limits()
    except ConnectorError as error:
        yield Finding(_refusal("logging in", error))
        return
    calls = limits.get("DailyApiRequests")
    most, left = (calls.get("Max"), calls.get("Remaining")) if isinstance(calls, Mapping) else (None, None)
    if isinstance(most, int) and isinstance(left, int) and left * 100 <= most * settings.daily_reserve:
        text = f"{left} of {most} API calls of the day are left, the reserve for other people (daily_reserve)"
        yield Finding(text, blocking=False)


def _described(client: Client, sobject: str) -> Record | Finding:
    try:
        return client.describe(sobject)
    except Rejected as error:
        if error.status != 404:
            return Finding(_refusal(f"describing {sobject}", error))
        custom = f"; {_ASSIGN}" if sobject.endswith("__c") else "; give the integration user Read on it"
        return Finding(f"{sobject} is not there for the integration user{custom}")
    except ConnectorError as error:
        return Finding(_refusal(f"describing {sobject}", error))


def _readable(client: Client, sobject: str) -> Iterator[Finding]:
    found = _described(client, sobject)
    if isinstance(found, Finding):
        yield found
        return
    if found.get("queryable") is False:
        yield Finding(f"{sobject} may not be queried by the integration user")
    known = visible(found)
    for name in _ESSENTIAL[sobject]:
        if name not in known:
            yield Finding(f"{sobject}.{name} is hidden from the integration user: grant Read on the field")


def _progress(client: Client, order_object: str) -> Iterator[Finding]:
    found = _described(client, order_object)
    if isinstance(found, Finding):
        return  # told already
    yield from _writable(found, order_object, [one.name for one in PROGRESS])


def _writable(described: Record, sobject: str, names: Sequence[str]) -> Iterator[Finding]:
    known = visible(described)
    absent = [name for name in names if name not in known]
    if absent:
        yield Finding(f"{sobject} has no {', '.join(absent)} for the integration user: {_ASSIGN}")
    locked = [name for name in names if name in known and known[name].get("updateable") is False]
    if locked:
        yield Finding(f"{sobject}: the integration user may not edit {', '.join(locked)}")


def _mirrors(client: Client) -> Iterator[Finding]:
    for sobject in MIRRORS.values():
        found = _described(client, sobject)
        if isinstance(found, Finding):
            yield found
            continue
        for right in ("createable", "updateable"):
            if found.get(right) is False:
                yield Finding(f"{sobject} is not {right} for the integration user: {_ASSIGN}")
        yield from _writable(found, sobject, contents("package")[sobject])


def _optional(client: Client, settings: Settings) -> Iterator[Finding]:
    """Fields of the package that mappings only read: without them there is no value."""
    written = {one.name for one in PROGRESS}
    for folder, _ in PACKAGES[settings.order_source]:
        for sobject, fields in contents(folder).items():
            used = (settings.order_object, LINES[settings.order_object], "Account")
            found = _described(client, sobject) if sobject in used else None
            if found is None or isinstance(found, Finding):
                continue
            absent = [name for name in fields if name not in visible(found) and name not in written]
            if absent:
                text = f"{sobject} has no {', '.join(absent)}: {_ASSIGN}, if mappings shall read them"
                yield Finding(text, blocking=False)


def _currency(client: Client, settings: Settings) -> Iterator[Finding]:
    found = _described(client, settings.order_object)
    if not isinstance(found, Finding) and "CurrencyIsoCode" not in visible(found) and not settings.currency:
        yield Finding("the org has one currency, which its records do not tell: enter it as currency")


def _stream(client: Client, settings: Settings) -> Iterator[Finding]:
    if not settings.pubsub:
        return
    try:
        session = client.session()
        proof = pubsub.Session(session.token, session.instance_url, session.org_id)
        topic = pubsub.topic(settings.stream, proof)
    except ConnectorError as error:
        yield Finding(_refusal(f"event stream {settings.pubsub_topic}", error))
        return
    if not topic.can_subscribe:
        yield Finding(f"the integration user may not subscribe to {settings.pubsub_topic}")


def _pushed(settings: Settings) -> Iterator[Finding]:
    if settings.outbound_messages and settings.path_token is None:
        text = "no path token: outbound messages are refused, only polls bring changes"
        yield Finding(text, blocking=False)


def _refusal(doing: str, error: ConnectorError) -> str:
    if isinstance(error, AuthFailed):
        return f"{doing}: Salesforce refuses the login ({error})"
    return f"{doing}: {error}"

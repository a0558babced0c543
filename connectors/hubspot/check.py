"""Tells an admin before saving whether the hub can work with this HubSpot account, and what to repair."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from connectors.hubspot.client import Client
from connectors.hubspot.schema import PROGRESS, custom, scope
from connectors.hubspot.writing import Writing
from hub.sdk import AuthFailed, ConnectorError, Health, Rejected

KINDS = ("deals", "companies", "contacts", "line_items")
MIRRORED = ("invoices", "commerce_payments")
_NOBODY = "0"  # no object has this id


class Finding(NamedTuple):
    """One thing to repair; the connection cannot work before a `blocking` one is."""

    text: str
    blocking: bool = True


def examine(client: Client, writing: Writing, *, portal_id: int | None, webhooks: bool) -> Health:
    """Asks for everything the connector will need, and fails closed: what was not answered is not there."""
    findings = list(_account(client, portal_id))
    if not findings:
        findings += [finding for kind in KINDS for finding in _readable(client, kind)]
        findings += [*_writable(writing), *_stages(client), *_properties(client)]
        findings += [finding for kind in MIRRORED for finding in _mirrored(client, writing, kind)]
    if not webhooks:
        findings.append(
            Finding("no client secret: webhooks are refused, only polls bring changes", blocking=False)
        )
    blocked = [finding.text for finding in findings if finding.blocking]
    summary = "HubSpot answers and every scope is there" if not blocked else blocked[0]
    return Health(ok=not blocked, summary=summary, findings=tuple(finding.text for finding in findings))


def _account(client: Client, portal_id: int | None) -> Iterator[Finding]:
    try:
        found = client.account_details().get("portalId")
    except ConnectorError as error:
        yield Finding(_refusal("account details", "oauth", error))
        return
    if portal_id is not None and found != portal_id:
        yield Finding(f"the token belongs to HubSpot account {found}, the settings say {portal_id}")


def _readable(client: Client, kind: str) -> Iterator[Finding]:
    try:
        client.any_object(kind)
    except ConnectorError as error:
        yield Finding(_refusal(f"reading {kind}", scope(kind, "read"), error))


def _mirrored(client: Client, writing: Writing, kind: str) -> Iterator[Finding]:
    """Writing invoices and payments is optional: the rest works without it."""
    try:
        missing = set(custom(kind)) - {str(found["name"]) for found in client.properties(kind)}
        if missing:
            text = f"{kind} cannot be written: run install, which makes {', '.join(sorted(missing))}"
            yield Finding(text, blocking=False)
            return
        writing.update(kind, _NOBODY, {})
    except Rejected as error:
        if error.status != 404:
            yield Finding(f"{kind} cannot be written: {error}", blocking=False)
    except ConnectorError as error:
        text = _refusal(f"writing {kind} (optional)", scope(kind, "write"), error)
        yield Finding(text, blocking=False)


def _writable(writing: Writing) -> Iterator[Finding]:
    """An empty write to a deal that cannot exist: HubSpot checks the scope before it looks for the deal."""
    try:
        writing.update("deals", _NOBODY, {})
    except Rejected:
        return
    except ConnectorError as error:
        yield Finding(_refusal("writing deals", "crm.objects.deals.write", error))


def _stages(client: Client) -> Iterator[Finding]:
    try:
        client.pipelines("deals", fresh=True)
    except ConnectorError as error:
        yield Finding(_refusal("reading deal pipelines", "crm.objects.deals.read", error))


def _properties(client: Client) -> Iterator[Finding]:
    written = {field.name for field in PROGRESS}
    for kind in KINDS:
        try:
            known = {str(found["name"]) for found in client.properties(kind)}
        except ConnectorError as error:
            yield Finding(_refusal(f"reading properties of {kind}", f"crm.objects.{kind}.read", error))
            continue
        for name in custom(kind):
            if name not in known:
                yield _missing(kind, name, written=kind == "deals" and name in written)


def _missing(kind: str, name: str, *, written: bool) -> Finding:
    if written:
        return Finding(f"{kind} have no property {name}: create it, or writes to HubSpot are refused")
    text = f"{kind} have no property {name}: create it if mappings shall read it"
    return Finding(text, blocking=False)


def _refusal(doing: str, scope: str, error: ConnectorError) -> str:
    if isinstance(error, AuthFailed) and error.status == 403:
        return f"{doing}: scope {scope} is missing ({error})"
    if isinstance(error, AuthFailed):
        return f"{doing}: HubSpot refuses the access token ({error})"
    return f"{doing}: {error}"

"""Tells an admin before saving whether the hub can work with this Stripe account, and what to repair."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from connectors.stripe.client import Client
from connectors.stripe.events import TYPES
from connectors.stripe.once import step_key
from connectors.stripe.settings import Settings
from hub.sdk import AuthFailed, ConnectorError, Health, Record, Rejected, Write

# Resources that are read, and the permission of a restricted key that each of them needs.
READ = {
    "balance_transactions": "Balance: read",
    "charges": "Charges and refunds: read",
    "credit_notes": "Credit notes: read",
    "customers": "Customers: read",
    "disputes": "Disputes: read",
    "events": "Events: read",
    "invoice_payments": "Invoices: read",
    "invoices": "Invoices: read",
    "payment_intents": "Payment intents: read",
    "payouts": "Payouts: read",
    "refunds": "Charges and refunds: read",
}
# Calls about objects that do not exist: Stripe looks at the permission first, then for the object.
WRITTEN = {
    "/v1/customers/cus_o2c_nobody": "Customers: write",
    "/v1/invoices/in_o2c_none/finalize": "Invoices: write",
    "/v1/credit_notes/cn_o2c_none/void": "Credit notes: write",
}
_PROBE = Write("probe", {}, None, "probe", "probe")


class Finding(NamedTuple):
    """One thing to repair; the connection cannot work before a `blocking` one is."""

    text: str
    blocking: bool = True


def examine(client: Client, settings: Settings) -> Health:
    """Asks for everything the connector will need, and fails closed: what was not answered is not there."""
    findings = list(_account(client, settings))
    if not findings:
        findings += [*_readable(client), *_writable(client), *_webhooks(client, settings)]
    blocked = [finding.text for finding in findings if finding.blocking]
    summary = "Stripe answers and every permission is there" if not blocked else blocked[0]
    return Health(ok=not blocked, summary=summary, findings=tuple(finding.text for finding in findings))


def _account(client: Client, settings: Settings) -> Iterator[Finding]:
    try:
        live = client.balance().get("livemode")
    except ConnectorError as error:
        yield Finding(_refusal("the balance", "Balance: read", error))
        return
    if live is not settings.livemode:
        yield Finding(f"the key has livemode {live}, the setting livemode says {settings.livemode}")


def _readable(client: Client) -> Iterator[Finding]:
    for resource, permission in READ.items():
        try:
            client.any(resource)
        except ConnectorError as error:
            yield Finding(_refusal(f"reading {resource}", permission, error))


def _writable(client: Client) -> Iterator[Finding]:
    for path, permission in WRITTEN.items():
        try:
            client.wire.post(path, {}, step_key(_PROBE, path))
        except Rejected:
            continue
        except ConnectorError as error:
            yield Finding(_refusal("writing", permission, error))


def _webhooks(client: Client, settings: Settings) -> Iterator[Finding]:
    if not settings.secrets():
        text = "no signing secret: webhooks are refused, only polls bring changes"
        yield Finding(text, blocking=False)
    if not settings.public_url:
        return
    try:
        found = [one for one in client.webhook_endpoints() if one.get("url") == settings.public_url]
    except ConnectorError as error:
        yield Finding(_refusal("webhook endpoints", "Webhook endpoints: read", error), blocking=False)
        return
    if not found:
        text = f"Stripe has no webhook endpoint {settings.public_url}: run the installation"
        yield Finding(text, blocking=False)
    for one in found:
        yield from (Finding(text, blocking=False) for text in shortcomings(one, settings))


def shortcomings(endpoint: Record, settings: Settings) -> Iterator[str]:
    """What is wrong with a webhook endpoint, in words for an admin."""
    told = f"webhook endpoint {endpoint.get('id')}"
    if endpoint.get("status") != "enabled":
        yield f"{told} is {endpoint.get('status')}: enable it in Stripe"
    events = set(endpoint.get("enabled_events") or ())
    missing = [one for one in TYPES if one not in events and "*" not in events]
    if missing:
        yield f"{told} does not send {', '.join(missing)}: add them in Stripe"
    version = endpoint.get("api_version")
    if version not in (None, settings.api_version):
        yield f"{told} sends version {version}; that is no harm, the objects are read in our own"


def _refusal(doing: str, permission: str, error: ConnectorError) -> str:
    if isinstance(error, AuthFailed) and error.status == 403:
        return f"{doing}: the permission {permission!r} is missing ({error})"
    if isinstance(error, AuthFailed):
        return f"{doing}: Stripe refuses the key ({error})"
    return f"{doing}: {error}"

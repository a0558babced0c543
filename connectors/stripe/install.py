"""Sets up a Stripe account for the hub: the webhook endpoint that sends what the hub reads."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.stripe.check import READ, shortcomings
from connectors.stripe.client import Client
from connectors.stripe.events import TYPES
from connectors.stripe.once import again, step_key
from connectors.stripe.settings import Settings
from hub.sdk import ConnectorError, Step, Write


def install(client: Client, settings: Settings, *, dry: bool) -> Iterator[Step]:
    """One step after the other. What is there stays as it is; `dry` only looks."""
    for resource, permission in READ.items():
        try:
            client.any(resource)
        except ConnectorError as error:
            yield Step(f"permission {permission}", "refused", str(error))
        else:
            yield Step(f"permission {permission} ({resource})", "there")
    yield _endpoint(client, settings, dry=dry)


def _endpoint(client: Client, settings: Settings, *, dry: bool) -> Step:
    what = "webhook endpoint"
    if not settings.public_url:
        return Step(what, "missing", "enter the address of our webhooks as public_url first")
    try:
        known = [one for one in client.webhook_endpoints() if one.get("url") == settings.public_url]
        if known:
            wrong = [text for one in known for text in shortcomings(one, settings)]
            return Step(what, "there", "; ".join(wrong))
        if dry:
            return Step(what, "missing", f"would send {len(TYPES)} types of events to {settings.public_url}")
        made = _made(client, settings)
    except ConnectorError as error:
        return Step(what, "refused", str(error))
    advice = "copy its signing secret from Stripe's dashboard into webhook_secrets"
    return Step(what, "made", f"{made}: {advice}")


def _made(client: Client, settings: Settings) -> str:
    """Its signing secret is in the answer, and is not shown: steps are printed and logged."""
    form = {
        "url": settings.public_url,
        "api_version": settings.api_version,
        "enabled_events": list(TYPES),
        "description": "O2C Hub",
    }
    write = Write("webhook_endpoint", {}, None, "", settings.public_url)
    return str(again(client.wire, "/v1/webhook_endpoints", form, step_key(write, "endpoint"))["id"])

"""Webhook endpoints and event destinations: who gets which events, in which version, under which secret."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from sandbox.stripe import versions
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.event_types import TYPES
from sandbox.stripe.fields import BOOLEAN, EXPAND, METADATA, PAGE, TEXT, Spec, many, need
from sandbox.stripe.listing import page
from sandbox.stripe.merging import metadata
from sandbox.stripe.refusals import invalid, unable

ENDPOINTS_MAX = 16


def new_endpoint(account: Account, given: dict[str, Any]) -> Thing:
    """A webhook endpoint; its secret is told once. Raises Refused."""
    if len(account.shelves["webhook_endpoint"]) >= ENDPOINTS_MAX:
        raise unable(f"You have reached the maximum of {ENDPOINTS_MAX} webhook endpoints.")
    _check(given["enabled_events"], given["url"])
    version = given.get("api_version")
    if version:
        versions.known(version)
    return account.add(
        "webhook_endpoint",
        {
            "api_version": version,
            "application": None,
            "created": account.now(),
            "description": given.get("description"),
            "enabled_events": given["enabled_events"],
            "livemode": False,
            "metadata": metadata({}, given),
            "status": "enabled",
            "url": given["url"],
            "_url": given["url"],
            "_secret": f"whsec_{account.world.token(32)}",
            "_old_secrets": [],
            "_connect": given.get("connect", False),
            "_thin": False,
        },
    )


def _check(enabled: list[str], url: str) -> None:
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise invalid("Invalid URL: must be an absolute http(s) URL.", "url", "url_invalid")
    for at, one in enumerate(enabled):
        if one != "*" and one not in TYPES:
            raise invalid(
                f"Invalid enabled_events[{at}]: must be one of the known types, not {one}.",
                f"enabled_events[{at}]",
            )


def roll(endpoint: Thing, secret: str, now: int, keep: int) -> str:
    """A new secret; the old one signs too for `keep` seconds more. Returns the new one."""
    kept = [(one, until) for one, until in endpoint["_old_secrets"] if until > now]
    endpoint["_old_secrets"] = [*kept, (endpoint["_secret"], now + keep)] if keep else []
    endpoint["_secret"] = secret
    return secret


def _create(call: Call) -> Thing:
    made = new_endpoint(call.account, call.given)
    return {**made, "secret": made["_secret"]}


def _update(call: Call) -> Thing:
    endpoint = call.account.living("webhook_endpoint", call.ids[0], status=404)
    given = call.given
    _check(given.get("enabled_events") or [], given.get("url") or endpoint["url"])
    for name in ("description", "enabled_events", "url"):
        if given.get(name) is not None:
            endpoint[name] = given[name]
    endpoint["_url"] = endpoint["url"]
    if "disabled" in given:
        endpoint["status"] = "disabled" if given["disabled"] else "enabled"
    endpoint["metadata"] = metadata(endpoint["metadata"], given)
    return endpoint


def _delete(call: Call) -> Thing:
    return call.account.remove(call.account.living("webhook_endpoint", call.ids[0], status=404))


def _new_destination(call: Call) -> Thing:
    account, given = call.account, call.given
    wanted = {"name", "type", "event_payload", "enabled_events", "webhook_endpoint"}
    lacking = sorted(wanted - given.keys())
    if lacking:
        raise invalid(f"Missing required field: {lacking[0]}.", lacking[0], "parameter_missing")
    if given["type"] != "webhook_endpoint" or given["event_payload"] not in ("thin", "snapshot"):
        raise invalid("Only webhook endpoints with thin or snapshot payloads are known here.", "type")
    thin = given["event_payload"] == "thin"
    known = {f"v1.{one}" for one in TYPES} if thin else TYPES
    for one in given["enabled_events"]:
        if one != "*" and one not in known:
            raise invalid(f"Unknown event type: {one}.", "enabled_events")
    now = datetime.fromtimestamp(account.now(), UTC)
    made = account.add(
        "v2.core.event_destination",
        {
            "created": f"{now:%Y-%m-%dT%H:%M:%S.000Z}",
            "description": given.get("description", ""),
            "enabled_events": given["enabled_events"],
            "event_payload": given["event_payload"],
            "events_from": given.get("events_from") or ["self"],
            "livemode": False,
            "metadata": given.get("metadata") or {},
            "name": given["name"],
            "snapshot_api_version": None if thin else given.get("snapshot_api_version") or account.version,
            "status": "enabled",
            "status_details": None,
            "type": "webhook_endpoint",
            "updated": f"{now:%Y-%m-%dT%H:%M:%S.000Z}",
            "_url": given["webhook_endpoint"]["url"],
            "_secret": f"whsec_{account.world.token(32)}",
            "_old_secrets": [],
            "_connect": given.get("events_from") == ["other_accounts"],
            "_thin": True,
        },
    )
    return _destination(made, secret=True)


def _destination(made: Thing, *, secret: bool = False) -> Thing:
    told = {"signing_secret": made["_secret"] if secret else None, "url": made["_url"]}
    return {**made, "webhook_endpoint": told}


def _destinations(call: Call) -> Thing:
    found = [_destination(one) for one in call.account.all("v2.core.event_destination")]
    return {"data": found, "next_page_url": None, "previous_page_url": None}


_COMMON: Spec = {**EXPAND, "description": TEXT, "metadata": METADATA}
_CREATE: Spec = {
    **_COMMON, "api_version": TEXT, "connect": BOOLEAN, "enabled_events": need(many(TEXT)), "url": need(TEXT)
}  # fmt: skip
_UPDATE: Spec = {**_COMMON, "disabled": BOOLEAN, "enabled_events": many(TEXT), "url": TEXT}
_AT = "/v1/webhook_endpoints/{}"
_V2 = "/v2/core/event_destinations"
OPERATIONS = (
    Op("POST", "/v1/webhook_endpoints", _create, _CREATE, "create"),
    Op(
        *("GET", "/v1/webhook_endpoints"),
        lambda call: page(call.account, "webhook_endpoint", call.given, "/v1/webhook_endpoints"),
        PAGE,
    ),
    Op("GET", _AT, lambda call: call.account.living("webhook_endpoint", call.ids[0], status=404)),
    Op("POST", _AT, _update, _UPDATE, "update"),
    Op("DELETE", _AT, _delete, {}, "delete"),
    Op("POST", _V2, _new_destination, {}, "create", raw=True),
    Op("GET", _V2, _destinations, {}, raw=True),
    Op(
        *("GET", _V2 + "/{}"),
        lambda call: _destination(call.account.living("v2.core.event_destination", call.ids[0], status=404)),
        raw=True,
    ),
    Op(
        *("DELETE", _V2 + "/{}"),
        lambda call: call.account.remove(
            call.account.living("v2.core.event_destination", call.ids[0], status=404)
        ),
        {},
        "delete",
        raw=True,
    ),
)

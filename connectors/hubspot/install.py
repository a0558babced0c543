"""Sets up a HubSpot account for the hub: looks for scopes, makes the properties that mappings use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from connectors.hubspot.client import Client
from connectors.hubspot.schema import GROUP, GROUP_LABEL, UNIQUE, custom, definition, scope
from connectors.hubspot.writing import Writing
from hub.sdk import AuthFailed, Conflict, ConnectorError, Record, Rejected, Step

READ = ("deals", "companies", "contacts", "line_items")
WRITTEN = ("deals", "invoices", "commerce_payments")
_NOBODY = "0"  # no object has this id


def install(client: Client, writing: Writing, *, notes: bool, dry: bool) -> Iterator[Step]:
    """One step after the other. What is there stays as it is; `dry` only looks."""
    written = (*WRITTEN, *(("notes",) if notes else ()))
    for kind in READ:
        yield _scope(scope(kind, "read"), partial(client.any_object, kind))
    for kind in written:
        yield _scope(scope(kind, "write"), partial(writing.update, kind, _NOBODY, {}))
    for kind in dict.fromkeys((*READ, *written)):
        if custom(kind):
            yield from _properties(client, writing, kind, dry=dry)


def _scope(name: str, attempt: Callable[[], Record]) -> Step:
    """HubSpot checks the scope before it looks for an object: a write to nobody tells whether it is there."""
    try:
        attempt()
    except Rejected:
        return Step(f"scope {name}", "there")
    except ConnectorError as error:
        return Step(f"scope {name}", "refused", _reason(error, name))
    return Step(f"scope {name}", "there")


def _properties(client: Client, writing: Writing, kind: str, *, dry: bool) -> Iterator[Step]:
    try:
        known = {str(one["name"]): one for one in client.properties(kind)}
    except ConnectorError as error:
        yield Step(f"properties of {kind}", "refused", _reason(error, scope(kind, "read", area="schemas")))
        return
    wanted = custom(kind)
    if not all(name in known for name in wanted):
        group = _group(writing, kind, dry=dry)
        yield group
        if group.state == "refused":
            return
    for name in wanted:
        yield _there(kind, known[name]) if name in known else _made(writing, kind, name, dry=dry)


def _group(writing: Writing, kind: str, *, dry: bool) -> Step:
    what = f"group {GROUP} of {kind}"
    try:
        writing.group(kind, GROUP)
    except Rejected:
        return _make(what, kind, lambda: writing.make_group(kind, GROUP, GROUP_LABEL), dry=dry)
    except ConnectorError as error:
        return Step(what, "refused", _reason(error, scope(kind, "read", area="schemas")))
    return Step(what, "there")


def _made(writing: Writing, kind: str, name: str, *, dry: bool) -> Step:
    return _make(
        f"property {name} of {kind}",
        kind,
        lambda: writing.make_property(kind, definition(kind, name)),
        dry=dry,
    )


def _make(what: str, kind: str, attempt: Callable[[], None], *, dry: bool) -> Step:
    if dry:
        return Step(what, "missing")
    try:
        attempt()
    except Conflict:  # somebody was quicker
        return Step(what, "there")
    except ConnectorError as error:
        return Step(what, "refused", _reason(error, scope(kind, "write", area="schemas")))
    return Step(what, "made")


def _there(kind: str, found: Record) -> Step:
    name = str(found["name"])
    what = f"property {name} of {kind}"
    if name in UNIQUE and not found.get("hasUniqueValue"):
        text = "it exists without unique values: delete it in HubSpot, then install again"
        return Step(what, "refused", text)
    wanted = definition(kind, name)["type"]
    if name.startswith("o2c_") and found.get("type") not in (wanted, "enumeration", "string"):
        return Step(what, "refused", f"it exists as {found.get('type')}, the hub needs {wanted}")
    return Step(what, "there")


def _reason(error: ConnectorError, scope_name: str) -> str:
    if isinstance(error, AuthFailed) and error.status == 403:
        return f"scope {scope_name} is missing ({error})"
    return str(error)

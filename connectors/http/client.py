"""REST calls: where a document goes, what an answer means, and where the id is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connectors.http.settings import Settings
from connectors.http.translate import at
from hub.sdk import ConnectorError, Door, Record, Rejected, Reply, Write, encode, verdict

HIDDEN = "***"


def door(settings: Settings) -> Door:
    """The way to the system, with its credentials."""
    headers = {}
    if token := settings.token.get_secret_value():
        headers["authorization"] = f"Bearer {token}"
    if settings.key_header:
        headers[settings.key_header] = settings.key.get_secret_value()
    return Door(settings.base_url, headers=headers, deadline=settings.deadline_seconds)


def target(settings: Settings, write: Write) -> tuple[str, str]:
    """Method and path of a write. Raises Rejected for a kind without a path."""
    if write.external_id is not None and write.kind in settings.update_paths:
        return "PUT", filled(settings.update_paths[write.kind], write.reference, write.external_id)
    if write.kind not in settings.paths:
        raise Rejected(
            f"this connection has no path for {write.kind}: add it to paths", code="no_path", sent=False
        )
    path = filled(settings.paths[write.kind], write.reference, write.external_id)
    return settings.methods.get(write.kind, "POST"), path


def filled(template: str, reference: str, external_id: str | None) -> str:
    """A path with its placeholders replaced. Raises Rejected where a value cannot stand in a path."""
    if "{external_id}" in template and external_id is None:
        raise Rejected(
            f"{template} needs the external id, which is not known before the first write: use {{reference}}",
            code="no_external_id",
            sent=False,
        )
    values = {"reference": reference, "external_id": external_id or ""}
    for name, value in values.items():
        if f"{{{name}}}" in template and value in ("", ".", ".."):
            raise Rejected(f"{name} {value!r} cannot stand in a path", code="bad_path", sent=False)
    return template.format_map({name: quote(value, safe="") for name, value in values.items()})


def content(settings: Settings, write: Write) -> bytes:
    """The body of a write: the record, with our reference where it is later searched for. Raises Rejected."""
    return encode(_with_reference(settings, write))


def _with_reference(settings: Settings, write: Write) -> Record:
    name = settings.reference_field
    if not name or write.kind not in settings.find_paths:
        return write.record
    if write.record.get(name, write.reference) != write.reference:
        raise Rejected(
            f"the mapping fills {name!r}, where our reference must be found again: rename one of them",
            code="reference_field",
            sent=False,
        )
    return {**write.record, name: write.reference}


def written_id(settings: Settings, reply: Reply, write: Write) -> str:
    """The id the system gave, else the one we know it by. Raises Transient where the answer is not JSON."""
    known = write.external_id or write.reference
    if not settings.id_path or not reply.body.strip():
        return known
    value = at(reply.json(), settings.id_path)
    if value is None or value == "":
        return known
    return _text(value, settings.id_path)


def found_id(settings: Settings, reply: Reply, reference: str) -> str | None:
    """The id a search found; None for nothing. Raises Rejected where several objects carry our reference."""
    if reply.status in (404, 410) or not reply.body.strip():
        return None
    body = reply.json()
    if isinstance(body, list) and not settings.find_id_path:
        if len(body) > 1:
            raise Rejected(
                f"{len(body)} objects carry our reference {reference}: remove all but one", code="ambiguous"
            )
        body = body[0] if body else None
    path = settings.find_id_path or settings.id_path or "id"
    value = at(body, path)
    return None if value is None or value == "" else _text(value, path)


def _text(value: Any, path: str) -> str:
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise Rejected(f"the answer has no text or whole number at {path!r}: correct the id path", code="bad_id")


def refusal(settings: Settings, reply: Reply) -> ConnectorError | None:
    """The error an answer stands for, in the system's words but without our secrets; None for a 2xx."""
    if reply.ok:
        return None
    words = reply.excerpt()
    for secret in (settings.token, settings.key, settings.secret, settings.previous_secret):
        if value := secret.get_secret_value():
            words = words.replace(value, HIDDEN)
    return verdict(reply, words, request_id=_request_id(reply.headers))


def _request_id(headers: Mapping[str, str]) -> str:
    return headers.get("x-request-id", "")[:100]

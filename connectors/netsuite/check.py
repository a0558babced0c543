"""Tells an admin before saving whether the hub can work with this account, and what to repair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from connectors.netsuite import auth, periods, schema, suiteql
from connectors.netsuite.client import Client
from connectors.netsuite.settings import Settings
from hub.sdk import AuthFailed, ConnectorError, Health

Probe = tuple[str, Callable[[], object]]


def examine(client: Client, settings: Settings) -> Health:
    """Tries SuiteQL, each record type, table and column that is used; holds settings against the account."""
    findings: list[str] = []
    for task, attempt in [*_probes(client, settings), *_fields(client, settings)]:
        try:
            attempt()
        except AuthFailed as error:
            return Health(False, "NetSuite refused the credentials", (str(error),))
        except ConnectorError as error:
            findings.append(f"{task}: {error}")
    if findings:
        return Health(False, f"{len(findings)} of NetSuite's services cannot be used", findings)
    limit = _limit(client)
    allows = f"; it allows {limit} calls at a time" if limit else ""
    told = f"account {auth.realm(settings.account_id)} answers{allows}"
    return Health(True, told, [*_advice(client, settings, limit)])


def _probes(client: Client, settings: Settings) -> Iterator[Probe]:
    def rows(q: str) -> Callable[[], object]:
        return partial(client.query, q, limit=1)

    yield "SuiteQL (permission SuiteAnalytics Workbook)", rows("SELECT id FROM item")
    for record in schema.used(settings.watch):
        yield f"record {record} (give the role this permission)", partial(client.probe, record)
    yield "links between transactions (SuiteQL)", rows("SELECT nextdoc FROM previoustransactionlinelink")
    if settings.deletions:
        task = "deleted records (permission Deleted Records, or set deletions to false)"
        yield task, rows("SELECT recordid FROM deletedrecord")


def _fields(client: Client, settings: Settings) -> Iterator[Probe]:
    line = suiteql.select(suiteql.LINE_ID, "transactionline")
    yield f"column {suiteql.LINE_ID} (create it, see the set-up guide)", partial(client.query, line, limit=1)
    columns = {
        "transaction": settings.body_fields,
        "customer": tuple(filter(None, (settings.tax_number_field, settings.duns_field))),
    }
    for table, names in columns.items():
        for name in names:
            q = suiteql.select(name, table)  # names are checked by the settings
            yield f"field {name} of {table} (correct the setting)", partial(client.query, q, limit=1)


def _limit(client: Client) -> int | None:
    """Calls at a time of the whole account; shown to administrators only, and our role should not be one."""
    try:
        told = client.limits().get("accountConcurrencyLimit")
    except ConnectorError:
        return None
    return told if isinstance(told, int) else None


def _advice(client: Client, settings: Settings, limit: int | None) -> Iterator[str]:
    """What works, and yet should be known."""
    if limit and settings.concurrency > limit:
        yield f"concurrency is {settings.concurrency}, the account allows {limit} calls at a time in all"
    if settings.write_off_items:
        rows = client.query(suiteql.items(settings.write_off_items, ())).items
        known = {str(row.get("itemid")) for row in rows}
        for name in settings.write_off_items:
            if name not in known:
                yield f"write_off_items: NetSuite has no item named {name}: nothing can be written off on it"
    today = datetime.now(UTC).astimezone(ZoneInfo(settings.time_zone)).date().isoformat()
    try:
        if not periods.is_open(client, today):
            what = {"case": "become cases", "next_open": "go to the next open period"}[settings.closed_period]
            yield f"the accounting period of today is closed: postings of today {what} (closed_period)"
    except ConnectorError:
        yield "accounting periods cannot be read: closed ones are noticed at the first posting only"

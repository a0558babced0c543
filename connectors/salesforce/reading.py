"""Reads again what deliveries named, with everything around it, in as few calls as Salesforce allows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from connectors.salesforce.client import Client
from connectors.salesforce.events import Named, Told
from connectors.salesforce.schema import LINES, PARENT, readable, visible
from connectors.salesforce.soql import by_ids, instant, record_id, select
from connectors.salesforce.translate import (
    customer_record,
    expressible,
    line_record,
    order_record,
    plain,
    revision,
    stage_of,
)
from hub.sdk import Change, Invalid, Record, Rejected, Transient, Unmappable

ROLE = "OpportunityContactRole"
CHAIN_MAX = 10  # merges of merges that are followed
_PRODUCT = ("ProductCode", "Name", "Family")
_STALE = frozenset({"INVALID_FIELD", "INVALID_TYPE"})  # what we knew of the org no longer holds

Rows = Mapping[str, Record]
_Ids = Iterable[str]


class Wants(NamedTuple):
    """What the settings say about reading."""

    order_object: str
    added: Callable[[str], Sequence[str]]  # fields the admin added, per object
    currency: str  # of an org with one currency


class _Around(NamedTuple):
    """All rows that were read, by id, and how they hang together."""

    orders: Rows
    accounts: Rows
    contacts: Rows
    lines: Mapping[str, Sequence[Record]]  # order id to its lines
    buyers: Mapping[str, str]  # order id to the id of its contact
    owners: Mapping[str, str]  # line or contact id to the id of its order or account
    masters: Mapping[str, str]  # id of an account that was merged away to that of the one that took its place


class _Scene(NamedTuple):
    """What changes are made of."""

    around: _Around
    order_object: str
    stages: Rows
    org: Record
    gone: Collection[str]  # ids that somebody said were deleted


def changes(client: Client, wants: Wants, deliveries: Sequence[Told]) -> list[list[Change]]:
    """One list per delivery: customers first, then orders. Each record is read once for all deliveries.

    A describe is remembered for minutes; where a field has gone meanwhile, everything is asked anew, once.
    """
    try:
        return _changes(client, wants, deliveries)
    except Rejected as error:
        if error.code not in _STALE:
            raise
    client.forget()
    return _changes(client, wants, deliveries)


def _changes(client: Client, wants: Wants, deliveries: Sequence[Told]) -> list[list[Change]]:
    named = list(dict.fromkeys(one for told in deliveries for one in told.named))
    if not named:
        return [brought(told, wants) for told in deliveries]
    around = _read(client, wants, named)
    gone = frozenset(one.id for one in named if one.gone)
    stages = _stages(client, wants, around.orders.values())
    scene = _Scene(around, wants.order_object, stages, org_of(client, wants), gone)
    customers = {id: _customer(id, scene) for id in _accounts_of(named, around)}
    orders = {id: _order(id, scene) for id in _orders_of(named, wants, around)}
    return [
        [
            *(customers[id] for id in _accounts_of(told.named, around)),
            *(orders[id] for id in _orders_of(told.named, wants, around)),
            *brought(told, wants),
        ]
        for told in deliveries
    ]


def brought(told: Told, wants: Wants) -> list[Change]:
    """The changes of one record that a backfill read whole: no call is needed. Raises Invalid."""
    rows = told.rows
    if not rows:
        return []
    row, account = rows.get("order"), rows.get("account")
    if not isinstance(row, Mapping) or not isinstance(account, Mapping | None):
        raise Invalid("the rows of a backfill must have an order", field="rows.order")
    id = record_id(row.get("Id"))
    accounts = {record_id(account.get("Id")): account} if account else {}
    lines = [line_record(one, LINES[wants.order_object]) for one in rows.get("lines") or ()]
    around = _Around({id: row}, accounts, {}, {id: lines}, {}, {}, {})
    org = rows.get("org") or {"currency": wants.currency or None, "time_zone": None}
    stages = rows.get("stages") or {}
    scene = _Scene(around, wants.order_object, stages, org, frozenset())
    found = [*(_customer(one, scene) for one in accounts), _order(id, scene)]
    # told by this machine's clock; by the hub's it cannot be later than the delivery
    times = (instant(str(rows.get("as_of"))), told.received_at)
    as_of = min((at for at in times if at is not None), default=None)
    return [change._replace(as_of=as_of) for change in found]


def _orders_of(named: Iterable[Named], wants: Wants, around: _Around) -> list[str]:
    """Ids of the orders that are named, or whose lines are."""
    line_object = LINES[wants.order_object]
    ids = (
        one.id if one.sobject == wants.order_object else around.owners.get(one.id, "")
        for one in named
        if one.sobject in (wants.order_object, line_object)
    )
    return list(dict.fromkeys(id for id in ids if id))


def _accounts_of(named: Sequence[Named], around: _Around) -> list[str]:
    """Ids of the accounts that are named, or whose contacts or orders are."""
    own = [one.id for one in named if one.sobject == "Account"]
    people = [around.owners.get(one.id, "") for one in named if one.sobject == "Contact"]
    orders = [
        _text(around.orders[id].get("AccountId"))
        for one in named
        if (id := around.owners.get(one.id, one.id)) in around.orders
    ]
    buyers = [id for id in orders if id in around.accounts]
    return list(dict.fromkeys(id for id in (*own, *people, *buyers) if id))


def _read(client: Client, wants: Wants, named: Sequence[Named]) -> _Around:
    order_object, line_object = wants.order_object, LINES[wants.order_object]
    owners = {
        **_parents(client, line_object, [one.id for one in named if one.sobject == line_object]),
        **_parents(client, "Contact", [one.id for one in named if one.sobject == "Contact"]),
    }
    line_owners = [owners[one.id] for one in named if one.sobject == line_object and one.id in owners]
    order_ids = [*(one.id for one in named if one.sobject == order_object), *line_owners]
    orders = _rows(client, wants, order_object, order_ids, deleted=True)
    living = [id for id, row in orders.items() if not row.get("IsDeleted")]
    lines = _lines(client, wants, line_object, living)
    buyers = _roles(client, living) if order_object == "Opportunity" else _bill_to(orders)
    employers = [owners[one.id] for one in named if one.sobject == "Contact" and one.id in owners]
    account_ids = (
        *(one.id for one in named if one.sobject == "Account"),
        *employers,
        *(_text(row.get("AccountId")) for row in orders.values()),
    )
    accounts = _accounts(client, wants, [id for id in account_ids if id])
    masters = _masters(client, accounts)
    contacts = _rows(client, wants, "Contact", buyers.values(), deleted=False)
    return _Around(orders, accounts, contacts, lines, buyers, owners, masters)


def _parents(client: Client, sobject: str, ids: Sequence[str]) -> dict[str, str]:
    """The order or account that lines or contacts belong to; deleted ones still tell."""
    key = PARENT[sobject]
    found = (
        row
        for question in by_ids(("Id", key), sobject, "Id", ids)
        for row in client.query(question, deleted=True)
    )
    return {_text(row.get("Id")): _text(row[key]) for row in found if row.get(key)}


def _rows(client: Client, wants: Wants, sobject: str, ids: _Ids, *, deleted: bool) -> dict[str, Record]:
    ids = list(ids)
    if not ids:
        return {}
    fields = readable(sobject, wants.added(sobject), client.describe(sobject))
    questions = by_ids(fields, sobject, "Id", ids)
    found = (row for question in questions for row in client.query(question, deleted=deleted))
    return {_id(row): row for row in found}


def _accounts(client: Client, wants: Wants, ids: Sequence[str]) -> dict[str, Record]:
    """Accounts, each with its oldest contact: a question within the question, one row per account."""
    if not ids:
        return {}
    fields = readable("Account", wants.added("Account"), client.describe("Account"))
    people = readable("Contact", wants.added("Contact"), client.describe("Contact"))
    oldest = select(people, "Contacts", "IsDeleted = false ORDER BY CreatedDate, Id LIMIT 1")
    questions = by_ids((*fields, f"({oldest})"), "Account", "Id", ids)
    found = (row for question in questions for row in client.query(question, deleted=True))
    return {_id(row): row for row in found}


def _masters(client: Client, accounts: Rows) -> dict[str, str]:
    """What became of accounts that were merged away, also where the one that is left was merged itself."""
    into = {id: _text(row["MasterRecordId"]) for id, row in accounts.items() if row.get("MasterRecordId")}
    seen = set(accounts)
    for _ in range(CHAIN_MAX):
        beyond = {id for id in into.values() if id not in into} - seen
        if not beyond:
            break
        for question in by_ids(("Id", "MasterRecordId"), "Account", "Id", sorted(beyond)):
            rows = client.query(question, deleted=True)
            into |= {_id(row): _text(row["MasterRecordId"]) for row in rows if row.get("MasterRecordId")}
        seen |= beyond
    return {id: _last(id, into) for id in into}


def _last(id: str, into: Mapping[str, str]) -> str:
    for _ in range(CHAIN_MAX):
        if id not in into:
            break
        id = into[id]
    return id


def _lines(client: Client, wants: Wants, sobject: str, orders: Sequence[str]) -> dict[str, list[Record]]:
    if not orders:
        return {}
    fields = line_fields(client, wants, sobject)
    key = PARENT[sobject]
    found: dict[str, list[Record]] = {}
    for question in by_ids(fields, sobject, key, orders):
        for row in client.query(question):
            found.setdefault(_text(row.get(key)), []).append(line_record(row, sobject))
    return found


def line_fields(client: Client, wants: Wants, sobject: str) -> Sequence[str]:
    """What is read of a line, with what the user may see of its product."""
    fields = readable(sobject, wants.added(sobject), client.describe(sobject))
    products = visible(client.describe("Product2")) if "Product2Id" in fields else {}
    return (*fields, *(f"Product2.{name}" for name in _PRODUCT if name in products))


def _roles(client: Client, orders: Sequence[str]) -> dict[str, str]:
    """Who buys: the primary contact role, else the oldest. None where the user may not see roles."""
    if not orders:
        return {}
    try:
        known = visible(client.describe(ROLE))
    except Rejected as error:
        if error.status != 404:
            raise
        return {}
    fields = [
        name for name in ("Id", "OpportunityId", "ContactId", "IsPrimary", "CreatedDate") if name in known
    ]
    found: dict[str, tuple[tuple[bool, str, str], str]] = {}
    for question in by_ids(fields, ROLE, "OpportunityId", orders):
        for row in client.query(question):
            order, contact = _text(row.get("OpportunityId")), _text(row.get("ContactId"))
            rank = (row.get("IsPrimary") is not True, _text(row.get("CreatedDate")), _text(row.get("Id")))
            if contact and (order not in found or rank < found[order][0]):
                found[order] = (rank, contact)
    return {order: contact for order, (_, contact) in found.items()}


def _bill_to(orders: Rows) -> dict[str, str]:
    named = ((id, _text(row.get("BillToContactId"))) for id, row in orders.items())
    return {id: contact for id, contact in named if contact}


def _stages(client: Client, wants: Wants, orders: Iterable[Record]) -> Rows:
    hidden = any("IsWon" not in row and not row.get("IsDeleted") for row in orders)
    return stages_of(client) if hidden and wants.order_object == "Opportunity" else {}


def stages_of(client: Client) -> Rows:
    """The org's stages by name; asked only where IsWon itself is hidden from us."""
    question = "SELECT MasterLabel, ApiName, IsWon, IsClosed FROM OpportunityStage"
    rows = client.query(question)
    return {_text(row.get(key)): row for key in ("MasterLabel", "ApiName") for row in rows}


def org_of(client: Client, wants: Wants) -> Record:
    """What mappings may need to know of the org."""
    try:
        zone = client.organization().get("TimeZoneSidKey")
    except Rejected:  # a user without access to the org's row reads orders all the same
        zone = None
    return {"currency": wants.currency or None, "time_zone": zone}


def _oldest(row: Record) -> Record | None:
    found = row.get("Contacts")
    rows = found.get("records") if isinstance(found, Mapping) else None
    return plain(rows[0], "Contact") if rows else None


def _customer(id: str, scene: _Scene) -> Change:
    row = scene.around.accounts.get(id)
    if row is None:
        return _absent("customer", "Account", id, scene.gone)
    if row.get("IsDeleted"):
        return Change("customer", id, None, revision(row), merged_into=scene.around.masters.get(id, ""))
    return Change("customer", id, customer_record(row, _oldest(row), scene.org), revision(row))


def _order(id: str, scene: _Scene) -> Change:
    row = scene.around.orders.get(id)
    if row is None:
        return _absent("order", scene.order_object, id, scene.gone)
    if row.get("IsDeleted"):
        return Change("order", id, None, revision(row))
    lines = scene.around.lines.get(id, ())
    try:
        expressible(row, scene.order_object, lines)
        stage = stage_of(row, scene.order_object, scene.stages)
    except Unmappable as error:  # the others of this delivery are not to blame
        return Change("order", id, None, revision(row), problem=error)
    return Change("order", id, _assembled(row, lines, stage, scene), revision(row))


def _assembled(row: Record, lines: Sequence[Record], stage: Record, scene: _Scene) -> Record:
    around = scene.around
    account = around.accounts.get(_text(row.get("AccountId")))
    buyer = around.contacts.get(around.buyers.get(_id(row), ""))
    contact = plain(buyer, "Contact") if buyer is not None else _oldest(account or {})
    return order_record(
        row,
        sobject=scene.order_object,
        account=plain(account, "Account") if account is not None else None,
        contact=contact,
        lines=lines,
        stage=stage,
        org=scene.org,
    )


def _absent(kind: str, sobject: str, id: str, gone: Collection[str]) -> Change:
    """Not even among deleted rows: gone for good if somebody said so, else perhaps only hidden from us."""
    if id in gone:
        return Change(kind, id, None)
    text = f"{sobject} {id} cannot be seen: it was deleted for good, or it is not shared with the user"
    return Change(kind, id, None, problem=Unmappable(f"salesforce.{sobject}", "Id", text, id))


def _id(row: Record) -> str:
    if not row.get("Id"):
        raise Transient("a row of the answer has no Id", code="bad_answer")
    return str(row["Id"])


def _text(value: object) -> str:
    return "" if value is None else str(value)

"""Carries out one write inside a transaction: checks it as the org would, stores it, starts what follows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.salesforce import geography, ids, picklists, rules
from sandbox.salesforce.refusals import Refused
from sandbox.salesforce.schema import Field, SObject
from sandbox.salesforce.table import Row
from sandbox.salesforce.values import accepted

if TYPE_CHECKING:
    from sandbox.salesforce.org import Org

CASCADE_MAX = 100_000


def insert(org: Org, sobject: str, values: Mapping[str, Any], by: str, *, allow_duplicates: bool) -> str:
    """A new row; its id."""
    shape = org.shape(sobject, by)
    if by == "api" and not shape.creatable:
        raise Refused("INVALID_TYPE_FOR_OPERATION", f"entity type cannot be inserted: {shape.name}")
    _trip(org, shape.name, values, by)
    sent = _accepted(org, shape, values, by, creating=True)
    row = _fresh(org, shape)
    row.update(sent)
    _check(org, shape, row, old={}, sent=sent, by=by)
    if by == "api" and not allow_duplicates:
        _duplicates(org, shape.name, row)
    row = {name: value for name, value in row.items() if value is not None}
    org.put(shape.name, row, "CREATE")
    _effect(org, "create", shape, row, by)
    rules.after(org, shape.name, row, None)
    return str(row["Id"])


def update(org: Org, sobject: str, id: str, values: Mapping[str, Any], by: str) -> None:
    """New values of a row."""
    shape = org.shape(sobject, by)
    _trip(org, shape.name, {"Id": id, **values}, by)
    old = live(org, shape, id)
    sent = _accepted(org, shape, values, by, creating=False)
    row = {**old, **sent, **_touched(org)}
    _check(org, shape, row, old=old, sent=sent, by=by)
    row = {name: value for name, value in row.items() if value is not None}
    org.put(shape.name, row, "UPDATE")
    _effect(org, "update", shape, row, by)
    rules.after(org, shape.name, row, old)


def delete(org: Org, sobject: str, id: str, by: str) -> None:
    """Into the recycle bin."""
    shape = org.shape(sobject, by)
    _trip(org, shape.name, {"Id": id}, by)
    row = live(org, shape, id)
    if by == "api" and not shape.deletable:
        raise Refused("INVALID_TYPE_FOR_OPERATION", f"entity type cannot be deleted: {shape.name}")
    rules.before_delete(org, shape.name, row)
    _remove(org, shape.name, row, row["Id"])
    _effect(org, "delete", shape, row, by)


def _remove(org: Org, sobject: str, row: Row, root: str) -> None:
    for child, field, held in list(_children(org, sobject, row["Id"])):
        if field.on_delete == "restrict":
            text = f"Your attempt to delete {row.get('Name', row['Id'])} could not be completed because it is"
            raise Refused("DELETE_FAILED", f"{text} associated with the following {child}: {held['Id']}")
        if field.on_delete == "cascade":
            _remove(org, child, held, root)
        elif field.updateable:
            kept = {name: value for name, value in held.items() if name != field.name}
            org.put(child, {**kept, **_touched(org)}, "UPDATE")
    org.put(sobject, {**row, "IsDeleted": True, **_touched(org)}, "DELETE")
    if row["Id"] != root:
        org.undone[row["Id"]] = root
    rules.after_delete(org, sobject, row)


def undelete(org: Org, sobject: str, id: str, by: str) -> None:
    """Back from the recycle bin."""
    shape = org.shape(sobject, by)
    row = org.rows(shape.name).get(ids.whole(id) or "")
    if row is None or not row["IsDeleted"]:
        raise Refused("UNDELETE_FAILED", "Entity is not in the recycle bin")
    went = [row["Id"], *(child for child, root in org.undone.items() if root == row["Id"])]
    for one in went:
        org.undone.pop(one, None)
        for name, table in org.tables.items():
            if one in table.rows:
                kept = {k: v for k, v in table.rows[one].items() if k != "MasterRecordId"}
                org.put(name, {**kept, "IsDeleted": False, **_touched(org)}, "UNDELETE")
                rules.after(org, name, table.rows[one], None)
    _effect(org, "undelete", shape, row, by)


def merge(org: Org, sobject: str, master: str, loser: str) -> None:
    """Children of the loser move to the master; the loser goes to the recycle bin and names its master."""
    shape = org.shape(sobject, "user")
    kept, lost = live(org, shape, master), live(org, shape, loser)
    for child, field, held in list(_children(org, shape.name, lost["Id"])):
        org.put(child, {**held, field.name: kept["Id"], **_touched(org)}, "UPDATE")
    gone = {**lost, "IsDeleted": True, "MasterRecordId": kept["Id"], **_touched(org)}
    org.put(shape.name, gone, "DELETE")
    org.put(shape.name, {**kept, **_touched(org)}, "UPDATE")


def live(org: Org, shape: SObject, id: str) -> Row:
    """A row that is not deleted. Raises Refused for one malformed, unknown or deleted."""
    whole = ids.whole(id)
    if whole is None:
        raise Refused("MALFORMED_ID", f"malformed id {id}")
    if whole[:3] != shape.prefix:
        raise Refused("MALFORMED_ID", f"{shape.label} ID: id value of incorrect type: {id}", ["Id"])
    row = org.rows(shape.name).get(whole)
    if row is None:
        raise Refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=404)
    if row["IsDeleted"]:
        raise Refused("ENTITY_IS_DELETED", "entity is deleted", status=404)
    return row


def _children(org: Org, sobject: str, id: str) -> Iterator[tuple[str, Field, Row]]:
    """Live rows that refer to this one."""
    for name, one in org.objects.items():
        for field in one.fields.values():
            if sobject in field.refers_to and field.name != "MasterRecordId":
                rows = org.rows(name)
                for child in org.table(name).holding(field.name, id)[:CASCADE_MAX]:
                    if not rows[child]["IsDeleted"]:
                        yield name, field, rows[child]


def _touched(org: Org) -> Row:
    at = org.stamp()
    return {"LastModifiedDate": at, "LastModifiedById": org.user, "SystemModstamp": at}


def _fresh(org: Org, shape: SObject) -> Row:
    row: Row = {"Id": ids.made(shape.prefix, org.number(f"id {shape.name}")), "IsDeleted": False}
    row |= {"CreatedDate": org.stamp(), "CreatedById": org.user, **_touched(org)}
    whole = org.shape(shape.name, "user")
    for one in whole.fields.values():
        if one.type == "boolean" and one.name not in row:
            row[one.name] = one.default.lower() == "true"
        elif one.name == "OwnerId":
            row["OwnerId"] = org.user
        elif one.name == "CurrencyIsoCode" and one.createable:
            row["CurrencyIsoCode"] = org.currency
        elif one.auto_number and one.default:
            row[one.name] = _numbered(org, shape.name, one)
        elif one.default:
            row[one.name] = accepted(one, one.default.replace("_", " "))
    return row


def _numbered(org: Org, sobject: str, field: Field) -> str:
    """The next value of an auto-number field: a display format such as INV-{00000}."""
    number = org.number(f"{sobject}.{field.name}")
    return re.sub(r"\{(0+)\}", lambda hit: str(number).zfill(len(hit[1])), field.default)


def _trip(org: Org, sobject: str, values: Mapping[str, Any], by: str) -> None:
    if by != "api":
        return
    for one in org.trips:
        fits = one.times and one.sobject in ("", sobject)
        if fits and (not one.matching or any(one.matching in str(value) for value in values.values())):
            one.times -= one.times > 0
            raise Refused(one.code, one.message)


def _accepted(org: Org, shape: SObject, values: Mapping[str, Any], by: str, *, creating: bool) -> Row:
    found: Row = {}
    barred = []
    for name, value in values.items():
        if name.lower() == "attributes":
            continue
        field, meant = shape.field(name), value
        if field is None:
            field, meant = _by_external_id(org, shape, name, value, by)
        if field.name == "Id":
            raise _id_in_body(creating=creating)
        if not (field.createable if creating else field.updateable):
            barred.append(field.name)
        found[field.name] = accepted(field, meant)
    if barred:
        text = (
            f"Unable to create/update fields: {', '.join(barred)}. Please check the security settings of this"
        )
        text += " field and verify that it is read/write for your profile or permission set."
        raise Refused("INVALID_FIELD_FOR_INSERT_UPDATE", text, barred)
    return found


def _id_in_body(*, creating: bool) -> Refused:
    if creating:
        return Refused("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ["Id"])
    return Refused("INVALID_FIELD", "The Id field should not be specified in the sobject data.")


def _by_external_id(org: Org, shape: SObject, name: str, value: Any, by: str) -> tuple[Field, str | None]:
    """The reference field and the id for `"Account": {"ERP_Id__c": "x"}`."""
    field = shape.parent(name) if name else None
    if field is None:
        raise Refused("INVALID_FIELD", f"No such column '{name}' on sobject of type {shape.name}")
    if value is None:
        return field, None
    keys = {k: v for k, v in value.items() if k != "attributes"} if isinstance(value, Mapping) else {}
    if len(keys) != 1:
        text = f"Only a single external ID or unique field is allowed for relationship {name}"
        raise Refused("INVALID_FIELD", text)
    (key, wanted), target = *keys.items(), org.shape(field.refers_to[0], by)
    found = target.field(key)
    if found is None or not (found.id_lookup or found.unique):
        text = f"Field name provided, {key} is not an External ID or indexed field for {target.name}"
        raise Refused("INVALID_FIELD", text)
    hits = keyed(org, target, found, wanted)
    if not hits:
        text = f"Foreign key external ID: {wanted} not found for field {found.name} in entity {target.name}"
        raise Refused("INVALID_FIELD", text)
    if len(hits) > 1:
        text = f"More than one record found for external id field {found.name}: [{', '.join(hits)}]"
        raise Refused("INVALID_FIELD", text)
    return field, hits[0]


def keyed(org: Org, shape: SObject, field: Field, value: Any) -> list[str]:
    """Ids of live rows with this value in a key field. Raises Refused for a value of another type."""
    wanted, rows = accepted(field, value), org.rows(shape.name)
    if wanted is None:
        return []
    if field.name == "Id":
        return [wanted] if wanted in rows and not rows[wanted]["IsDeleted"] else []
    if not org.table(shape.name).indexed(field.name):  # a name field: rarely used as a key
        return [i for i, row in rows.items() if row.get(field.name) == wanted and not row["IsDeleted"]]
    found = [i for i in org.table(shape.name).holding(field.name, wanted) if not rows[i]["IsDeleted"]]
    return [i for i in found if not field.case_sensitive or rows[i][field.name] == wanted]


def _check(org: Org, shape: SObject, row: Row, *, old: Row, sent: Row, by: str) -> None:
    whole = org.shape(shape.name, "user")
    if "state_country_codes" in org.features:
        geography.settle(whole, row, sent)
    for name, value in sent.items():
        field = whole.fields[name]
        if value is not None and field.type == "reference":
            _exists(org, field, value)
        if field.type == "picklist":
            picklists.check(org, shape.name, field, value)
    rules.before(org, shape.name, rules.Written(row, old, sent, by))
    missing = [one.name for one in whole.fields.values() if one.required and row.get(one.name) is None]
    if missing:
        text = f"Required fields are missing: [{', '.join(missing)}]"
        raise Refused("REQUIRED_FIELD_MISSING", text, missing)
    _unique(org, whole, row, sent)


def _exists(org: Org, field: Field, value: str) -> None:
    target = org.objects.get(field.refers_to[0])
    if target is None or value[:3] != target.prefix:
        text = f"{field.shown}: id value of incorrect type: {value}"
        raise Refused("MALFORMED_ID", text, [field.name])
    row = org.rows(target.name).get(value)
    if row is None:
        raise Refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [field.name])
    if row["IsDeleted"]:
        raise Refused("ENTITY_IS_DELETED", "entity is deleted", [field.name])


def _unique(org: Org, shape: SObject, row: Row, sent: Row) -> None:
    for name, value in sent.items():
        field = shape.fields[name]
        if not field.unique or value is None:
            continue
        for other in keyed(org, shape, field, value):
            if other != row["Id"]:
                text = f"duplicate value found: {name} duplicates value on record with id: {other[:15]}"
                raise Refused("DUPLICATE_VALUE", text)


def _duplicates(org: Org, sobject: str, row: Row) -> None:
    """The standard account duplicate rule, alerting on the name."""
    if not org.duplicate_rule or sobject != "Account":
        return
    hits = keyed(org, org.shape("Account", "user"), org.objects["Account"].fields["Name"], row.get("Name"))
    if hits:
        found = {"matchRecords": [{"record": {"attributes": {"type": "Account"}, "Id": one}} for one in hits]}
        rule = {
            "duplicateRule": "Standard_Account_Duplicate_Rule",
            "matchResults": [found],
            "allowSave": True,
        }
        raise Refused("DUPLICATES_DETECTED", "Use one of these records?", duplicateResult=rule)


def _effect(org: Org, action: str, shape: SObject, row: Row, by: str) -> None:
    if by == "api":
        fields = org.shape(shape.name, "user").fields.values()
        reference = next((str(row[one.name]) for one in fields if one.external and one.name in row), "")
        org.effect(action, shape.name, row["Id"], reference)

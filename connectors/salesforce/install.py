"""Sets an org up: deploys the metadata package shipped beside this file, tells what a person must do."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from connectors.salesforce.client import Client
from connectors.salesforce.schema import visible
from connectors.salesforce.soql import literal, select
from hub.sdk import Record, Rejected, Step, Transient, parse_xml

HERE = Path(__file__).parent
# The folder to deploy and the permission set of the integration user in it, per source of orders.
PACKAGES: Mapping[str, Sequence[tuple[str, str]]] = {
    "opportunity": (("package", "O2C_Hub"),),
    "order": (("package", "O2C_Hub"), ("package_orders", "O2C_Hub_Orders")),
}
WAIT_SECONDS = 2.0
LOOKS_MAX = 150  # at a deployment: five minutes
_NS = "{http://soap.sforce.com/2006/04/metadata}"
_ENDED = frozenset({"Succeeded", "SucceededPartial", "Failed", "Canceled"})
# Production orgs only take deployments that roll back as a whole.
_OPTIONS = {"rollbackOnError": True, "singlePackage": True, "checkOnly": False, "allowMissingFiles": False}


@cache
def contents(folder: str) -> Mapping[str, Sequence[str]]:
    """Object to the custom fields the package has for it."""
    found = {}
    for file in sorted((HERE / folder / "objects").glob("*.object")):
        names = parse_xml(file.read_bytes()).iterfind(f"{_NS}fields/{_NS}fullName")
        found[file.stem] = tuple(str(name.text) for name in names)
    return found


def zipped(folder: str) -> bytes:
    """The package as deployRequest takes it: package.xml at the top. The same bytes every time."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((HERE / folder).rglob("*")):
            if file.is_file():
                entry = zipfile.ZipInfo(file.relative_to(HERE / folder).as_posix())
                archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return memory.getvalue()


def missing(client: Client, folder: str) -> Mapping[str, Sequence[str]]:
    """Per object the fields that our user does not see; where the object is missing, all of them."""
    found = {}
    for sobject, fields in contents(folder).items():
        try:
            known = visible(client.describe(sobject))
        except Rejected as error:
            if error.status != 404:
                raise
            known = {}
        found[sobject] = tuple(name for name in fields if name not in known)
    return found


def steps(
    client: Client, order_source: str, *, dry: bool, wait: Callable[[float], None] = time.sleep
) -> Iterator[Step]:
    """One step per object and permission set. Raises ConnectorError where the org cannot be asked."""
    client.forget()
    for folder, permission_set in PACKAGES[order_source]:
        yield from _installed(client, folder, dry=dry, wait=wait)
        yield _assigned(client, permission_set)


def _installed(client: Client, folder: str, *, dry: bool, wait: Callable[[float], None]) -> Iterator[Step]:
    before = missing(client, folder)
    if not any(before.values()):
        yield from (Step(_title(sobject), "there") for sobject in before)
        return
    if dry:
        yield from _compared(before, before, folder)
        return
    refusals = _deploy(client, folder, wait)
    if refusals:
        yield from (Step(f"deploy {folder}", "refused", text) for text in refusals)
        return
    client.forget()
    yield from _compared(before, missing(client, folder), folder)


def _compared(
    before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]], folder: str
) -> Iterator[Step]:
    for sobject, lacking in after.items():
        if not lacking:
            yield Step(_title(sobject), "made" if before[sobject] else "there")
            continue
        names = ", ".join(lacking) if len(lacking) < len(contents(folder)[sobject]) else "all fields"
        text = f"{names}: not there, or hidden from the integration user until it has the permission set"
        yield Step(_title(sobject), "missing", text)


def _title(sobject: str) -> str:
    return f"fields of {sobject}" if not sobject.endswith("__c") else f"object {sobject}"


def _deploy(client: Client, folder: str, wait: Callable[[float], None]) -> Sequence[str]:
    """Deploy and wait for the end; what was refused, in Salesforce's words, or nothing."""
    try:
        id = client.deploy(zipped(folder), _OPTIONS)
    except Rejected as error:
        return [f"{error}; the user needs 'Modify Metadata Through Metadata API Functions'"]
    for _ in range(LOOKS_MAX):
        result = client.deployment(id)
        if result.get("status") in _ENDED:
            return [] if result.get("status") == "Succeeded" else _failures(result)
        wait(WAIT_SECONDS)
    text = f"deployment {id} does not come to an end; see Setup > Deployment Status"
    raise Transient(text, code="deploy_slow")


def _failures(result: Record) -> Sequence[str]:
    details = result.get("details")
    told = details.get("componentFailures") if isinstance(details, Mapping) else None
    entries = told if isinstance(told, list) else []
    found = [f"{one.get('fullName')}: {one.get('problem')}" for one in entries if isinstance(one, Mapping)]
    return found or [str(result.get("errorMessage") or f"the deployment {result.get('status')}")]


def _assigned(client: Client, permission_set: str) -> Step:
    """Has our user the permission set? Salesforce shows new custom fields to nobody by itself."""
    title = f"permission set {permission_set} of the integration user"
    user = literal(client.session().user_id)
    where = f"AssigneeId = {user} AND PermissionSet.Name = {literal(permission_set)} LIMIT 1"
    question = select(["Id"], "PermissionSetAssignment", where)
    try:
        if client.query(question):
            return Step(title, "there")
    except Rejected as error:
        return Step(title, "missing", f"it could not be looked up ({error}); assign it in Setup > Users")
    return Step(title, "missing", "assign it in Setup > Users > (the user) > Permission Set Assignments")

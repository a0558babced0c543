"""Metadata: packages of source XML deployed over REST, and single custom fields over the Tooling API."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from sandbox.salesforce import ids
from sandbox.salesforce.calls import Answer, Call, Router
from sandbox.salesforce.org import INTEGRATION, Org
from sandbox.salesforce.refusals import Refused, not_found
from sandbox.salesforce.schema import Field
from sandbox.salesforce.standard import custom_object

ZIP_MAX = 39_000_000  # bytes (Metadata API guide, limits)
XML_MAX = 5_000_000
FILES_MAX = 10_000
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
Facts = Mapping[str, Any]
# Metadata type -> describe type
_TYPES = {
    "Text": "string", "TextArea": "textarea", "LongTextArea": "textarea", "Number": "double",
    "Currency": "currency", "Percent": "percent", "Checkbox": "boolean", "Date": "date",
    "DateTime": "datetime", "Email": "email", "Phone": "phone", "Url": "url", "Picklist": "picklist",
    "MultiselectPicklist": "multipicklist", "Lookup": "reference", "MasterDetail": "reference",
    "AutoNumber": "string",
}  # fmt: skip
_LENGTHS = {"TextArea": 255, "Email": 80, "Phone": 40, "Url": 255, "AutoNumber": 30, "Picklist": 255}


class Invalid(Exception):
    """A component that cannot be deployed; the message is its problem."""


@dataclass
class Deployment:
    """One deploy request and what came of it."""

    id: str
    options: dict[str, Any]
    successes: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    looks: int = 0


@dataclass
class Package:
    """Deploys into one org. `polls` is how often a deployment is seen under way before it is done."""

    org: Org
    polls: int = 1
    deployments: dict[str, Deployment] = field(default_factory=dict)

    def add_to(self, router: Router) -> None:
        """Put the endpoints into the table."""
        router.add("POST", "/tooling/sobjects/CustomField", self.custom_field)
        router.add("GET", "/metadata/deployRequest/{id}", self.look)

    def custom_field(self, call: Call) -> Answer:
        """POST /tooling/sobjects/CustomField with FullName and Metadata."""
        body = call.record()
        sobject, _, name = str(body.get("FullName", "")).partition(".")
        facts = body.get("Metadata")
        if not isinstance(facts, dict):
            text = "Required fields are missing: [Metadata]"
            raise Refused("REQUIRED_FIELD_MISSING", text, ["Metadata"])
        target = self.org.spelled(sobject)
        try:
            made = custom(self.org, target, name, facts)
        except Invalid as invalid:
            raise Refused("FIELD_INTEGRITY_EXCEPTION", str(invalid)) from None
        if self.org.objects[target].field(name) is not None:
            text = f"There is already a field named {made.shown} on {self.org.objects[target].label}."
            raise Refused("DUPLICATE_DEVELOPER_NAME", text)
        self.org.extend(target, [made])
        id = ids.made("00N", self.org.number("custom field"))
        self.org.kit.effect(
            "create", "CustomField", id, reference=f"{target}.{made.name}", client=call.client
        )
        return Answer(201, {"id": id, "success": True, "errors": [], "warnings": [], "infos": []})

    def deploy(self, archive: bytes, options: dict[str, Any], client: str = "") -> Deployment:
        """Deploy a zip of a package in metadata format. Raises Refused for what is no package."""
        made = Deployment(ids.made("0Af", self.org.number("deployment")), options)
        self.deployments[made.id] = made
        parts = components(archive)
        before = {name: one.copy() for name, one in self.org.objects.items()}
        try:
            with self.org.transaction():
                for kind, name, root in parts:
                    self._part(kind, name, root, made)
                if made.failures and options.get("rollbackOnError", True):
                    raise Invalid("rolled back")
        except Invalid:
            self.org.objects.clear()
            self.org.objects.update(before)
            made.successes.clear()
        self.org.kit.effect("deploy", "Package", made.id, reference="", client=client)
        return made

    def _part(self, kind: str, name: str, root: Any, made: Deployment) -> None:
        try:
            self._component(kind, name, root, made, check_only=made.options.get("checkOnly") is True)
        except Invalid as invalid:
            self._note(made.failures, kind, name, problem=str(invalid), problemType="Error")

    def _note(self, notes: list[dict[str, Any]], kind: str, name: str, **more: Any) -> None:
        failed = "problem" in more
        facts = {"componentType": kind, "fullName": name, "success": not failed, "created": not failed}
        notes.append({**facts, "problem": None, "problemType": None, **more})

    def _component(self, kind: str, name: str, root: Any, made: Deployment, *, check_only: bool) -> None:
        if kind == "PermissionSet":
            if not check_only:
                self._permission_set(name, root)
        elif name not in self.org.objects:
            if not name.endswith("__c"):
                raise Invalid(f"Entity Enumeration Or ID: bad value for restricted picklist field: {name}")
            if not check_only:
                self._custom_object(name, facts_of(root))
            self._fields(name, root, made, check_only=check_only)
        else:
            self._fields(name, root, made, check_only=check_only)
        self._note(made.successes, kind, name)

    def _custom_object(self, name: str, facts: Facts) -> None:
        naming = facts.get("nameField") or {}
        number = sum(1 for one in self.org.objects.values() if one.custom)
        one = custom_object(name, f"a{number:02d}", facts.get("label", name), facts.get("pluralLabel", name))
        auto = naming.get("type") == "AutoNumber"
        title = Field(
            "Name", "string", naming.get("label", ""), 80, name_field=True, id_lookup=True, indexed=True,
            auto_number=auto, createable=not auto, updateable=not auto, required=not auto,
            default=naming.get("displayFormat", "{0}") if auto else "",
        )  # fmt: skip
        one.add([title])
        self.org.define(one)

    def _fields(self, sobject: str, root: Any, made: Deployment, *, check_only: bool) -> None:
        known = self.org.objects.get(sobject)
        for element in root.findall(f"{{{NAMESPACE}}}fields"):
            facts = facts_of(element)
            name = str(facts.get("fullName", ""))
            if known is not None and (held := known.field(name)) is not None and not held.custom:
                continue  # a standard field: only its labels could change
            try:
                one = custom(self.org, sobject, name, facts)
            except Invalid as invalid:
                self._note(
                    made.failures,
                    "CustomField",
                    f"{sobject}.{name}",
                    problem=str(invalid),
                    problemType="Error",
                )
                continue
            if not check_only:
                self.org.extend(sobject, [one])
            self._note(made.successes, "CustomField", f"{sobject}.{name}")

    def _permission_set(self, name: str, root: Any) -> None:
        facts, org = facts_of(root), self.org
        with org.transaction():
            held = next((i for i, row in org.rows("PermissionSet").items() if row["Name"] == name), None)
            id = held or org.insert("PermissionSet", {"Name": name, "Label": facts.get("label", name)})
            for row in [r for r in org.rows("FieldPermissions").values() if r["ParentId"] == id]:
                if not row["IsDeleted"]:
                    org.delete("FieldPermissions", row["Id"])
            for one in root.findall(f"{{{NAMESPACE}}}fieldPermissions"):
                self._permit(id, facts_of(one))

    def _permit(self, permission_set: str, facts: Facts) -> None:
        named = str(facts.get("field", ""))
        sobject, _, name = named.partition(".")
        if sobject not in self.org.objects or self.org.objects[sobject].field(name) is None:
            raise Invalid(f"In field: field - no CustomField named {named} found")
        values = {"ParentId": permission_set, "SobjectType": sobject, "Field": named}
        values |= {"PermissionsRead": facts.get("readable", "false")}
        self.org.insert("FieldPermissions", {**values, "PermissionsEdit": facts.get("editable", "false")})

    def assign(self) -> None:
        """An admin assigns every permission set to the integration user."""
        held = {row["PermissionSetId"] for row in self.org.rows("PermissionSetAssignment").values()}
        for id in [one for one in self.org.rows("PermissionSet") if one not in held]:
            self.org.insert("PermissionSetAssignment", {"PermissionSetId": id, "AssigneeId": INTEGRATION})

    def look(self, call: Call) -> Answer:
        """GET /metadata/deployRequest/{id}."""
        made = self.deployments.get(call.named["id"])
        if made is None:
            raise not_found()
        made.looks += 1
        detailed = call.query.get("includeDetails", "").lower() == "true"
        return Answer(200, self.shown(made, done=made.looks > self.polls, detailed=detailed))

    def shown(self, made: Deployment, *, done: bool, detailed: bool) -> dict[str, Any]:
        """A deploy request as REST shows it."""
        succeeded = not made.failures
        status = ("Succeeded" if succeeded else "Failed") if done else "InProgress"
        result: dict[str, Any] = {
            "id": made.id, "status": status, "done": done, "success": done and succeeded,
            "checkOnly": made.options.get("checkOnly") is True, "ignoreWarnings": False,
            "rollbackOnError": made.options.get("rollbackOnError", True) is True, "runTestsEnabled": False,
            "numberComponentsTotal": len(made.successes) + len(made.failures),
            "numberComponentsDeployed": len(made.successes) if done else 0,
            "numberComponentErrors": len(made.failures) if done else 0,
            "numberTestsTotal": 0, "numberTestsCompleted": 0, "numberTestErrors": 0,
        }  # fmt: skip
        if detailed:
            found = {"componentSuccesses": made.successes, "componentFailures": made.failures}
            result["details"] = {**found, "allComponentMessages": [], "runTestResult": None}
        return {
            "id": made.id,
            "deployOptions": made.options,
            "deployResult": result,
            "validatedDeployRequestId": None,
        }


def components(archive: bytes) -> list[tuple[str, str, Any]]:
    """(type, name, XML) of a package's members: objects first, then permission sets. Raises Refused."""
    if len(archive) > ZIP_MAX:
        raise Refused("INVALID_INPUT", f"the zip file is over {ZIP_MAX} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as package:
            files = [one for one in package.infolist()[:FILES_MAX] if one.file_size <= XML_MAX]
            texts = {one.filename: package.read(one) for one in files if not one.is_dir()}
    except (zipfile.BadZipFile, RuntimeError) as error:
        raise Refused("INVALID_INPUT", f"the zip file cannot be read: {error}") from None
    if "package.xml" not in texts:
        raise Refused("INVALID_INPUT", "No package.xml found")
    wanted = listed(parsed_xml("package.xml", texts["package.xml"]))
    found = []
    for folder, suffix, kind in (("objects", ".object", "CustomObject"),
                                 ("permissionsets", ".permissionset", "PermissionSet")):  # fmt: skip
        for path in sorted(texts):
            name = path.removeprefix(f"{folder}/").removesuffix(suffix)
            if path == f"{folder}/{name}{suffix}" and _asked(wanted, kind, name):
                found.append((kind, name, parsed_xml(path, texts[path])))
    return found


def _asked(wanted: dict[str, set[str]], kind: str, name: str) -> bool:
    fields = {one.partition(".")[0] for one in wanted.get("CustomField", ())}
    named = wanted.get(kind, set())
    return name in named or "*" in named or (kind == "CustomObject" and name in fields)


def listed(manifest: Any) -> dict[str, set[str]]:
    """Members of package.xml by type."""
    found: dict[str, set[str]] = {}
    for group in manifest.findall(f"{{{NAMESPACE}}}types"):
        kind = group.findtext(f"{{{NAMESPACE}}}name") or ""
        found.setdefault(kind, set()).update(m.text or "" for m in group.findall(f"{{{NAMESPACE}}}members"))
    return found


def parsed_xml(path: str, text: bytes) -> Any:
    """The root of a metadata file. Raises Refused."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise Refused("INVALID_INPUT", f"{path}: Error parsing file: {error}") from None
    if etree.QName(root).namespace != NAMESPACE:
        raise Refused("INVALID_INPUT", f"{path}: not in the namespace {NAMESPACE}")
    return root


def facts_of(element: Any) -> dict[str, Any]:
    """An element's children: texts, and nested ones as the same."""
    found: dict[str, Any] = {}
    for one in element:
        if isinstance(one.tag, str):
            name = etree.QName(one).localname
            value = facts_of(one) if len(one) else (one.text or "")
            known = found.get(name)
            found[name] = (
                value if name not in found else [*(known if isinstance(known, list) else [known]), value]
            )
    return found


def custom(org: Org, sobject: str, name: str, facts: Facts) -> Field:
    """The field a CustomField describes. Raises Invalid."""
    kind = str(facts.get("type", ""))
    if not name.endswith("__c"):
        raise Invalid(f"Invalid fullName {name}: the name of a custom field ends with __c")
    if kind not in _TYPES or (kind == "MasterDetail" and not sobject.endswith("__c")):
        raise Invalid(f"{kind or 'a field without a type'} cannot be created on {sobject}")
    if kind in ("Text", "LongTextArea") and not facts.get("length"):
        raise Invalid("Must specify a 'length' for a CustomField of type " + kind)
    if kind in ("Number", "Currency", "Percent") and not facts.get("precision"):
        raise Invalid("Must specify 'precision' for a CustomField of type " + kind)
    more: dict[str, Any] = {}
    if _TYPES[kind] == "reference":
        more = _relation(org, name, kind, facts)
    if _TYPES[kind] in ("picklist", "multipicklist"):
        more = _picklist(facts)
    auto = kind == "AutoNumber"
    return Field(
        name, _TYPES[kind], str(facts.get("label", "")),
        int(facts.get("length") or _LENGTHS.get(kind, 18 if _TYPES[kind] == "reference" else 0)),
        int(facts.get("precision") or 0), int(facts.get("scale") or 0),
        required=more.pop("required", _true(facts.get("required"))),
        external=_true(facts.get("externalId")), id_lookup=_true(facts.get("externalId")),
        unique=_true(facts.get("unique")), case_sensitive=_true(facts.get("caseSensitive")), custom=True,
        auto_number=auto, createable=not auto, updateable=not auto,
        default=_default(kind, facts), **more,
    )  # fmt: skip


def _default(kind: str, facts: Facts) -> str:
    if kind == "AutoNumber":
        return str(facts.get("displayFormat", "{0}"))
    return str(facts.get("defaultValue", "false")).lower() if kind == "Checkbox" else ""


def _relation(org: Org, name: str, kind: str, facts: Facts) -> dict[str, Any]:
    target = str(facts.get("referenceTo", ""))
    if target not in org.objects:
        raise Invalid(f"referenceTo value of '{target}' does not resolve to a valid sObject type")
    if not facts.get("relationshipName"):
        raise Invalid(f"Must specify 'relationshipName' for a CustomField of type {kind}")
    children, detail = f"{facts['relationshipName']}__r", kind == "MasterDetail"
    rule = {"Cascade": "cascade", "Restrict": "restrict"}.get(str(facts.get("deleteConstraint")), "clear")
    found: dict[str, Any] = {"refers_to": (target,), "children": children, "on_delete": rule}
    found["relationship"] = name.removesuffix("__c") + "__r"
    return found | ({"on_delete": "cascade", "required": True} if detail else {})


def _picklist(facts: Facts) -> dict[str, Any]:
    value_set = facts.get("valueSet") or {}
    definition = value_set.get("valueSetDefinition") or {}
    values = definition.get("value") or []
    values = values if isinstance(values, list) else [values]
    if not values:
        raise Invalid("Must specify a 'valueSet' for a CustomField of type Picklist")
    names = [str(one.get("fullName") or one.get("valueName") or "") for one in values]
    labels = [str(one.get("label") or name) for one, name in zip(values, names, strict=True)]
    return {
        "picklist": tuple(zip(names, labels, strict=True)),
        "restricted": _true(value_set.get("restricted")),
    }


def _true(value: Any) -> bool:
    return str(value).lower() == "true"

"""Customers as business partners: made with roles, company and sales area, found again by our reference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from connectors.sap.batch import Change
from connectors.sap.client import PARTNERS, Client
from connectors.sap.settings import Settings
from connectors.sap.translate import any_of, entity, rows_of, text
from hub.sdk import Candidate, Record, Rejected, Write

CANDIDATES_MAX = 20
HITS_MAX = 50  # rows of one question for candidates
ROLES = ("FLCU00", "FLCU01")  # customer in accounting, customer in sales (vendors.md 4.4)
_PSEUDO = frozenset({"address", "tax", "duns", "company", "sales", "match", "expected", "blocked"})
_BLOCK = "OrderIsBlockedForCustomer"
_CONTACTS = {"email": "to_EmailAddress", "phone": "to_PhoneNumber", "website": "to_URLAddress"}
_EXPAND = (
    "to_BuPaIdentification,to_BusinessPartnerRole,to_BusinessPartnerTax,to_BusinessPartnerAddress,"
    "to_Customer/to_CustomerCompany,to_Customer/to_CustomerSalesArea"
)


class Customers:
    """Business partners that buy."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._client, self._settings = client, settings

    def push(self, write: Write) -> str:
        """Create the partner, or bring the one we know up to date; its number."""
        if write.external_id:
            return self._update(write.external_id, write)
        made = self._client.create(PARTNERS, "A_BusinessPartner", body(write, self._settings))
        number, customer = str(made.get("BusinessPartner") or ""), str(made.get("Customer") or "")
        if not number or customer not in ("", number):
            raise Rejected(f"partner {number!r} is customer {customer!r} in SAP: the numbers must be equal")
        return number

    def find(self, reference: str) -> str | None:
        """The partner whose identification carries our reference."""
        filters = (
            f"BPIdentificationType eq {text(self._settings.identification_type)} "
            f"and BPIdentificationNumber eq {text(reference)}"
        )
        query = {"$filter": filters, "$select": "BusinessPartner", "$top": "2"}
        rows = self._client.page(PARTNERS, "A_BuPaIdentification", query).rows
        return str(rows[0]["BusinessPartner"]) if rows else None

    def _update(self, number: str, write: Write) -> str:
        path = entity("A_BusinessPartner", number)
        known = self._client.get(PARTNERS, path, {"$expand": _EXPAND})
        if known is None:
            raise Rejected(f"business partner {number} is gone from SAP", code="gone", sent=False)
        wanted = body(write, self._settings)
        operations = list(differences(path, number, wanted, known, self._settings.order_block))
        if len(operations) == 1 and operations[0].method == "PATCH":
            self._client.update(PARTNERS, operations[0].path, operations[0].body, operations[0].etag)
        elif operations:
            self._client.together(PARTNERS, operations)
        return number

    def candidates(self, write: Write) -> Sequence[Candidate]:
        """Partners that may be the same, by tax number, D-U-N-S, e-mail domain and name, in one batch."""
        match = write.record.get("match")
        asked = list(self._questions(match)) if isinstance(match, Mapping) else []
        if not asked:
            return ()
        answers = self._client.listings(PARTNERS, [(name, query) for _, name, query in asked])
        hits: dict[str, str] = {}
        for (by, _, _), rows in zip(asked, answers, strict=True):
            for number in self._partners(by, rows):
                hits.setdefault(number, by)
        numbers = list(hits)[:CANDIDATES_MAX]
        query = {"$expand": "to_BusinessPartnerAddress,to_BuPaIdentification"}
        found = self._client.entities(
            PARTNERS, [(entity("A_BusinessPartner", one), query) for one in numbers]
        )
        return [self._candidate(one, hits[str(one["BusinessPartner"])]) for one in found if one]

    def _questions(self, match: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, str]]]:
        tax, duns, domain, name = (str(match.get(key) or "") for key in ("tax_id", "duns", "domain", "name"))
        few = {"$top": str(HITS_MAX)}
        if tax:
            filters = f"BPTaxNumber eq {text(tax)} or BPTaxLongNumber eq {text(tax)}"
            yield "tax_id", "A_BusinessPartnerTaxNumber", {"$filter": filters, **few}
        if duns:
            kind = f"BPIdentificationType eq {text(self._settings.duns_type)}"
            filters = f"{kind} and BPIdentificationNumber eq {text(duns)}"
            yield "duns", "A_BuPaIdentification", {"$filter": filters, **few}
        if domain:
            filters = f"endswith(EmailAddress,{text('@' + domain.lower())})"
            yield "domain", "A_AddressEmailAddress", {"$filter": filters, **few}
        if name:
            filters = f"OrganizationBPName1 eq {text(name[:40])}"
            yield "name", "A_BusinessPartner", {"$filter": filters, "$select": "BusinessPartner", **few}

    def _partners(self, by: str, rows: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        if by != "domain":
            return [str(row["BusinessPartner"]) for row in rows if row.get("BusinessPartner")]
        addresses = list(dict.fromkeys(str(row["AddressID"]) for row in rows if row.get("AddressID")))
        if not addresses:
            return ()
        query = {
            "$filter": any_of("AddressID", addresses[:CANDIDATES_MAX]),
            "$select": "BusinessPartner,AddressID",
        }
        found = self._client.rows(PARTNERS, "A_BusinessPartnerAddress", query)
        return [str(row["BusinessPartner"]) for row in found]

    def _candidate(self, partner: Record, by: Any) -> Candidate:
        names = (partner.get("OrganizationBPName1"), partner.get("OrganizationBPName2"))
        name = " ".join(str(one) for one in names if one) or str(partner.get("BusinessPartnerFullName") or "")
        places = rows_of(partner, "to_BusinessPartnerAddress")
        where = ", ".join(
            f"{one.get('CityName') or ''} {one.get('Country') or ''}".strip() for one in places[:2]
        )
        kind = self._settings.identification_type
        owners = rows_of(partner, "to_BuPaIdentification")
        ours = any(one.get("BPIdentificationType") == kind for one in owners)
        detail = "; ".join(one for one in (where, "carries a hub id already" if ours else "") if one)
        return Candidate(str(partner["BusinessPartner"]), name, by, detail)


def body(write: Write, settings: Settings) -> dict[str, Any]:
    """The deep insert of a new partner: every company and sales area of our sellers."""
    record = write.record
    general = {name: value for name, value in record.items() if name not in _PSEUDO}
    return {
        **general,
        "BusinessPartnerGrouping": record.get("BusinessPartnerGrouping") or settings.partner_grouping,
        "to_BuPaIdentification": _identifications(write, settings),
        "to_BusinessPartnerRole": [{"BusinessPartnerRole": role} for role in ROLES],
        "to_BusinessPartnerAddress": list(_addresses(record)),
        "to_BusinessPartnerTax": [dict(record["tax"])] if record.get("tax") else [],
        "to_Customer": {
            "to_CustomerCompany": list(_companies(record, settings)),
            "to_CustomerSalesArea": list(_areas(record, settings)),
        },
    }


def _identifications(write: Write, settings: Settings) -> list[dict[str, str]]:
    told = {
        settings.identification_type: write.reference,
        settings.duns_type: str(write.record.get("duns") or ""),
    }
    return [
        {"BPIdentificationType": kind, "BPIdentificationNumber": number}
        for kind, number in told.items()
        if number
    ]


def _addresses(record: Record) -> Iterator[dict[str, Any]]:
    address = record.get("address")
    if not isinstance(address, Mapping):
        return
    told: dict[str, Any] = {name: value for name, value in address.items() if name not in _CONTACTS}
    fields = {"email": "EmailAddress", "phone": "PhoneNumber", "website": "WebsiteURL"}
    for name, navigation in _CONTACTS.items():
        if address.get(name):
            told[navigation] = [{fields[name]: address[name]}]
    yield told


def _companies(record: Record, settings: Settings) -> Iterator[dict[str, Any]]:
    known = dict(record.get("company") or {})
    for one in {company.company_code: company for company in settings.sellers.values()}.values():
        account = one.reconciliation_account
        yield {"CompanyCode": one.company_code, "ReconciliationAccount": account, **known}


def _areas(record: Record, settings: Settings) -> Iterator[dict[str, Any]]:
    known = dict(record.get("sales") or {})
    for one in settings.sellers.values():
        area = {
            "SalesOrganization": one.sales_organization,
            "DistributionChannel": one.distribution_channel,
            "Division": one.division,
        }
        if settings.order_block and record.get("blocked") is not None:
            area[_BLOCK] = settings.order_block if record["blocked"] else ""
        yield {**area, "Currency": one.currency, **known}


def differences(path: str, number: str, wanted: Record, known: Record, block: str = "") -> Iterator[Change]:
    """What to change at a partner so that it is as wanted; what people added there stays.

    `block`: the hub's own reason for an order block; one that people set for another reason stays.
    """
    frozen = ("BusinessPartnerCategory", "BusinessPartnerGrouping")
    general = {k: v for k, v in wanted.items() if not k.startswith("to_") and k not in frozen}
    if changed := _changed(general, known):
        yield Change("PATCH", path, changed, str(known.get("etag") or ""))
    yield from _address_changes(number, wanted, known)
    lists: Sequence[tuple[str, str, Sequence[str]]] = (
        ("to_BuPaIdentification", "A_BuPaIdentification", ("BPIdentificationType", "BPIdentificationNumber")),
        ("to_BusinessPartnerRole", "A_BusinessPartnerRole", ("BusinessPartnerRole",)),
        ("to_BusinessPartnerTax", "A_BusinessPartnerTaxNumber", ("BPTaxType",)),
    )
    for name, target, key in lists:
        owner = {"BusinessPartner": number}
        yield from _listed(target, owner, key, wanted.get(name) or (), rows_of(known, name))
    there = known.get("to_Customer")
    there = there if isinstance(there, Mapping) else {}
    of_customer: Sequence[tuple[str, str, Sequence[str]]] = (
        ("to_CustomerCompany", "A_CustomerCompany", ("CompanyCode",)),
        (
            "to_CustomerSalesArea",
            "A_CustomerSalesArea",
            ("SalesOrganization", "DistributionChannel", "Division"),
        ),
    )
    for name, target, key in of_customer:
        told, seen = wanted["to_Customer"][name], rows_of(there, name)
        own = [_our_block(one, key, seen, block) for one in told]
        yield from _listed(target, {"Customer": number}, key, own, seen)


def _our_block(wanted: Record, key: Sequence[str], known: Iterable[Record], block: str) -> Record:
    """Without the order block where one for another reason stands."""
    same = [one for one in known if all(str(one.get(part)) == str(wanted.get(part)) for part in key)]
    if _BLOCK in wanted and any(one.get(_BLOCK) not in (None, "", block) for one in same):
        return {name: value for name, value in wanted.items() if name != _BLOCK}
    return wanted


def _address_changes(number: str, wanted: Record, known: Record) -> Iterator[Change]:
    """The first address is the customer's; its e-mail and telephone are kept by people after creation."""
    there = rows_of(known, "to_BusinessPartnerAddress")
    for one in wanted.get("to_BusinessPartnerAddress") or ():
        bare = {name: value for name, value in one.items() if not name.startswith("to_")}
        if not there:
            yield Change("POST", "A_BusinessPartnerAddress", {"BusinessPartner": number, **one})
        elif changed := _changed(bare, there[0]):
            place = entity(
                "A_BusinessPartnerAddress", BusinessPartner=number, AddressID=str(there[0]["AddressID"])
            )
            yield Change("PATCH", place, changed, str(there[0].get("etag") or ""))


def _listed(
    target: str,
    owner: Mapping[str, str],
    key: Sequence[str],
    wanted: Iterable[Record],
    known: Iterable[Record],
) -> Iterator[Change]:
    there = {tuple(str(one.get(part)) for part in key): one for one in known}
    for one in wanted:
        seen = there.get(tuple(str(one.get(part)) for part in key))
        if seen is None:
            yield Change("POST", target, {**owner, **one})
        elif (changed := _changed(one, seen)) and "ReconciliationAccount" not in changed:
            place = entity(target, **owner, **{part: str(one[part]) for part in key})
            yield Change("PATCH", place, changed, str(seen.get("etag") or ""))


def _changed(wanted: Record, known: Record) -> dict[str, Any]:
    return {k: v for k, v in wanted.items() if str(v) != str("" if known.get(k) is None else known.get(k))}

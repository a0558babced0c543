"""The simulated org as tests and stories use it: its app, its users' actions, its limits and misbehaviour."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp

from sandbox.kit import Fault, Faulty, Kit
from sandbox.salesforce import bulk, ids
from sandbox.salesforce.api import Api
from sandbox.salesforce.front import Front, Usage
from sandbox.salesforce.login import AUDIENCES, Login, key_pair
from sandbox.salesforce.org import INTEGRATION, ORG_ID, PERSON, Org
from sandbox.salesforce.package import Deployment, Package, custom
from sandbox.salesforce.queries import Queries
from sandbox.salesforce.refusals import (
    Refused,
    concurrent_limit,
    daily_limit,
    lock_row,
    server_unavailable,
)
from sandbox.salesforce.standard import STAGES, standard_objects
from sandbox.salesforce.table import Row

CONSUMER_KEY = "3MVG9sandboxConsumerKey"
CONSUMER_SECRET = "sandbox-consumer-secret"
REFRESH_TOKEN = "5Aep861sandboxRefreshToken"
USERNAME = "integration@o2c.example"
_REFUSALS = {
    "REQUEST_LIMIT_EXCEEDED": daily_limit,
    "CONCURRENT_REQUESTS": concurrent_limit,
    "SERVER_UNAVAILABLE": server_unavailable,
    "UNABLE_TO_LOCK_ROW": lock_row,
}


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SalesforceSandbox:
    """One org. Actions of its people are methods here; whatever the hub does comes over the API.

    Known to tests: `consumer_key`, `consumer_secret`, `private_key` (PEM), `username`, `refresh_token`,
    and `access_token`, that of a session already open. `features` are multi_currency, state_country_codes,
    person_accounts and contracts.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = _utc_now,
        org_id: str = ORG_ID,
        features: Iterable[str] = (),
        currency: str = "USD",
        currencies: Sequence[str] = ("USD", "EUR", "GBP"),
        audiences: tuple[str, ...] = AUDIENCES,
        field_security: bool = True,
        is_sandbox: bool = True,
    ) -> None:
        self.kit = Kit()
        self.username, self.refresh_token = USERNAME, REFRESH_TOKEN
        self.consumer_key, self.consumer_secret = CONSUMER_KEY, CONSUMER_SECRET
        self.private_key, self.public_key = key_pair()
        self.org = Org(
            self.kit, now, org_id, features=set(features), currency=currency, field_security=field_security
        )
        self._currencies, self._is_sandbox = tuple(currencies), is_sandbox
        self.login = Login(
            now, org_id, INTEGRATION, USERNAME, CONSUMER_KEY, CONSUMER_SECRET, self.public_key, REFRESH_TOKEN,
            audiences=audiences,
        )  # fmt: skip
        self.usage, self.package, self.queries = Usage(self.org), Package(self.org), Queries(self.org)
        self._furnish()
        self.access_token = self.login.open()
        self.pace = bulk.Pace()
        api = Api(self.org, self.login, self.usage, self.queries, self.package)
        jobs = bulk.routes(self.org, lambda _: None, self.pace)  # Front has checked the session
        inner = Starlette(routes=[*self.kit.routes(), *jobs, *api.routes()])
        self.app: ASGIApp = Faulty(Front(inner, self.org, self.login, self.usage), self.kit)

    def reset(self) -> None:
        """Forget every record and definition, as if newly made; sessions and listeners stay."""
        with self.kit.lock:
            self.org.tables.clear()
            self.org.objects.clear()
            self.org.objects.update(standard_objects())
            for kept in (self.org.trips, self.org.undone, self.kit.faults, self.kit.effects):
                kept.clear()
            for counted in (self.usage.calls, self.queries.cursors, self.package.deployments):
                counted.clear()
            self.org.forget()
            self.usage.used = 0
            self.org.hidden.clear()
            self._furnish()

    def _furnish(self) -> None:
        with self.org.transaction():
            names = {"Name": "Bluefinch Trading", "Country": "US", "OrganizationType": "Enterprise Edition"}
            facts = {**names, "IsSandbox": self._is_sandbox, "InstanceName": "USA1"}
            self._plant("Organization", self.org.org_id, facts)
            self._plant("User", PERSON, _user("sales@o2c.example", "Sam", "Sales"))
            self._plant("User", INTEGRATION, _user(self.username, "Integration", "User"))
            for at, (label, probability, closed, won, category, called) in enumerate(STAGES, 1):
                stage = {"MasterLabel": label, "ApiName": label, "IsActive": True, "SortOrder": at}
                stage |= {"IsClosed": closed, "IsWon": won, "ForecastCategory": category}
                stage |= {"ForecastCategoryName": called, "DefaultProbability": Decimal(probability)}
                self._plant("OpportunityStage", ids.made("01J", at), stage)
            for at, code in enumerate(self._currencies, 1):
                rate = {"IsoCode": code, "ConversionRate": Decimal("1.000000"), "DecimalPlaces": 2}
                rate |= {"IsActive": True, "IsCorporate": code == self.org.currency}
                self._plant("CurrencyType", ids.made("01L", at), rate)
            self.standard_pricebook = ids.made("01s", 1_000_000)
            book = {"Name": "Standard Price Book", "IsActive": True, "IsStandard": True, "IsArchived": False}
            self._plant("Pricebook2", self.standard_pricebook, book)

    def _plant(self, sobject: str, id: str, values: Mapping[str, Any]) -> None:
        at = self.org.stamp()
        row = {"Id": id, "IsDeleted": False, "CreatedDate": at, "LastModifiedDate": at, "SystemModstamp": at}
        self.org.put(sobject, {**row, "CreatedById": PERSON, "LastModifiedById": PERSON, **values}, "CREATE")

    def add(self, sobject: str, values: Mapping[str, Any]) -> str:
        """A person creates a record; its id. Raises Refused."""
        return self.org.insert(sobject, values)

    def add_account(self, name: str = "Acme", **values: Any) -> str:
        """A person creates an account."""
        return self.add("Account", {"Name": name, **values})

    def add_contact(self, account: str, last_name: str = "Doe", **values: Any) -> str:
        """A person creates a contact of an account."""
        return self.add("Contact", {"AccountId": account, "LastName": last_name, **values})

    def add_product(self, code: str, price: Decimal | str = "100", name: str = "", **values: Any) -> str:
        """A person creates an active product with its standard price in the org's currency."""
        with self.org.transaction():
            product = self.add(
                "Product2", {"Name": name or code, "ProductCode": code, "IsActive": True, **values}
            )
            self.add_price(product, price)
        return product

    def add_price(self, product: str, price: Decimal | str, *, book: str = "", currency: str = "") -> str:
        """A price book entry; without a book in the standard one."""
        values = {"Pricebook2Id": book or self.standard_pricebook, "Product2Id": product, "IsActive": True}
        named = {"CurrencyIsoCode": currency} if currency else {}
        return self.add("PricebookEntry", {**values, "UnitPrice": price, **named})

    def add_opportunity(
        self,
        account: str,
        name: str = "Deal",
        *,
        lines: Sequence[tuple[str, Any, Any]] = (),
        stage: str = "Prospecting",
        close_date: date | None = None,
        **values: Any,
    ) -> str:
        """An opportunity with lines (product code or id, quantity, unit price) from the standard book."""
        book = {"Pricebook2Id": self.standard_pricebook} if lines else {}
        day = close_date or self.org.now().date()
        with self.org.transaction():
            made = self.add(
                "Opportunity",
                {"Name": name, "AccountId": account, "StageName": stage, "CloseDate": day, **book, **values},
            )
            for product, quantity, price in lines:
                self.add_line(made, product, quantity, price)
        return made

    def clone_opportunities(self, opportunity: str, count: int) -> list[str]:
        """Many more of one kind with their lines, as if they had been there before anyone listened: rows of
        the same values and times under new ids; each a second later than the one before."""
        with self.kit.lock:
            deal = self.org.rows("Opportunity")[opportunity]
            held = self.org.table("OpportunityLineItem").holding("OpportunityId", opportunity)
            lines = [self.org.rows("OpportunityLineItem")[one] for one in held]
            return [self._clone(deal, lines, timedelta(seconds=at)) for at in range(1, count + 1)]

    def _clone(self, deal: Row, lines: Sequence[Row], later: timedelta) -> str:
        at = deal["SystemModstamp"] + later
        times = {"CreatedDate": at, "LastModifiedDate": at, "SystemModstamp": at}
        made = ids.made("006", self.org.number("id Opportunity"))
        self.org.table("Opportunity").put(made, {**deal, **times, "Id": made})
        for line in lines:
            id = ids.made("00k", self.org.number("id OpportunityLineItem"))
            row = {**line, **times, "Id": id, "OpportunityId": made}
            self.org.table("OpportunityLineItem").put(id, row)
        return made

    def add_line(self, opportunity: str, product: str, quantity: Any, price: Any, **values: Any) -> str:
        """One more product of an opportunity."""
        goods = product if product in self.org.rows("Product2") else self._by_code(product)
        sent = {"OpportunityId": opportunity, "Product2Id": goods, "Quantity": quantity, "UnitPrice": price}
        return self.add("OpportunityLineItem", {**sent, **values})

    def _by_code(self, code: str) -> str:
        found = self.org.table("Product2").holding("ProductCode", code)
        if not found:
            raise KeyError(f"no product with code {code}: add_product it first")
        return found[0]

    def win(self, opportunity: str) -> None:
        """A person moves an opportunity to the won stage."""
        self.org.update("Opportunity", opportunity, {"StageName": "Closed Won"})

    def lose(self, opportunity: str) -> None:
        """A person moves an opportunity to the lost stage."""
        self.org.update("Opportunity", opportunity, {"StageName": "Closed Lost"})

    def update(self, sobject: str, id: str, values: Mapping[str, Any]) -> None:
        """A person changes a record."""
        self.org.update(sobject, id, values)

    def delete(self, sobject: str, id: str) -> None:
        """A person deletes a record."""
        self.org.delete(sobject, id)

    def row(self, sobject: str, id: str) -> Row:
        """A record as it is now, with Python values; null fields are absent."""
        with self.kit.lock:
            return dict(self.org.rows(sobject)[id])

    def add_field(self, sobject: str, name: str, kind: str = "Text", **facts: Any) -> None:
        """An admin creates a custom field the integration user sees; facts as in CustomField metadata."""
        defaults: dict[str, Any] = {"length": 255} if kind == "Text" else {}
        defaults |= {"precision": 18, "scale": 2} if kind in ("Number", "Currency", "Percent") else {}
        with self.org.transaction():
            one = custom(self.org, sobject, name, {"type": kind, "label": name[:-3], **defaults, **facts})
            self.org.extend(sobject, [one])
            self.grant(sobject, name)

    def grant(self, sobject: str, *names: str) -> None:
        """An admin lets the integration user see and edit custom fields."""
        with self.org.transaction():
            sets = self.org.rows("PermissionSet")
            held = next((id for id, row in sets.items() if row["Name"] == "Sandbox_Granted"), None)
            held = held or self.add("PermissionSet", {"Name": "Sandbox_Granted", "Label": "Sandbox Granted"})
            for name in names:
                allowed = {"Field": f"{sobject}.{name}", "PermissionsRead": True, "PermissionsEdit": True}
                self.add("FieldPermissions", {"ParentId": held, "SobjectType": sobject, **allowed})
            self.package.assign()

    def install(self, source: Path | bytes) -> Deployment:
        """An admin deploys a metadata package (a folder with package.xml, or its zip) and assigns its
        permission sets to the integration user. Raises ValueError with the first component failure."""
        archive = source if isinstance(source, bytes) else zipped(source)
        with self.kit.lock:
            made = self.package.deploy(archive, {})
            self.package.assign()
        if made.failures:
            raise ValueError(f"{made.failures[0]['fullName']}: {made.failures[0]['problem']}")
        return made

    def hide(self, sobject: str, *names: str) -> None:
        """An admin takes fields from the integration user: to the API they are as if absent."""
        with self.kit.lock:
            self.org.hidden.update((sobject, name) for name in names)

    def expire_sessions(self) -> None:
        """All sessions end now."""
        with self.kit.lock:
            self.login.sessions.clear()

    def use_calls(self, count: int) -> None:
        """Others in the org make API calls now."""
        with self.kit.lock:
            self.usage.count(count)

    def refuse(self, code: str, times: int = 1, path: str = "/services/data/", skip: int = 0) -> None:
        """Refuse whole calls to come: REQUEST_LIMIT_EXCEEDED, CONCURRENT_REQUESTS, SERVER_UNAVAILABLE or
        UNABLE_TO_LOCK_ROW. Single records of collections: `org.trip`."""
        refused: Refused = _REFUSALS[code]()
        headers = {"Sforce-Limit-Info": f"api-usage={self.usage.current()}/{self.org.limit}"}
        with self.kit.lock:
            self.kit.faults.append(
                Fault(kind="refuse", status=refused.status, body=[refused.entry()], times=times, path=path,
                      skip=skip, headers=headers)
            )  # fmt: skip


def _user(username: str, first: str, last: str) -> dict[str, Any]:
    names = {"Username": username, "Email": username, "FirstName": first, "LastName": last}
    names |= {"Name": f"{first} {last}", "Alias": first[:8].lower(), "TimeZoneSidKey": "GMT"}
    return {**names, "IsActive": True, "UserType": "Standard", "LocaleSidKey": "en_US"}


def zipped(folder: Path) -> bytes:
    """A folder with package.xml as a zip for deployRequest."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            archive.write(path, path.relative_to(folder).as_posix())
    return buffer.getvalue()

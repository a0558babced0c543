"""The account itself: its details, owners, currencies, and how much of the day's calls are spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.hubspot.gate import Gate
from sandbox.hubspot.objects import Answer, Call
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.records import iso, moment
from sandbox.hubspot.refusals import invalid, not_found
from sandbox.kit import Kit

NAMES = {
    "USD": "US Dollar",
    "EUR": "Euro",
    "GBP": "British Pound Sterling",
    "JPY": "Japanese Yen",
    "CHF": "Swiss Franc",
}
PAGE_MAX = 500


@dataclass(frozen=True, slots=True)
class Owner:
    """A user that objects can belong to."""

    id: int
    email: str
    first_name: str
    last_name: str
    user_id: int
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Rate:
    """How much one unit of a currency is worth in the company's."""

    id: int
    currency: str
    rate: Decimal
    at: datetime


@dataclass
class Account:
    """The endpoints under /account-info, /settings/currencies and /crm/owners."""

    portal: Portal
    gate: Gate
    kit: Kit
    portal_id: int
    currency: str
    time_zone: str
    rates: list[Rate] = field(default_factory=list)
    owners: list[Owner] = field(
        default_factory=lambda: [
            Owner(41_001, "olga@sandbox.test", "Olga", "Owner", 30_001),
            Owner(41_002, "saul@sandbox.test", "Saul", "Seller", 30_002),
        ]
    )

    def details(self, call: Call) -> Answer:
        """GET /account-info/{version}/details (`PortalInformationResponse`)."""
        offset = self.portal.now().astimezone(self.gate.zone).utcoffset()
        minutes = int(offset.total_seconds() // 60) if offset else 0
        hours = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
        shown = {
            "portalId": self.portal_id,
            "accountType": "DEVELOPER_TEST",
            "timeZone": self.time_zone,
            "companyCurrency": self.currency,
            "additionalCurrencies": list(dict.fromkeys(rate.currency for rate in self.rates)),
            "utcOffset": hours,
            "utcOffsetMilliseconds": minutes * 60_000,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        }
        return Answer(200, shown)

    def usage(self, call: Call) -> Answer:
        """GET /account-info/{version}/api-usage/daily/private-apps (`ApiUsage`)."""
        shown = {
            "name": "private-apps-api-calls-daily",
            "usageLimit": self.gate.daily,
            "currentUsage": self.gate.spent(),
            "collectedAt": iso(self.portal.now()),
            "fetchStatus": "SUCCESS",
            "resetsAt": iso(self.gate.resets_at()),
        }
        return Answer(200, {"results": [shown]})

    def company_currency(self, call: Call) -> Answer:
        """GET /settings/currencies/{version}/company-currency (`CompanyCurrency`)."""
        return Answer(200, {"id": self.currency, "createdAt": iso(self.gate.oauth.started)})

    def set_company_currency(self, call: Call) -> Answer:
        """PUT of the same address."""
        self.currency = self._code(call.body["currencyCode"])
        self.kit.effect("update", "company currency", self.currency, reference="")
        return self.company_currency(call)

    def codes(self, call: Call) -> Answer:
        """GET /settings/currencies/{version}/codes: currencies an account can have."""
        listed = [{"currencyCode": code, "currencyName": name} for code, name in NAMES.items()]
        return Answer(200, {"results": listed})

    def exchange_rates(self, call: Call) -> Answer:
        """GET /settings/currencies/{version}/exchange-rates: every rate there was, in pages."""
        limit, after = int(call.query.get("limit") or 100), int(call.query.get("after") or 0)
        wanted = call.query.get("fromCurrencyCode")
        found = [one for one in self.rates if one.id > after and wanted in (None, one.currency)]
        more = {"paging": {"next": {"after": str(found[limit - 1].id)}}} if len(found) > limit else {}
        return Answer(200, {"results": [self._rate(one) for one in found[:limit]], **more})

    def current_rates(self, call: Call) -> Answer:
        """GET /settings/currencies/{version}/exchange-rates/current: the last one of each currency."""
        last = {one.currency: one for one in self.rates}
        return Answer(200, {"results": [self._rate(one) for one in last.values()]})

    def exchange_rate(self, call: Call) -> Answer:
        """GET /settings/currencies/{version}/exchange-rates/{exchangeRateId}."""
        for one in self.rates:
            if str(one.id) == call.id:
                return Answer(200, self._rate(one))
        raise not_found()

    def add_rate(self, call: Call) -> Answer:
        """POST /settings/currencies/{version}/exchange-rates: also how an account gets a further currency."""
        one = self.rate(
            self._code(call.body["fromCurrencyCode"]),
            Decimal(str(call.body["conversionRate"])),
            moment(str(call.body.get("effectiveAt") or "")),
        )
        self.kit.effect("create", "exchange rate", str(one.id), reference="")
        return Answer(200, self._rate(one))

    def rate(self, currency: str, rate: Decimal, at: datetime | None = None) -> Rate:
        """A further currency of the account, or a new rate of one it has."""
        one = Rate(len(self.rates) + 1, currency, rate, at or self.portal.now())
        self.rates.append(one)
        return one

    def _code(self, code: Any) -> str:
        if code not in NAMES:
            raise invalid(f"{code} is not a supported currency: one of {', '.join(NAMES)}")
        return str(code)

    def _rate(self, one: Rate) -> dict[str, Any]:
        return {
            "id": str(one.id),
            "fromCurrencyCode": one.currency,
            "toCurrencyCode": self.currency,
            "conversionRate": float(one.rate),
            "effectiveAt": iso(one.at),
            "createdAt": iso(one.at),
            "updatedAt": iso(one.at),
            "visibleInUI": True,
        }

    def list_owners(self, call: Call) -> Answer:
        """GET /crm/owners/{version}: in pages, all or the one with an e-mail address."""
        limit, after = int(call.query.get("limit") or 100), int(call.query.get("after") or 0)
        if not 1 <= limit <= PAGE_MAX:
            raise invalid(f"limit must be between 1 and {PAGE_MAX}")
        archived, email = call.flag("archived"), call.query.get("email")
        found = [
            one
            for one in self.owners
            if one.id > after and one.archived == archived and email in (None, "", one.email)
        ]
        more = {"paging": {"next": {"after": str(found[limit - 1].id)}}} if len(found) > limit else {}
        return Answer(200, {"results": [self._owner(one) for one in found[:limit]], **more})

    def owner(self, call: Call) -> Answer:
        """GET /crm/owners/{version}/{ownerId}, or by user id with idProperty=userId."""
        by_user = call.query.get("idProperty") == "userId"
        archived = call.flag("archived")
        for one in self.owners:
            if str(one.user_id if by_user else one.id) == call.id and one.archived == archived:
                return Answer(200, self._owner(one))
        raise not_found()

    def _owner(self, one: Owner) -> dict[str, Any]:
        born = iso(self.gate.oauth.started)
        return {
            "id": str(one.id),
            "type": "PERSON",
            "email": one.email,
            "firstName": one.first_name,
            "lastName": one.last_name,
            "userId": one.user_id,
            "userIdIncludingInactive": one.user_id,
            "createdAt": born,
            "updatedAt": born,
            "archived": one.archived,
            "teams": list[Any](_TEAMS),
        }


_TEAMS: Sequence[dict[str, Any]] = ({"id": "1", "name": "Sales", "primary": True},)

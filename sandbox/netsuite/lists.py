"""The lists every account has: currencies, terms, companies, accounts, periods, taxes; all read-only."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date
from typing import Any

Entry = Mapping[str, Any]
FIRST_YEAR, YEARS, FIRST_PERIOD = 2020, 16, 100
RECEIVABLE = "119"
BASE_CURRENCY = "1"


def _money(name: str, symbol: str, rate: str, decimals: int = 2) -> Entry:
    return {"name": name, "symbol": symbol, "exchangeRate": rate, "currencyPrecision": decimals}


def _term(name: str, days: int) -> Entry:
    return {"name": name, "daysUntilNetDue": days}


def _account(number: str, name: str, type: str) -> Entry:
    return {"acctNumber": number, "name": name, "acctType": type}


def _periods() -> dict[str, Entry]:
    """Months, numbered from FIRST_PERIOD."""
    found: dict[str, Entry] = {}
    for months in range(YEARS * 12):
        year, month = FIRST_YEAR + months // 12, months % 12 + 1
        last = calendar.monthrange(year, month)[1]
        found[str(FIRST_PERIOD + months)] = {
            "name": f"{calendar.month_abbr[month]} {year}",
            "startDate": date(year, month, 1),
            "endDate": date(year, month, last),
        }
    return found


LISTS: Mapping[str, Mapping[str, Entry]] = {
    "currency": {
        "1": _money("USD", "USD", "1"),
        "2": _money("GBP", "GBP", "1.25"),
        "3": _money("CAD", "CAD", "0.75"),
        "4": _money("EUR", "EUR", "1.1"),
        "5": _money("CHF", "CHF", "1.15"),
        "6": _money("JPY", "JPY", "0.0065", 0),
    },
    "term": {
        "1": _term("Net 15", 15),
        "2": _term("Net 30", 30),
        "3": _term("Net 60", 60),
        "4": _term("Due on receipt", 0),
        "7": _term("Net 7", 7),
        "8": _term("Net 14", 14),
        "9": _term("Net 45", 45),
        "10": _term("Net 90", 90),
    },
    "subsidiary": {
        "1": {"name": "Parent Company", "currency": "1", "country": "US"},
        "2": {"name": "Europe", "currency": "4", "country": "DE", "parent": "1"},
    },
    "account": {
        "1": _account("1000", "Checking", "Bank"),
        "2": _account("1010", "Savings", "Bank"),
        RECEIVABLE: _account("1100", "Accounts Receivable", "AcctRec"),
        "122": _account("1200", "Undeposited Funds", "OthCurrAsset"),
        "131": _account("2200", "Sales Taxes Payable", "OthCurrLiab"),
        "132": _account("2300", "Customer Deposits", "OthCurrLiab"),
        "54": _account("4000", "Sales", "Income"),
        "55": _account("4100", "Discounts", "Income"),
        "58": _account("6200", "Bad Debt Expense", "Expense"),
        "59": _account("7000", "Realized Gain/Loss", "OthIncome"),
    },
    "location": {"1": {"name": "Main Warehouse"}, "2": {"name": "Europe Warehouse"}},
    "department": {"1": {"name": "Sales"}, "2": {"name": "Projects"}},
    "classification": {"1": {"name": "Products"}, "2": {"name": "Projects"}},
    "salesTaxItem": {
        "5": {"name": "VAT 19%", "rate": "19"},
        "6": {"name": "VAT 7%", "rate": "7"},
        "7": {"name": "Exempt", "rate": "0"},
    },
    "accountingPeriod": _periods(),
}
BY_LOWER = {name.lower(): name for name in LISTS}


def name_of(target: str, id: str) -> str:
    """What people read for an entry; empty where there is none."""
    return str(LISTS.get(target, {}).get(id, {}).get("name", ""))


def period_of(day: date) -> str:
    """The id of the accounting period a day belongs to; empty where no period was set up for it."""
    months = (day.year - FIRST_YEAR) * 12 + day.month - 1
    return str(FIRST_PERIOD + months) if 0 <= months < YEARS * 12 else ""


def decimals(currency: str) -> int:
    """How many decimals a currency (internal id) has."""
    found: int = LISTS["currency"].get(currency, {}).get("currencyPrecision", 2)
    return found

"""The SuiteQL view of the books: which tables and columns there are, and the rows a record becomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.netsuite import cash, journals
from sandbox.netsuite.books import ZERO, Row, settlements
from sandbox.netsuite.fields import ITEM_TYPES, RECORDS, CustomField, table
from sandbox.netsuite.lists import LISTS, RECEIVABLE
from sandbox.netsuite.rules import Rules, local

TableRow = dict[str, Any]
_NAMED = "id:int name fullname isinactive:bool "
_OPEN = (
    "foreignamountpaid:num foreignamountunpaid:num foreignpaymentamountused:num "
    "foreignpaymentamountunused:num "
)
_LINK = (
    "previousdoc:int previousline:int previoustype nextdoc:int nextline:int nexttype linktype "
    "foreignamount:num lastmodifieddate:date _owner:int"
)

# Columns starting with _ are the engine's own; no query can name them.
SCHEMA: Mapping[str, Mapping[str, str]] = {
    "transaction": table(
        "id:int tranid transactionnumber type recordtype status abbrevtype entity:int trandate:date "
        "duedate:date closedate:date createddate:date lastmodifieddate:date externalid otherrefnum memo "
        "currency:int exchangerate:num terms:int foreigntotal:num postingperiod:int posting:bool "
        "voided:bool void:bool approvalstatus:int source _statusname _statuscode _typename " + _OPEN
    ),
    "transactionline": table(
        "transaction:int id:int linesequencenumber:int uniquekey:int mainline:bool taxline:bool item:int "
        "quantity:num rate:num foreignamount:num netamount:num creditforeignamount:num "
        "debitforeignamount:num subsidiary:int location:int department:int class:int createdfrom:int "
        "isclosed:bool expenseaccount:int entity:int memo quantitybilled:num quantityshiprecv:num "
        "linelastmodifieddate:date linecreateddate:date " + _OPEN
    ),
    "nexttransactionlinelink": table(_LINK),
    "previoustransactionlinelink": table(_LINK),
    "transactionaccountingline": table(
        "transaction:int transactionline:int account:int accountingbook:int posting:bool debit:num "
        "credit:num amount:num"
    ),
    "customer": table(
        "id:int entityid companyname altname email phone externalid currency:int subsidiary:int terms:int "
        "parent:int vatregnumber defaulttaxreg creditlimit:num isinactive:bool isperson:bool firstname "
        "lastname url taxable:bool category:int balancesearch:num overduebalancesearch:num "
        "datecreated:date lastmodifieddate:date"
    ),
    "item": table(
        "id:int itemid itemtype displayname externalid upccode isinactive:bool createddate:date "
        "lastmodifieddate:date"
    ),
    "deletedrecord": table(
        "recordid:int recordtypeid type name scriptid deleteddate:date deletedby:int iscustomlist:bool "
        "context _n:int"
    ),
    "currency": table(
        "id:int name symbol exchangerate:num isbasecurrency:bool currencyprecision:int isinactive:bool"
    ),
    "term": table("id:int name daysuntilnetdue:int isinactive:bool"),
    "subsidiary": table(_NAMED + "parent:int currency:int country iselimination:bool"),
    "account": table(_NAMED + "acctnumber accountsearchdisplayname accttype"),
    "location": table(_NAMED),
    "department": table(_NAMED),
    "classification": table(_NAMED),
    "salestaxitem": table("id:int itemid name rate:num isinactive:bool"),
    "accountingperiod": table(
        "id:int periodname startdate:date enddate:date closed:bool alllocked:bool arlocked:bool "
        "isquarter:bool isyear:bool isadjust:bool isinactive:bool parent:int"
    ),
    "dual": table("dummy"),
}
_HOLDERS = {"transaction": "custbody", "transactionline": "custcol", "customer": "custentity"}
_HOLDERS["item"] = "custitem"
_SIGN = {"SalesOrd": -1, "CustInvc": -1, "ItemShip": -1, "CustCred": 1}
_LINKS = {"invoice": "OrdBill", "itemFulfillment": "ShipRcpt", "creditMemo": "SaleRet"}


def columns(table: str, fields: Mapping[str, CustomField]) -> dict[str, str]:
    """A table's columns and their types, custom ones included."""
    prefix = _HOLDERS.get(table)
    segments = table in ("transaction", "transactionline")
    own = {
        f.id.lower(): {"ref": "int", "number": "num", "bool": "bool", "date": "date"}.get(f.type, "text")
        for f in fields.values()
        if (prefix and f.id.startswith(prefix)) or (segments and f.segment)
    }
    return {**SCHEMA[table], **own}


def _custom(values: Mapping[str, Any]) -> TableRow:
    return {k.lower(): v for k, v in values.items() if k.startswith(("cust", "cseg_"))}


class View:
    """Turns records into rows of tables."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.books = rules, rules.books

    def at(self, moment: datetime | None) -> datetime | None:
        """A moment in the account's time zone."""
        return local(moment, self.rules.preferences.time_zone) if moment else None

    def rows(self, row: Row) -> Iterator[tuple[str, TableRow]]:
        """Everything one record is in the tables."""
        if row.type == "customer":
            yield "customer", self._customer(row)
        elif row.type in ITEM_TYPES:
            yield "item", self._item(row)
        else:
            yield "transaction", self._transaction(row)
            for line in self._lines(row):
                yield "transactionline", line
            for link in self._links(row):
                yield "nexttransactionlinelink", link
                yield "previoustransactionlinelink", link
            for line in self._accounting(row):
                yield "transactionaccountingline", line

    def _open(self, row: Row) -> TableRow:
        if row.type == "invoice" or (row.type == "journalEntry" and journals.side(row, "debit")):
            left = self.rules.remaining(row)
            return {"foreignamountunpaid": left, "foreignamountpaid": journals.receivable(row) - left}
        if row.type in cash.CREDITS:
            left = self.rules.unapplied(row)
            used = ZERO if row.voided else cash.worth(row) - left
            return {"foreignpaymentamountunused": left, "foreignpaymentamountused": used}
        if row.type == "depositApplication":
            return {"foreignpaymentamountused": row.number("total")}
        return {}

    def _transaction(self, row: Row) -> TableRow:
        kind, values = RECORDS[row.type], row.values
        letter, words = self.rules.status(row)
        return {
            "id": row.id,
            "tranid": values.get("tranId"),
            "transactionnumber": f"{kind.code.upper()}{row.id}",
            "type": kind.code,
            "recordtype": row.type.lower(),
            "status": letter or None,
            "_statusname": f"{kind.label} : {words}" if words else None,
            "_statuscode": f"{kind.code}:{letter}" if letter else None,
            "_typename": kind.label,
            "abbrevtype": kind.prefix,
            "entity": row.customer or None,
            "trandate": _day(values.get("tranDate")),
            "duedate": _day(values.get("dueDate")),
            "externalid": row.external_id,
            "otherrefnum": values.get("otherRefNum"),
            "memo": values.get("memo"),
            "currency": values.get("currency"),
            "exchangerate": values.get("exchangeRate"),
            "terms": values.get("terms"),
            "foreigntotal": self.total(row),
            "postingperiod": self.rules.period(row) or None,
            "posting": kind.posting,
            "voided": row.voided,
            "void": row.voided,
            "createddate": self.at(row.created),
            "lastmodifieddate": self.at(row.modified),
            **({} if row.type == "journalEntry" else self._open(row)),
            **_custom(values),
        }

    def total(self, row: Row) -> Decimal | None:
        """The amount of the transaction as reports sign it: credit memos are negative."""
        if row.type == "itemFulfillment":
            return None
        if row.type == "journalEntry":
            return sum((x.get("debit") or ZERO for x in row.lines["line"]), ZERO)
        worth = cash.worth(row)
        return -worth if row.type == "creditMemo" else worth

    def _lines(self, row: Row) -> Iterator[TableRow]:
        if row.type == "journalEntry":
            yield from self._journal_lines(row)
            return
        values, sign = row.values, _SIGN.get(RECORDS[row.type].code, 1)
        common = {
            "transaction": row.id,
            "subsidiary": values.get("subsidiary") or self._seller(row),
            "createdfrom": values.get("createdFrom"),
            "entity": row.customer or None,
            "linelastmodifieddate": self.at(row.modified),
            "linecreateddate": self.at(row.created),
            "mainline": False,
            "taxline": False,
        }
        spots = {k: values.get(k) for k in ("location", "department", "class")}
        rate = values.get("exchangeRate") or Decimal(1)
        yield self._amounts(
            {**common, **spots, "id": 0, "mainline": True, "memo": values.get("memo"), **self._open(row)},
            self.total(row),
            rate,
            account=values.get("account") or values.get("arAcct"),
        )
        last = 0
        for line in row.lines.get("item", ()):
            last = max(last, int(line.get("line") or line.get("orderLine") or last + 1))
            yield self._amounts(self._item_line(row, line, {**common, **spots}, last, sign), None, rate)
        if row.number("taxTotal"):
            tax = {**common, "id": last + 1, "taxline": True}
            yield self._amounts(tax, sign * row.number("taxTotal"), rate, account="131")

    def _seller(self, row: Row) -> str | None:
        """A fulfilment's subsidiary is its order's."""
        source = self.books.transactions.get(row.values.get("createdFrom") or "")
        return source.values.get("subsidiary") if source else None

    def _item_line(
        self, row: Row, line: Mapping[str, Any], common: TableRow, number: int, sign: int
    ) -> TableRow:
        amount = line.get("amount")
        told: TableRow = {
            **common,
            "id": number,
            "item": line.get("item"),
            "quantity": sign * line["quantity"] if line.get("quantity") is not None else None,
            "rate": line.get("rate"),
            "foreignamount": sign * amount if amount is not None else None,
            "isclosed": bool(line.get("isClosed")),
            "memo": line.get("description"),
            "expenseaccount": "54" if amount is not None else None,
            **{k: line[k] for k in ("location", "department", "class") if line.get(k)},
            **_custom(line),
        }
        if row.type == "salesOrder":
            told["quantitybilled"] = self.rules.made(row, "invoice", line["line"])
            told["quantityshiprecv"] = self.rules.made(row, "itemFulfillment", line["line"])
        return told

    def _amounts(
        self, line: TableRow, amount: Decimal | None, rate: Decimal, account: str | None = None
    ) -> TableRow:
        if amount is not None:
            line["foreignamount"] = amount
        told = line.get("foreignamount")
        if told is not None:
            line["netamount"] = (told * rate).quantize(Decimal("0.01"))
            line["debitforeignamount" if told > 0 else "creditforeignamount"] = abs(told)
        if account:
            line["expenseaccount"] = account
        line["linesequencenumber"] = line["id"]
        line["uniquekey"] = int(line["transaction"]) * 1000 + line["id"]
        return line

    def _journal_lines(self, row: Row) -> Iterator[TableRow]:
        rate = row.number("exchangeRate") or Decimal(1)
        for index, line in enumerate(row.lines["line"]):
            told: TableRow = {
                "transaction": row.id,
                "id": index,
                "mainline": index == 0,
                "taxline": False,
                "subsidiary": row.values.get("subsidiary"),
                "entity": line.get("entity"),
                "memo": line.get("memo"),
                "linelastmodifieddate": self.at(row.modified),
                **({} if line["account"] != RECEIVABLE else self._open(row)),
                **_custom(line),
            }
            amount = (line.get("debit") or ZERO) - (line.get("credit") or ZERO)
            yield self._amounts(told, amount, rate, account=line["account"])

    def _links(self, row: Row) -> Iterator[TableRow]:
        """Settlements (the invoice before, what pays it after) and what was made from what."""
        common = {"lastmodifieddate": self.at(row.modified), "_owner": row.id}
        for doc, amount, disc in settlements(row):
            other = self.books.transactions[doc]
            settles = row.type == "customerRefund" or (row.type, other.type) == (
                "depositApplication",
                "customerDeposit",
            )
            first, second = (row, other) if row.type == "customerRefund" else (other, row)
            kind = "Payment" if not settles or row.type == "customerRefund" else "DepAppl"
            yield {**common, **_ends(first, 0, second, 0), "linktype": kind, "foreignamount": amount + disc}
        source = self.books.transactions.get(row.values.get("createdFrom") or "")
        if source is None or row.type not in _LINKS:
            return
        for line in row.lines.get("item", ()):
            before, after = int(line.get("orderLine") or 0), int(line.get("line") or line["orderLine"])
            ends = _ends(source, before, row, after)
            yield {**common, **ends, "linktype": _LINKS[row.type], "foreignamount": line.get("amount")}

    def _accounting(self, row: Row) -> Iterator[TableRow]:
        """General ledger impact in the base currency, for what posts."""
        if not RECORDS[row.type].posting or row.type == "itemFulfillment" or row.voided:
            return
        for line in self._lines(row):
            amount = line.get("netamount")
            if amount is not None:
                sides = {"debit": amount} if amount > 0 else {"credit": -amount}
                yield {
                    "transaction": row.id,
                    "transactionline": line["id"],
                    "account": line.get("expenseaccount"),
                    "accountingbook": 1,
                    "posting": True,
                    "amount": amount,
                    **sides,
                }

    def _item(self, row: Row) -> TableRow:
        return {
            "id": row.id,
            "itemid": row.values["itemId"],
            "itemtype": ITEM_TYPES[row.type],
            "displayname": row.values.get("displayName"),
            "externalid": row.external_id,
            "upccode": row.values.get("upcCode"),
            "isinactive": bool(row.values.get("isInactive")),
            "createddate": self.at(row.created),
            "lastmodifieddate": self.at(row.modified),
            **_custom(row.values),
        }

    def _customer(self, row: Row) -> TableRow:
        values = row.values
        plain: tuple[str, ...] = (
            "entityId",
            "companyName",
            "email",
            "phone",
            "currency",
            "subsidiary",
            "terms",
            "parent",
        )
        plain += ("vatRegNumber", "creditLimit", "firstName", "lastName", "url", "category", "defaultTaxReg")
        return {
            "id": row.id,
            **{name.lower(): values.get(name) for name in plain},
            "altname": values.get("companyName"),
            "externalid": row.external_id,
            "taxable": bool(values.get("taxable")),
            "isinactive": bool(values.get("isInactive")),
            "isperson": bool(values.get("isPerson")),
            "datecreated": self.at(row.created),
            "lastmodifieddate": self.at(row.modified),
            **_custom(values),
        }

    def lists(self) -> Iterator[tuple[str, TableRow]]:
        """Everything that is no record of people's making."""
        yield "dual", {"dummy": "X"}
        closed = self.rules.preferences.closed_through
        for name, entries in LISTS.items():
            for id, entry in entries.items():
                told: TableRow = {"id": id, "isinactive": False, **_entry(entry)}
                if name == "accountingPeriod":
                    shut = closed is not None and entry["endDate"] <= closed
                    told |= {"periodname": entry["name"], "closed": shut, "alllocked": shut}
                    told |= {"arlocked": shut, "isquarter": False, "isyear": False, "isadjust": False}
                yield name.lower(), told


def _entry(entry: Mapping[str, Any]) -> TableRow:
    name = entry["name"]
    return {
        **{key.lower(): value for key, value in entry.items()},
        "fullname": name,
        "itemid": name,
        "accountsearchdisplayname": f"{entry.get('acctNumber', '')} {name}".strip(),
        "isbasecurrency": entry.get("symbol") == "USD",
        "iselimination": False,
    }


def _ends(first: Row, first_line: int, second: Row, second_line: int) -> TableRow:
    return {
        "previousdoc": first.id,
        "previousline": first_line,
        "previoustype": RECORDS[first.type].code,
        "nextdoc": second.id,
        "nextline": second_line,
        "nexttype": RECORDS[second.type].code,
    }


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None

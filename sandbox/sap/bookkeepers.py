"""What people do in accounting with their own hands: payments, credits, write-offs, reversals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sandbox.sap.clearing import Payment, charge_off, pay
from sandbox.sap.hands import Hands, Number, day_of
from sandbox.sap.ledger import CUBE, Entry, Line, document_id
from sandbox.sap.refusals import business
from sandbox.sap.store import Row
from sandbox.sap.system import OUTPUT_TAX, REVENUE, rounded


class Bookkeepers(Hands):
    """The actions of accounting. All raise Refusal as the system would."""

    def credit_memo(
        self, billing: str = "", customer: str = "", lines: Sequence[Sequence[Any]] = (), amount: Number = ""
    ) -> str:
        """A credit memo (G2) for an invoice, for lines of it, for a net amount, or for a customer as such."""
        company = ""
        if customer:
            company = self.store.find("A_CustomerSalesArea", Customer=customer)[0]["SalesOrganization"]
        told = [
            tuple(
                [str(one[0]), *(None if x is None else Decimal(str(x)) for x in (*one[1:], None, None)[:2])]
            )
            for one in lines
        ]
        net = Decimal(str(amount)) if amount != "" else None
        with self._by_hand():
            row = self.application.billing.credit(billing, customer, company, told, net)  # type: ignore[arg-type]  # tuples of three
            return str(row["BillingDocument"])

    def pay(
        self,
        customer: str,
        amount: Number,
        invoices: Sequence[Sequence[Any]] = (),
        *,
        mode: str = "clear",
        discount: Number = "0",
        reason: str = "",
        day: str = "",
        reference: str = "",
        currency: str = "",
    ) -> str:
        """An incoming payment entered by hand, with its clearing; company-year-number of the document."""
        if mode not in ("clear", "partial", "residual", "on_account"):
            raise business("F5/000", f"mode {mode} is not clear, partial, residual or on_account")
        items = []
        for one in invoices:
            name, share = (one, None) if isinstance(one, str) else (one[0], (*one, None)[1])
            items.append((self.item(name), Decimal(str(share)) if share is not None else Decimal(0)))
        area = self.store.find("A_CustomerSalesArea", Customer=customer)[0]
        company = items[0][0]["CompanyCode"] if items else area["SalesOrganization"]
        currency = currency or (items[0][0]["TransactionCurrency"] if items else area["Currency"])
        told = Payment(
            customer,
            company,
            currency,
            Decimal(str(amount)),
            items,
            mode if items else "on_account",
            Decimal(str(discount)),
            reason,
            day_of(day, self.system.today()),
            reference,
        )
        with self._by_hand():
            return document_id(pay(self.application.ledger, told))

    def enter_invoice(
        self, customer: str, net: Number, *, rate: Number = "19", code: str = "A1", reference: str = ""
    ) -> str:
        """An invoice entered in accounting (FB70), without a billing document; company-year-number."""
        area = self.store.find("A_CustomerSalesArea", Customer=customer)[0]
        amount, today = Decimal(str(net)), self.system.today()
        tax = rounded(amount * Decimal(str(rate)) / 100, area["Currency"])
        told = {"TaxCode": code, "DocumentItemText": "Entered by hand"}
        lines = [Line("D", customer, amount + tax), Line("S", REVENUE, -amount, None, told)]
        lines += [Line("S", OUTPUT_TAX, -tax, None, {"TaxCode": code})] if tax else []
        head = {"DocumentReferenceID": reference}
        entry = Entry(area["SalesOrganization"], "DR", today, today, area["Currency"], lines, head)
        with self._by_hand():
            return document_id(self.application.ledger.post(entry)[0])

    def post_again(self, document: str) -> str:
        """Post with reference (FBR2): the same document once more; company-year-number."""
        rows = self.application.ledger.lines_of(document)
        first, kept = rows[0], ("TaxCode", "BillingDocument", "AssignmentReference", "DocumentItemText")
        lines = [
            Line(
                row["FinancialAccountType"], row.get("Customer") or row["GLAccount"],
                row["AmountInTransactionCurrency"], None, {k: row[k] for k in kept if row.get(k)},
            )
            for row in rows
        ]  # fmt: skip
        names = ("DocumentReferenceID", "Reference1InDocumentHeader", "Reference2InDocumentHeader")
        head = {name: first[name] for name in names if first.get(name)}
        today = self.system.today()
        type_, currency = first["AccountingDocumentType"], first["TransactionCurrency"]
        entry = Entry(first["CompanyCode"], type_, today, today, currency, lines, head)
        with self._by_hand():
            return document_id(self.application.ledger.post(entry)[0])

    def item(self, name: str) -> Row:
        """The customer item of a billing document or of company-year-number. Raises Refusal."""
        if "-" in name:
            rows = self.application.ledger.lines_of(name)
        else:
            rows = self.store.find(CUBE, BillingDocument=name)
        found = [one for one in rows if one["FinancialAccountType"] == "D"]
        if not found:
            raise business("F5/397", f"{name} has no customer item")
        return next((one for one in found if not one["IsCleared"]), found[0])

    def write_off(self, document: str, amount: Number = "", reason: str = "010") -> str:
        """An open item, or a part of it, written off."""
        with self._by_hand():
            share = Decimal(str(amount)) if amount != "" else Decimal(0)
            return document_id(
                charge_off(self.application.ledger, self.item(document), share, reason, self.system.today())
            )

    def exchange_difference(self, document: str, amount: Number = "") -> str:
        """A part of an open item taken off as an exchange rate difference."""
        return self.write_off(document, amount, "030")

    def reverse_clearing(self, document: str) -> None:
        """Reset a clearing; a document that only cleared has nothing left to reverse."""
        with self._by_hand():
            name = document
            if "-" not in document:
                row = next(one for one in self.store.find(CUBE, BillingDocument=document) if one["IsCleared"])
                name = (
                    f"{row['CompanyCode']}-{row['ClearingDocFiscalYear']}-{row['ClearingAccountingDocument']}"
                )
            self.application.ledger.reopen(name)
            if self.store.find(CUBE, AccountingDocument=name.split("-")[2], CompanyCode=name[:4]):
                lines = self.application.ledger.lines_of(name)
                if not any(one["FinancialAccountType"] == "S" and one.get("HouseBank") for one in lines):
                    self.application.ledger.reverse(name, self.system.today())

    def reverse_document(self, document: str) -> str:
        """Reverse an accounting document (FB08); company-year-number of the reversal."""
        with self._by_hand():
            return document_id(self.application.ledger.reverse(document, self.system.today())[0])

"""Billing: invoices from deliveries or orders, cancellation, credit memos, each with its posting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.sap.billing_papers import HEAD, LINE, Papers
from sandbox.sap.clearing import refer
from sandbox.sap.credits import credited, free, printed
from sandbox.sap.ledger import CUBE, Entry, Ledger, Line, document_id
from sandbox.sap.order_prices import ITEM
from sandbox.sap.order_status import billed
from sandbox.sap.orders import ORDER, Orders
from sandbox.sap.positions import Amounts, Lines, Position
from sandbox.sap.pricing import CONDITION, tax_of
from sandbox.sap.refusals import Refusal, business
from sandbox.sap.shipping import HEAD as DELIVERY
from sandbox.sap.shipping import LINE as DELIVERY_LINE
from sandbox.sap.shipping import Shipping, flow
from sandbox.sap.store import Row
from sandbox.sap.system import OUTPUT_TAX, REVENUE, TERMS, System, Terms, rounded


class Billing:
    """The billing application."""

    def __init__(self, system: System, ledger: Ledger, orders: Orders, shipping: Shipping) -> None:
        self.system, self.store, self.ledger = system, system.store, ledger
        self.orders, self.shipping, self.papers = orders, shipping, Papers(system)

    def bill(self, order: str, delivery: str, day: date | None) -> Row:
        """An invoice of a delivery, or of what an order has to bill by itself. Raises Refusal."""
        positions = self._of_delivery(delivery) if delivery else self._of_order(order)
        if not positions:
            raise business(
                "VF/016", f"No billing documents were generated: {delivery or order} has nothing to bill"
            )
        first = positions[0].order
        for reason in (
            first.get("HeaderBillingBlockReason"),
            *(p.item.get("ItemBillingBlockReason") for p in positions),
        ):
            if reason:
                raise business(
                    "VF/042",
                    f"Billing document cannot be created: billing block {reason} in {first['SalesOrder']}",
                )
        amounts = [self._share(one) for one in positions]
        row = self._create("F2", first, positions, amounts, day or self.system.today())
        self._followed(positions)
        self.system.documents.append(("INVOIC", row["BillingDocument"]))
        return row

    def _of_delivery(self, number: str) -> list[Position]:
        head = self.store.get(DELIVERY, number)
        if head is None or head["OverallGoodsMovementStatus"] != "C":
            raise business("VF/017", f"Delivery {number} cannot be billed: goods issue is not posted")
        done = self._billed_of(number)
        found = []
        for one in self.store.find(DELIVERY_LINE, DeliveryDocument=number):
            rest = one["ActualDeliveryQuantity"] - done.get(one["DeliveryDocumentItem"], Decimal(0))
            if rest > 0:
                found.append(
                    self._position(
                        one["ReferenceSDDocument"],
                        one["ReferenceSDDocumentItem"],
                        number,
                        one["DeliveryDocumentItem"],
                        "J",
                        rest=rest,
                    )
                )
        return found

    def _billed_of(self, number: str) -> dict[str, Decimal]:
        done: dict[str, Decimal] = {}
        for one in self.store.find(LINE, ReferenceSDDocument=number):
            head = self.store.get(HEAD, one["BillingDocument"])
            if head and head["BillingDocumentType"] == "F2" and not head["BillingDocumentIsCancelled"]:
                key = one["ReferenceSDDocumentItem"]
                done[key] = done.get(key, Decimal(0)) + one["BillingQuantity"]
        return done

    def _of_order(self, number: str) -> list[Position]:
        done = billed(self.system, number)
        found = []
        for item in self.store.find(ITEM, SalesOrder=number):
            rest = item["RequestedQuantity"] - done.get(item["SalesOrderItem"], Decimal(0))
            api = item["SalesOrderItemCategory"] == "TAD" and not item.get("SalesDocumentRjcnReason")
            if api and rest > 0:
                found.append(
                    self._position(
                        number, item["SalesOrderItem"], number, item["SalesOrderItem"], "C", rest=rest
                    )
                )
        return found

    def _position(
        self, order: str, item: str, document: str, line: str, category: str, *, rest: Decimal
    ) -> Position:
        head, source = self.store.get(ORDER, order), self.store.get(ITEM, order, item)
        assert head is not None
        assert source is not None
        return Position(head, source, document, line, category, rest)

    def _share(self, told: Position) -> Amounts:
        """The part of the order item's amounts; the last part takes what rounding left."""
        item, currency = told.item, told.order["TransactionCurrency"]
        done = billed(self.system, told.order["SalesOrder"]).get(item["SalesOrderItem"], Decimal(0))
        ordered = item["RequestedQuantity"]
        rows = self.store.find(
            CONDITION, SalesOrder=item["SalesOrder"], SalesOrderItem=item["SalesOrderItem"]
        )
        code = next((r["TaxCode"] for r in rows if r.get("TaxCode")), tax_of(self.system, told.order).code)
        if done + told.quantity >= ordered:
            before = self._amounts_before(item)
            return Amounts(item["NetAmount"] - before[0], item["TaxAmount"] - before[1], code)
        part = told.quantity / ordered
        return Amounts(
            rounded(item["NetAmount"] * part, currency), rounded(item["TaxAmount"] * part, currency), code
        )

    def _amounts_before(self, item: Row) -> tuple[Decimal, Decimal]:
        net = tax = Decimal(0)
        for one in self.store.find(
            LINE, SalesDocument=item["SalesOrder"], SalesDocumentItem=item["SalesOrderItem"]
        ):
            head = self.store.get(HEAD, one["BillingDocument"])
            if head and head["BillingDocumentType"] == "F2" and not head["BillingDocumentIsCancelled"]:
                net, tax = net + one["NetAmount"], tax + one["TaxAmount"]
        return net, tax

    def _create(
        self, type_: str, order: Row, positions: list[Position], amounts: list[Amounts], day: date
    ) -> Row:
        number = str(self.store.next("RV_BELEG/FK", 90000001))
        net, tax = sum((a.net for a in amounts), Decimal(0)), sum((a.tax for a in amounts), Decimal(0))
        row = self.papers.head(number, type_, order, day) | {
            "TotalNetAmount": net,
            "TaxAmount": tax,
            "TotalGrossAmount": net + tax,
        }
        self.store.put(HEAD, row)
        self.papers.partners(row)
        for at, (one, amount) in enumerate(zip(positions, amounts, strict=True), 1):
            self.papers.line(row, str(at * 10), one, amount)
            if type_ == "F2":
                flow(
                    self.system,
                    one.order["SalesOrder"],
                    one.item["SalesOrderItem"],
                    document=number,
                    line=str(at * 10),
                    category="M",
                )
        return self._posted(row, amounts, 1 if type_ == "F2" else -1, {})

    def _posted(self, row: Row, amounts: list[Amounts], sign: int, follows: dict[str, Any]) -> Row:
        """The accounting document of a billing document; a refusal leaves it unposted, as in real life."""
        by_code: dict[str, Decimal] = {}
        for one in amounts:
            by_code[one.code] = by_code.get(one.code, Decimal(0)) + one.tax
        gross = row["TotalGrossAmount"] * sign
        terms = {
            "PaymentTerms": row["CustomerPaymentTerms"],
            "DueCalculationBaseDate": row["BillingDocumentDate"],
        }
        common = {"BillingDocument": row["BillingDocument"], **follows}
        if sign < 0:
            terms = {}
        assigned = row["AssignmentReference"] or row["BillingDocument"]
        lines = [
            Line("D", row["PayerParty"], gross, None, {**common, **terms, "AssignmentReference": assigned})
        ]
        lines.append(Line("S", REVENUE, -row["TotalNetAmount"] * sign, None, common))
        lines += [
            Line("S", OUTPUT_TAX, -tax * sign, None, {**common, "TaxCode": c})
            for c, tax in by_code.items()
            if tax
        ]
        head = {"DocumentReferenceID": row["DocumentReferenceID"], "IsSalesRelated": True}
        head |= {"BusinessTransactionType": "SD00", "ReferenceDocumentType": "VBRK"}
        head["OriginalReferenceDocument"] = row["BillingDocument"].zfill(10)
        day = row["BillingDocumentDate"]
        try:
            made = self.ledger.post(
                Entry(row["CompanyCode"], "RV", day, day, row["TransactionCurrency"], lines, head)
            )
        except Refusal as no:
            self.system.warn(no.code, no.message)
            return self.store.put(
                HEAD, {**row, "AccountingTransferStatus": "B", "AccountingPostingStatus": "A"}
            )
        posted = {"AccountingDocument": made[0]["AccountingDocument"], "FiscalYear": made[0]["FiscalYear"]}
        return self.store.put(
            HEAD, {**row, **posted, "AccountingTransferStatus": "C", "AccountingPostingStatus": "C"}
        )

    def release(self, number: str) -> Row:
        """Post a billing document whose posting had been refused."""
        row = self._known(number)
        if row["AccountingPostingStatus"] == "C":
            raise business("VF/062", f"Billing document {number} is already posted")
        lines = self.store.find(LINE, BillingDocument=number)
        code = tax_of(self.system, row).code
        amounts = [Amounts(one["NetAmount"], one["TaxAmount"], code) for one in lines]
        changed = {
            **row,
            "LastChangeDateTime": self.system.stamp(row),
            "BillingDocumentDate": self.system.today(),
        }
        return self._posted(changed, amounts, -1 if row["BillingDocumentType"] == "G2" else 1, {})

    def _followed(self, positions: list[Position]) -> None:
        for number in {one.document for one in positions if one.category == "J"}:
            self.shipping.billed(number, self._billed_of(number))
        for order in {one.order["SalesOrder"] for one in positions if one.order.get("SalesOrder")}:
            self.orders.roll_up(order)

    def _known(self, number: str) -> Row:
        row = self.store.get(HEAD, number)
        if row is None:
            raise business("VF/001", f"Billing document {number} does not exist")
        return row

    def cancel(self, number: str) -> Row:
        """The cancellation document of an invoice or credit memo. Raises Refusal."""
        row = self._known(number)
        if row["BillingDocumentIsCancelled"] or row["BillingDocumentType"] in ("S1", "S2"):
            raise business("VF/050", f"Billing document {number} has already been cancelled")
        today = self.system.today()
        reversal = {"AccountingDocument": "", "FiscalYear": str(today.year)}
        if row["AccountingDocument"]:
            document = f"{row['CompanyCode']}-{row['FiscalYear']}-{row['AccountingDocument']}"
            made = self.ledger.reverse(document, today)
            reversal = {
                "AccountingDocument": made[0]["AccountingDocument"],
                "FiscalYear": made[0]["FiscalYear"],
            }
        id = str(self.store.next("RV_BELEG/FK", 90000001))
        type_ = "S1" if row["BillingDocumentType"] == "F2" else "S2"
        new: Row = {
            **row,
            **self.system.created(),
            **reversal,
            "BillingDocument": id,
            "BillingDocumentType": type_,
        }
        new |= {"SDDocumentCategory": "N" if type_ == "S1" else "S", "CancelledBillingDocument": number}
        new |= {"BillingDocumentDate": today, "LastChangeDateTime": self.system.stamp()}
        new["BillingDocumentIsCancelled"] = False
        new["InvoiceClearingStatus"] = "C"
        self.store.put(HEAD, new)
        old: Row = {"BillingDocumentIsCancelled": True, "InvoiceClearingStatus": "C"}
        old |= {"LastChangeDateTime": self.system.stamp(row), "LastChangeDate": today}
        self.store.put(HEAD, {**row, **old})
        positions = []
        for one in self.store.find(LINE, BillingDocument=number):
            self.store.put(
                LINE,
                {
                    **one,
                    "BillingDocument": id,
                    "ReferenceSDDocument": number,
                    "ReferenceSDDocumentCategory": "M",
                },
            )
            if one["SalesDocument"] and self.store.get(ITEM, one["SalesDocument"], one["SalesDocumentItem"]):
                positions.append(
                    self._position(
                        one["SalesDocument"],
                        one["SalesDocumentItem"],
                        one["ReferenceSDDocument"],
                        one["ReferenceSDDocumentItem"],
                        one["ReferenceSDDocumentCategory"],
                        rest=one["BillingQuantity"],
                    )
                )
        self._followed(positions)
        self.store.effect("create", HEAD, id, number)
        return new

    def credit(self, billing: str, customer: str, company: str, lines: Lines, amount: Decimal | None) -> Row:
        """A credit memo: for lines of an invoice, for a net amount of it, or for a customer as such."""
        follows: dict[str, Any] = {}
        if billing:
            source = self._known(billing)
            positions, amounts = credited(self.system, source, lines, amount)
            order = {**source, "SalesOrder": positions[0].order.get("SalesOrder") or ""}
            item = next(
                (
                    o
                    for o in self.store.find(CUBE, BillingDocument=billing)
                    if o["FinancialAccountType"] == "D"
                ),
                None,
            )
            follows = {**refer(item), "FollowOnDocumentType": "G"} if item else {}
        else:
            order, positions, amounts = free(self.system, customer, company, lines, amount)
        number = str(self.store.next("RV_BELEG/FK", 90000001))
        net, tax = sum((a.net for a in amounts), Decimal(0)), sum((a.tax for a in amounts), Decimal(0))
        row = self.papers.head(number, "G2", order, self.system.today())
        row |= {
            "TotalNetAmount": net,
            "TaxAmount": tax,
            "TotalGrossAmount": net + tax,
            "CustomerPaymentTerms": "",
        }
        self.store.put(HEAD, row)
        self.papers.partners(row)
        for at, (one, share) in enumerate(zip(positions, amounts, strict=True), 1):
            self.papers.line(row, str(at * 10), one, share)
        made = self._posted(row, amounts, -1, follows)
        if billing:
            self.ledger.billed(billing)
        self.system.documents.append(("INVOIC", number))
        return made

    def act(self, name: str, given: Mapping[str, str]) -> Any:
        """The function imports on a billing document."""
        number = given["BillingDocument"]
        if name == "Cancel":
            made = self.cancel(number)
            told = {"BillingDocument": number, "CancellationBillingDocument": made["BillingDocument"]}
            text = f"Document {made['BillingDocument']} saved"
            return [
                {
                    **told,
                    "SystemMessageType": "S",
                    "SystemMessageIdentification": "VF",
                    "SystemMessageNumber": "311",
                    "SystemMessageText": text,
                }
            ]
        return {"BillingDocumentBinary": printed(self._known(number))}

    def due(self, row: Row) -> date:
        """When an invoice is due."""
        terms = TERMS.get(row["CustomerPaymentTerms"], Terms(0))
        return row["BillingDocumentDate"] + timedelta(days=terms.days)  # type: ignore[no-any-return]  # rows are untyped

    def named(self, row: Row) -> str:
        """The accounting document of a billing document: company-year-number."""
        return document_id(row)

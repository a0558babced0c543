"""What is read from Stripe: one method per endpoint, records out, embedded lists followed to their end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connectors.stripe.wire import PAGE, Wire
from hub.sdk import Record, Transient

REFERENCE = "o2c_id"  # metadata of everything the hub makes: its own id of the document
_FAILURE = "failure_balance_transaction"
ITEM_PAGES = 200  # of 100 balance transactions of one payout
LINKED_PAGES = 10  # of payments of one invoice, refunds of one charge and the like
RECENT_PAGES = 10  # of objects made lately, looked through one by one


class Client:
    """Stripe's v1 API, reading. Raises ConnectorError for every answer that is no 2xx."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def balance(self) -> Record:
        """GET the balance: the least that every key may ask for."""
        return self.wire.get("/v1/balance")

    def any(self, resource: str) -> Record:
        """GET a list of at most one object: tells whether this resource may be read."""
        return self.wire.get(f"/v1/{resource}", {"limit": 1})

    def charge(self, id: str) -> Record:
        """GET a charge with its balance transactions and its customer."""
        found = self.wire.get(f"/v1/charges/{id}", {"expand": ["balance_transaction", "customer"]})
        return self._with_failure(found)

    def _with_failure(self, found: Record) -> Record:
        """The object with its second balance transaction, which few have."""
        failure = found.get(_FAILURE)
        if not isinstance(failure, str):
            return found
        return {**found, _FAILURE: self.wire.get(f"/v1/balance_transactions/{failure}")}

    def payment_intent(self, id: str) -> Record:
        """GET a payment intent."""
        return self.wire.get(f"/v1/payment_intents/{id}")

    def invoice_payment(self, id: str) -> Record:
        """GET what one payment is to an invoice."""
        return self.wire.get(f"/v1/invoice_payments/{id}")

    def refund(self, id: str) -> Record:
        """GET a refund with its balance transactions."""
        return self._with_failure(self.wire.get(f"/v1/refunds/{id}", {"expand": ["balance_transaction"]}))

    def refunds(self, charge: str) -> Sequence[Record]:
        """GET all refunds of a charge: it carries only the first ten itself."""
        form = {"charge": charge, "expand": ["data.balance_transaction"]}
        found = self.wire.every("/v1/refunds", form, pages=LINKED_PAGES)
        return [self._with_failure(one) for one in found]

    def dispute(self, id: str) -> Record:
        """GET a dispute; its balance transactions are in it."""
        return self.wire.get(f"/v1/disputes/{id}")

    def payout(self, id: str) -> Record:
        """GET a payout with the bank account it went to."""
        return self._with_failure(self.wire.get(f"/v1/payouts/{id}", {"expand": ["destination"]}))

    def payout_items(self, id: str) -> Sequence[Record]:
        """GET every balance transaction of an automatic payout (docs, "payout reconciliation")."""
        return list(self.wire.every("/v1/balance_transactions", {"payout": id}, pages=ITEM_PAGES))

    def invoice(self, id: str) -> Record | None:
        """GET an invoice with its customer; None: there is none, or the draft was deleted."""
        return self.wire.find(f"/v1/invoices/{id}", {"expand": ["customer"]})

    def invoice_lines(self, id: str) -> Sequence[Record]:
        """GET all lines of an invoice."""
        return list(self.wire.every(f"/v1/invoices/{id}/lines", pages=LINKED_PAGES))

    def invoices_paid_by(self, payment_intent: str) -> Sequence[Record]:
        """GET the invoice payments of a payment intent, each with its invoice."""
        payment = {"type": "payment_intent", "payment_intent": payment_intent}
        form = {"payment": payment, "expand": ["data.invoice"]}
        return list(self.wire.every("/v1/invoice_payments", form, pages=LINKED_PAGES))

    def payments_of(self, invoice: str) -> Sequence[Record]:
        """GET the invoice payments of an invoice."""
        return list(self.wire.every("/v1/invoice_payments", {"invoice": invoice}, pages=LINKED_PAGES))

    def credit_notes(self, invoice: str) -> Sequence[Record]:
        """GET all credit notes of an invoice."""
        return list(self.wire.every("/v1/credit_notes", {"invoice": invoice}, pages=LINKED_PAGES))

    def search(self, resource: str, reference: str) -> Sequence[Record]:
        """GET what carries our id, by Stripe's search: it may be a minute behind, or more."""
        quoted = reference.replace("\\", "\\\\").replace("'", "\\'")
        answer = self.wire.get(
            f"/v1/{resource}/search", {"query": f"metadata['{REFERENCE}']:'{quoted}'", "limit": PAGE}
        )
        found = answer.get("data")
        if not isinstance(found, list):
            raise Transient("Stripe's search has no objects in it", code="bad_answer")
        return [one for one in found if metadata(one).get(REFERENCE) == reference and not one.get("deleted")]

    def recent(self, resource: str, since: int) -> Iterator[Record]:
        """GET what was made since (epoch seconds), newest first, a thousand at most; lists do not lag."""
        after = ""
        for _ in range(RECENT_PAGES):
            found = self.wire.page(f"/v1/{resource}", {"created": {"gte": since}}, after=after)
            yield from found.objects
            if not found.more:
                return
            after = str(found.objects[-1]["id"])

    def webhook_endpoints(self) -> Sequence[Record]:
        """GET all webhook endpoints of the account: there are sixteen at most."""
        return self.wire.page("/v1/webhook_endpoints").objects


def metadata(found: Record) -> Mapping[str, str]:
    """The metadata of an object; none is empty."""
    told = found.get("metadata")
    return told if isinstance(told, Mapping) else {}


def id_of(found: object) -> str:
    """The id of what is named or expanded in a field; empty where there is nothing."""
    named = found.get("id") if isinstance(found, Mapping) else found
    return str(named or "")

"""What else a company may have on its pages: a trading partner, a payout, statements, a page to pay at."""

from __future__ import annotations

from datetime import date
from typing import Any

from hub.api.actions import save_connection
from hub.model import (
    Acknowledgment,
    FunctionalGroup,
    Interchange,
    Money,
    Payout,
    PayoutItem,
    Statement,
    TransactionSet,
)
from hub.store import views
from hub.store.database import new_id
from tests.ui.company import ADMIN, Company, usd

DAY = date(2026, 11, 20)
IBAN = "DE89370400440532013000"
OURS = "DE02120300000000202051"  # where the payments of the company arrive
PAGE = "https://pay.test/i/acct_1/in_1_secret"
LONG = "po_1IJE2DEITXHsO9Q6wX0jUQUQ0123456789"
PARTNER = {
    "our_id": "ACMEINSTR", "partner_id": "HARBORPINE", "partner_name": "Harbor and Pine",
    "upload_key": "u" * 24,
}  # fmt: skip
SAID = {
    "sender": "ZZ ACMEINSTR ACMEINSTR", "receiver": "ZZ HARBORPINE HARBORPINE", "version": "00401",
    "groups": [{"version": "004010", "sender": "ACMEINSTR", "receiver": "HARBORPINE", "sets": ["AK5*A"]}],
}  # fmt: skip


def furnish(company: Company) -> None:
    """Add them; `company.ids` has each by its kind."""
    save_connection(company.hub, ADMIN, "harbor", connector="edi", given=PARTNER, poll_seconds=0)
    with company.hub.store.begin() as tx:
        (invoice,) = views.documents(tx.conn, kind="invoice", search="INV-2026-000002")
        billed: Any = tx.documents.get(invoice.id)
        made = (*_exchanged(), _payout(), _statement(), billed.model_copy(update={"payment_link": PAGE}))
        for one in made:
            tx.documents.save(one, tx.now)
            company.ids[one.kind] = one.id


def _exchanged() -> tuple[Any, ...]:
    sets = (TransactionSet(set_id="810", number="0001", reference="INV-2026-000002"),)
    groups = (FunctionalGroup(code="IN", version="004010", number="7", sets=sets),)
    sent = Interchange(
        id=new_id(), number="000000007", direction="out", partner="harbor", sender="ZZ/ACMEINSTR",
        receiver="ZZ/HARBORPINE", groups=groups, body="ISA" + "*0" * 60 + "~",
    )  # fmt: skip
    told = Acknowledgment(
        id=new_id(), number="7", direction="in", level="997", interchange=sent.id, answer=SAID,
        groups=(groups[0].model_copy(update={"sets": (sets[0].model_copy(update={"reference": ""}),)}),),
    )  # fmt: skip
    return sent, told


def _payout() -> Payout:
    item = PayoutItem(reference=LONG, type="payment", gross=usd("90"), fee=usd("3"), net=usd("87"))
    return Payout(
        id=new_id(), number=LONG, held_by="stripe", amount=usd("87"), arrives_on=DAY, account=IBAN,
        items=(item,),
    )  # fmt: skip


def _statement() -> Statement:
    nothing = Money.zero("USD")
    return Statement(
        id=new_id(), number="3", account=IBAN, currency="USD", source_format="camt.053", credits=nothing,
        debits=nothing,
    )  # fmt: skip

"""A retailer on stage: another program with its own EDI desk, which judges what we send strictly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.types import ASGIApp

from sandbox.partner import KEY, PartnerSandbox, Terms

NAME = "Harbor and Pine"
UPLOAD_KEY = "demo-edi-key"


class Retailer:
    """A customer that trades by EDI X12. Its files come to the hub's upload door, ours go to its inbox."""

    title, connection = NAME, "edi-harbor-pine"

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.desk = PartnerSandbox(now=now, name=NAME, terms=Terms(tax="none"))
        self.app: ASGIApp = self.desk.app

    def settings(self, url: str, customer: str, seller: str) -> Mapping[str, Any]:
        """The trading partner's profile, as an admin enters it. `customer`: who it is in the CRM."""
        supplier, us = self.desk.world.supplier, self.desk.world.us
        return {
            "partner_name": NAME, "our_qualifier": supplier.qualifier, "our_id": supplier.id,
            "partner_qualifier": us.qualifier, "partner_id": us.id, "customer": customer,
            "seller": seller,
            "default_currency": "USD", "upload_key": UPLOAD_KEY, "http_url": f"{url}/inbox", "http_key": KEY,
            "gs1_prefix": "0614141", "pack": "shipment", "scac": "UPSN",
        }  # fmt: skip

    def numbers(self) -> Sequence[str]:
        """The numbers of its purchase orders."""
        return sorted({number for number, _ in self.desk.world.book.orders})

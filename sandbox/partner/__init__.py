"""A simulated retailer on a real port: it orders by EDI, checks what the supplier sends, and pays."""

from sandbox.partner.book import Allowance, Alter, Item, Payment
from sandbox.partner.paying import Apart, Paid
from sandbox.partner.rules import Terms
from sandbox.partner.simulator import KEY, PartnerSandbox, Remittance
from sandbox.partner.world import How
from sandbox.partner.writing import Mischief, Party, Style
from sandbox.partner.x12 import Marks

__all__ = [
    "KEY", "Allowance", "Alter", "Apart", "How", "Item", "Marks", "Mischief", "Paid", "PartnerSandbox",
    "Party", "Payment", "Remittance", "Style", "Terms",
]  # fmt: skip

"""O2C Hub connector for the Acme shop: orders in by webhook and poll, invoices out."""

from acme_o2c.connector import Acme

__all__ = ["Acme"]

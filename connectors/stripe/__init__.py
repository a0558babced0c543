"""Stripe: invoices go out with a page to pay them on; payments, refunds, disputes and payouts come in."""

"""The NetSuite connector: customers, orders, invoices and payments out, shipments in."""

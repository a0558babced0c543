"""The SAP S/4HANA connector: customers, orders and postings out; deliveries, invoices and cash in."""

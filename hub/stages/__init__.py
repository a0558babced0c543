"""The stages of order-to-cash: each a pure decision over (document, reader)."""

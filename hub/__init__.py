"""The middle of O2C Hub: it knows order-to-cash and knows no vendor."""

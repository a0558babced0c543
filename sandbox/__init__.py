"""Vendor simulators on real ports; they share no code with the connectors."""

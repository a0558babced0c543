"""A simulated Stripe on a real port, for tests, demos and trying out mappings."""

from sandbox.stripe.simulator import KEY, StripeSandbox

__all__ = ["KEY", "StripeSandbox"]

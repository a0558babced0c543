"""A simulated HubSpot account on a real port, for tests, demos and trying out mappings."""

from sandbox.hubspot.simulator import HubSpotSandbox

__all__ = ["HubSpotSandbox"]

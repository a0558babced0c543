"""A NetSuite account to practise against: the REST record service, SuiteQL and both ways to log in."""

from sandbox.netsuite.account import NetSuiteSandbox

__all__ = ["NetSuiteSandbox"]

"""An SAP S/4HANA system to practise against: its OData, SOAP and IDoc interfaces, and its people's work."""

from sandbox.sap.simulator import SapSandbox

__all__ = ["SapSandbox"]

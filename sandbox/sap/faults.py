"""The usual misbehaviours by name, as the fields of a `sandbox.kit.Fault`."""

from __future__ import annotations

from typing import Any

from sandbox.sap.refusals import busy, locked, no_csrf, stale

_ODATA = "/sap/opu/odata"
_DUMP = {
    "error": {
        "code": "SY/530",
        "message": {"lang": "en", "value": "An exception occurred: COMPUTE_INT_ZERODIVIDE"},
    }
}
FAULTS: dict[str, dict[str, Any]] = {
    "csrf": {
        "kind": "refuse", "method": "POST", "path": _ODATA, "status": 403,
        "headers": {"x-csrf-token": "Required"}, "body": no_csrf().v2(""),
    },
    "lock": {
        "kind": "refuse", "path": "A_SalesOrder", "method": "PATCH", "status": 400,
        "body": locked("1", "MUELLER").v2(""),
    },
    "etag": {"kind": "refuse", "method": "PATCH", "path": _ODATA, "status": 412, "body": stale().v2("")},
    "maintenance": {"kind": "refuse", "status": 503, "body": busy(503, "").v2("")},
    "throttle": {
        "kind": "refuse", "status": 429, "headers": {"retry-after": "1"}, "body": busy(429, "").v2(""),
    },
    "lost_reply": {"kind": "lost_reply", "method": "POST"},
    "commit_then_timeout": {"kind": "hang_after", "method": "POST", "seconds": 30.0},
    "short_dump": {"kind": "refuse", "status": 500, "body": _DUMP},
}  # fmt: skip

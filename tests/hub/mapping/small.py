"""Small mappings to try one rule or one formula with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from hub.errors import NotYet
from hub.mapping import MappingDocument, loads

TABLES = {"terms": {"Net 30": "NET30", "Due on receipt": "COD"}}


class Known:
    """Cross-references that are there for customers only."""

    def xref(self, kind: str, value: str) -> str:
        if kind != "customer":
            raise NotYet(f"{kind} {value} is not known yet")
        return f"doc-{value}"


def document(fields: Mapping[str, Any], **more: Any) -> MappingDocument:
    """A mapping into a message body, which takes any field."""
    content = {"mapping": "test.record -> message", "fields": fields, "tables": TABLES, **more}
    return loads(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=10_000), name="test.yaml")

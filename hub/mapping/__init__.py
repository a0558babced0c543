"""Mappings: data that says how a vendor's record becomes a canonical document, and back.

load() reads and refuses, check_mapping() looks for what only shows against schemas, compile_mapping() makes
the translator; trace() explains one translation, rewrite() changes a file and leaves the rest as typed.
The language is described in docs/mapping-language.md.
"""

from __future__ import annotations

from hub.mapping.check import check_mapping
from hub.mapping.compile import Lookup, Translator, compile_mapping
from hub.mapping.document import MappingDocument, Rule
from hub.mapping.finding import Finding, Place
from hub.mapping.lineage import Failed, Origin, Skipped, Trace, failures, trace
from hub.mapping.loading import load, loads
from hub.mapping.together import check_together
from hub.mapping.writing import plain, rewrite, set_table, set_version

__all__ = [
    "Failed",
    "Finding",
    "Lookup",
    "MappingDocument",
    "Origin",
    "Place",
    "Rule",
    "Skipped",
    "Trace",
    "Translator",
    "check_mapping",
    "check_together",
    "compile_mapping",
    "failures",
    "load",
    "loads",
    "plain",
    "rewrite",
    "set_table",
    "set_version",
    "trace",
]

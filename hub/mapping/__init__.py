"""Mappings: data that says how a vendor's record becomes a canonical document, and back.

load() reads and refuses, check_mapping() looks for what only shows against schemas, compile_mapping() makes
the translator. The language is described in docs/mapping-language.md.
"""

from __future__ import annotations

from hub.mapping.check import check_mapping
from hub.mapping.compile import Lookup, Translator, compile_mapping
from hub.mapping.document import MappingDocument, Rule
from hub.mapping.finding import Finding, Place
from hub.mapping.loading import load, loads

__all__ = [
    "Finding",
    "Lookup",
    "MappingDocument",
    "Place",
    "Rule",
    "Translator",
    "check_mapping",
    "compile_mapping",
    "load",
    "loads",
]

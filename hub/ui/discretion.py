"""What viewers do not see whole: bank accounts, of which a page shows the last four signs only."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from markupsafe import escape

from hub.stages.statements import masked

_NAMES = ("account", "payer_account")  # in every model that has one, and in the evidence of cases


def accounts(body: Any) -> frozenset[str]:
    """Every account number within a document or the evidence of a case."""
    return frozenset(_found(body))


def _found(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in _NAMES and isinstance(inner, str) and inner.strip():
                yield inner
            else:
                yield from _found(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _found(inner)


def discreet(page: str, hidden: Collection[str]) -> str:
    """The page with these account numbers masked wherever they stand, in groups with spaces too."""
    for account in hidden:
        signs = r"\s?".join(re.escape(sign) for sign in str(escape("".join(account.split()))))
        page = re.sub(rf"(?<![0-9A-Za-z]){signs}(?![0-9A-Za-z])", str(escape(masked(account))), page)
    return page

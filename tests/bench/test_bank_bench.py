"""The benchmark of bank readers: its synthetic statement is what it says; its quick form runs."""

from __future__ import annotations

import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from bench import bank
from connectors.bank import camt_stream
from connectors.bank.statement import Entry


def test_the_synthetic_statement_has_the_entries_it_is_made_of() -> None:
    body = "".join(bank.statement(30_000)).encode()
    found = list(camt_stream.parts(body))
    entries = [one for one in found if isinstance(one, Entry)]
    assert (len(found) - len(entries), len(entries)) == (1, body.count(b"<Ntry>"))
    told = [Decimal(one) for one in re.findall('<Amt Ccy="EUR">([0-9.]+)<', body.decode())]
    assert sum(told, Decimal(0)) == 2 * sum(abs(one.amount) for one in entries)
    assert entries[5].transactions[0].narrative == ("Invoice INV-5 thank you", "second line")
    assert entries[5].transactions[0].payer.name == "Customer 5 & Sons Ltd"


@pytest.mark.prove
def test_the_quick_form_compares_with_the_bare_parser_and_with_the_library() -> None:
    command = [sys.executable, "-m", "bench", "bank", "--quick"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=110, check=True)
    assert "of the bare parser" in done.stdout
    assert "peak memory" in done.stdout

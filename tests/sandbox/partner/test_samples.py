"""On public examples the retailer judges syntax and sums as the connector does: two readings of X12."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.edi import footing, reading, tokens, tree
from connectors.edi.examine import SetRead
from connectors.edi.faults import DEFAULT
from sandbox.partner import Terms, grammar, invoicing, syntax
from sandbox.partner.reading import blocks
from sandbox.partner.x12 import Marks, NotX12, SetIn, parse

SAMPLES = Path(__file__).parents[4] / "shared" / "samples" / "edi"
VERSIONS = ("004010", "004030")
ENVELOPE = {"set_count", "wrong_group", "totals"}  # not faults of the set's own syntax


def pairs() -> Iterator[tuple[str, SetIn, str, Marks, SetRead]]:
    """Every set that both find: file, as we read it, its version and separators, as they read it."""
    for folder in ("855", "856", "810", "865", "997"):
        for path in sorted((SAMPLES / folder).iterdir()):
            body = path.read_bytes()
            try:
                read = parse(body)
            except NotX12:
                continue  # the retailer wants an ISA of fixed width
            mine = [
                (it, group.head.at(8), one.marks) for one in read for group in one.groups for it in group.sets
            ]
            theirs = [one for one in reading.read(tokens.of_bytes(body), DEFAULT) if isinstance(one, SetRead)]
            if len(mine) == len(theirs):
                for (it, version, marks), one in zip(mine, theirs, strict=True):
                    yield path.name, it, version, marks, one


@pytest.fixture(scope="module")
def found() -> list[tuple[str, SetIn, str, Marks, SetRead]]:
    if not SAMPLES.exists():
        pytest.skip("the public samples are not beside the checkout")
    return list(pairs())


def test_both_judge_the_syntax_of_public_examples_alike(
    found: list[tuple[str, SetIn, str, Marks, SetRead]],
) -> None:
    differing, compared = set(), 0
    for name, it, version, marks, theirs in found:
        if it.id not in grammar.SETS or not version.startswith(VERSIONS) or theirs.walked is None:
            continue
        compared += 1
        faults = syntax.check(it, version, marks)
        wrong = [one for one in theirs.faults if one.check not in ENVELOPE]
        if bool(faults) != bool(wrong):
            differing.add(name)
    assert compared >= 90
    assert differing == set()


def test_both_add_up_public_invoices_alike(found: list[tuple[str, SetIn, str, Marks, SetRead]]) -> None:
    sums = []
    for name, it, _, _, theirs in found:
        if it.id != "810" or theirs.walked is None or not theirs.status.value.startswith("accepted"):
            continue
        added = invoicing.sums(it, blocks(it.segments, "IT1"))
        told = int(it.first("TDS").at(1) or 0)
        mine = told in {int(added.total(Terms(rounding=one)) * 100) for one in ("line", "total")}
        result = footing.invoice(tree.named(theirs.walked.root, theirs.found.marks))
        sums.append((name, mine, result.holds))
    assert len(sums) >= 15
    assert [one for one in sums if one[1] != one[2]] == []

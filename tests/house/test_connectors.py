"""Every connector folder has the same shape, and its quality scale claims only what is there."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
import yaml

from tests.house import tree

FILES = ("connector.py", "client.py", "auth.py", "translate.py", "schema.py", "README.md", "quality.yaml")

# The scale. A tier is reached when every rule of it and of the tiers below is done or exempt with a reason.
SCALE: dict[str, tuple[str, ...]] = {
    "bronze": ("contract_suite", "signature_verified", "idempotent_writes", "docs", "secrets_redacted"),
    "silver": ("rate_limits", "backfill", "oauth", "schema_introspection"),
    "gold": ("sandbox_validated_against_spec",),
}
RULES = {rule: tier for tier, rules in SCALE.items() for rule in rules}
# Who calls nobody needs no client, who has no sign-in no auth: the exemption from that rule excuses the file.
EXCUSED_BY = {"client.py": "rate_limits", "auth.py": "oauth", "schema.py": "schema_introspection"}
PROJECT: dict[str, Any] = tomllib.loads(tree.text("pyproject.toml"))
README_TELLS = ("limit", "known gaps")


def connectors() -> list[str]:
    """The folders that the hub can connect by: a folder without an entry point offers commands only."""
    folders = {name.split("/")[1] for name in tree.python("connectors") if name.count("/") > 1}
    return sorted(folders & set(PROJECT["project"]["entry-points"]["o2c.connectors"]))


def evidence(vendor: str, rule: str) -> str | None:
    """What is missing to back a claim, where a look at the files can tell; None: nothing."""
    tests = "".join(tree.text(name) for name in tree.python(f"tests/connectors/{vendor}"))
    contracts = tree.python(f"tests/contract/test_{vendor}.py", f"tests/connectors/{vendor}")
    proven = any("(ConnectorContract)" in tree.text(name) for name in contracts)
    simulator = tree.python(f"sandbox/{vendor}", f"sandbox/{vendor}.py")
    told = tree.text(f"connectors/{vendor}/README.md").lower() if rule == "docs" else ""
    missing = {
        "contract_suite": not proven and "no test runs the contract suite",
        "signature_verified": not _defines(vendor, "verify") and "no verify()",
        "idempotent_writes": not _defines(vendor, "find") and "no find()",
        "backfill": not (_defines(vendor, "poll") or "backfill" in tests) and "no poll() and no test",
        "oauth": not tree.python(f"connectors/{vendor}/auth.py") and "no auth.py",
        "secrets_redacted": "secret" not in tests.lower() and "no test speaks of secrets",
        "sandbox_validated_against_spec": not simulator and "no simulator",
        "docs": ", ".join(word for word in README_TELLS if word not in told) + " not in README.md",
    }
    if rule == "docs" and all(word in told for word in README_TELLS):
        return None
    return missing.get(rule) or None


def _defines(vendor: str, function: str) -> bool:
    return any(
        node.name == function for name in tree.python(f"connectors/{vendor}") for node in tree.functions(name)
    )


def problems(vendor: str, quality: Any) -> list[str]:
    """What is wrong with a quality.yaml."""
    if not isinstance(quality, dict):
        return ["not a mapping of rules"]
    found = [f"unknown rule {rule}" for rule in quality if rule not in RULES]
    found += [f"missing rule {rule}" for rule in RULES if rule not in quality]
    for rule, value in quality.items():
        reason = value.get("exempt") if isinstance(value, dict) and set(value) == {"exempt"} else None
        if value not in ("done", "todo") and not (isinstance(reason, str) and len(reason) >= 10):
            found.append(f"{rule}: neither done, todo nor {{exempt: a reason}}: {value!r}")
        if value == "done" and (missing := evidence(vendor, rule)):
            found.append(f"{rule} is claimed done: {missing}")
    return found


def quality_of(vendor: str) -> Any:
    """The parsed quality.yaml."""
    return yaml.safe_load(tree.text(f"connectors/{vendor}/quality.yaml"))


def tier_of(quality: dict[str, Any]) -> str:
    """The highest tier whose rules, and those below, have no todo; empty when not even bronze."""
    reached = ""
    for tier, rules in SCALE.items():
        if any(quality.get(rule, "todo") == "todo" for rule in rules):
            break
        reached = tier
    return reached


@pytest.mark.parametrize("vendor", connectors())
def test_folder_has_the_seven_files(vendor: str) -> None:
    there = set(tree.tracked())
    missing = {file for file in FILES if f"connectors/{vendor}/{file}" not in there}
    quality = quality_of(vendor) if missing <= set(EXCUSED_BY) else {}
    unexcused = {file for file in missing if not isinstance(quality.get(EXCUSED_BY.get(file, "")), dict)}
    assert not unexcused, f"connectors/{vendor} lacks {sorted(unexcused)}"


@pytest.mark.parametrize("vendor", connectors())
def test_quality_scale_is_filled_in_and_backed(vendor: str) -> None:
    assert problems(vendor, quality_of(vendor)) == []


@pytest.mark.parametrize("vendor", connectors())
def test_the_manifest_claims_the_tier_its_rules_reach(vendor: str) -> None:
    source = "".join(tree.text(name) for name in tree.python(f"connectors/{vendor}"))
    told = re.findall(r'tier="(\w+)"', source) or ["bronze"]
    claimed, reached = list(SCALE).index(told[0]), tier_of(quality_of(vendor))
    assert reached, f"{vendor} is not even bronze yet: a bronze rule is todo"
    assert claimed <= list(SCALE).index(reached), f"{vendor} claims {told[0]}, its rules reach {reached}"


def test_a_false_claim_is_noticed() -> None:
    honest = dict.fromkeys(RULES, "todo")
    assert problems("nowhere", honest) == []
    assert problems("nowhere", {**honest, "contract_suite": "done"})
    assert problems("nowhere", {**honest, "oauth": {"exempt": "no"}})
    assert problems("nowhere", {**honest, "shiny": "done"})
    assert problems("nowhere", {"oauth": "todo"})


def test_every_rule_of_the_scale_is_explained_in_the_guide() -> None:
    guide = tree.text("docs/add-a-connector.md")
    assert [rule for rule in RULES if f"`{rule}`" not in guide] == []

"""What the tracked files must not contain, and what they promise each other."""

from __future__ import annotations

import re
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house import tree

# Written in pieces, so that this file does not contain what it looks for.
HOSTS = [
    "py" + "pi.org",
    "files.python" + "hosted.org",
    "registry.npm" + "js.org",
    "docker" + ".io",
    "ghcr" + ".io",
    "quay" + ".io",
    "proxy.golang" + ".org",
    "--index" + "-url",
    "--extra-index" + "-url",
    "file:" + "///",
]
MACHINE = re.compile(
    "(?<![\\w.$}/-])/(" + "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me", "Use" + "rs"]) + ")/"
)
TEXT = (
    ".py",
    ".md",
    ".toml",
    ".yaml",
    ".yml",
    ".txt",
    ".sh",
    ".cfg",
    ".ini",
    ".html",
    ".css",
    ".json",
    ".example",
)
PINNED = ("requirements.txt", "requirements-dev.txt", "requirements-build.txt")
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==(\S+)")


def texts() -> list[str]:
    return [name for name in tree.tracked() if name.endswith(TEXT) or "." not in name.rsplit("/", 1)[-1]]


@pytest.mark.parametrize("host", HOSTS)
def test_no_package_host_in_any_file(host: str) -> None:
    assert [name for name in texts() if host in tree.text(name)] == []


def test_no_path_of_a_machine_in_any_file() -> None:
    found = [
        f"{name}:{number} {line.strip()[:80]}"
        for name in texts()
        for number, line in enumerate(tree.text(name).splitlines(), 1)
        if MACHINE.search(line)
    ]
    assert found == []


def test_no_environment_file_with_secrets_is_tracked() -> None:
    assert [name for name in tree.tracked() if name.rsplit("/", 1)[-1] in (".env", "master.key")] == []


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", tree.text("Makefile"), re.MULTILINE))


def documents() -> list[str]:
    return [name for name in tree.tracked() if name.endswith(".md") or name in (".ci/run",)]


@pytest.mark.parametrize("name", documents())
def test_every_make_command_in_the_documents_exists(name: str) -> None:
    commands = re.findall(r"(?:^|`)\s*make ([a-z][a-z-]*)", tree.text(name), re.MULTILINE)
    assert set(commands) <= targets(), f"{name} names unknown make targets"


def test_readme_names_the_main_commands() -> None:
    commands = set(re.findall(r"make ([a-z-]+)", tree.text("README.md")))
    assert {"demo", "test", "check"} <= commands


def test_every_public_target_explains_itself() -> None:
    makefile = tree.text("Makefile")
    shown = set(re.findall(r"^([a-z][a-z-]*):[^\n]*## \S", makefile, re.MULTILINE))
    assert {"help", "setup", "demo", "test", "check", "bench", "prove", "dev", "clean", "lock"} <= shown


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for name in (one for one in tree.tracked() if one.endswith(".md")):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", tree.text(name)):
            if "://" in target or target.startswith("mailto:"):
                continue
            if not (tree.ROOT / name).parent.joinpath(target).exists():
                broken.append(f"{name} -> {target}")
    assert broken == []


def pins(name: str) -> dict[str, tuple[str, int]]:
    """Package to (version, number of hashes)."""
    found: dict[str, tuple[str, int]] = {}
    current = ""
    for line in tree.text(name).splitlines():
        if matched := PIN.match(line):
            current = canonicalize_name(matched.group(1))
            found[current] = (matched.group(2), 0)
        elif "--hash=sha256:" in line:
            version, hashes = found[current]
            found[current] = (version, hashes + 1)
        elif line and not line.lstrip().startswith("#"):
            raise AssertionError(f"{name}: neither a pin, a hash nor a comment: {line}")
    return found


@pytest.mark.parametrize("name", PINNED)
def test_every_requirement_is_pinned_with_hashes(name: str) -> None:
    found = pins(name)
    assert found
    assert [package for package, (_, hashes) in found.items() if hashes == 0] == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-build.txt"])
def test_what_is_tested_is_what_is_shipped(name: str) -> None:
    tested = pins("requirements-dev.txt")
    assert {p: v for p, (v, _) in pins(name).items()} == {
        p: tested[p][0] if p in tested else "absent from requirements-dev.txt" for p in pins(name)
    }


def project() -> dict[str, object]:
    import tomllib

    return tomllib.loads(tree.text("pyproject.toml"))


def test_every_dependency_of_the_project_is_pinned() -> None:
    declared = project()["project"]
    assert isinstance(declared, dict)
    runtime = {canonicalize_name(Requirement(one).name) for one in declared["dependencies"]}
    assert runtime <= set(pins("requirements.txt")), "run make lock"


def licence(distribution: metadata.Distribution) -> str:
    """What a distribution says of its licence: expression, else the classifiers, else the text's start."""
    told = distribution.metadata
    classifiers = [c for c in told.get_all("Classifier") or [] if c.startswith("License ::")]
    return told.get("License-Expression") or "; ".join(classifiers) or (told.get("License") or "")[:200]


REFUSED = re.compile(
    r"(?<!L)(?<!Lesser )(A?GPL|(Affero )?General Public|SSPL|Business Source|Commons Clause)", re.I
)


@pytest.mark.parametrize("package", sorted(pins("requirements.txt")))
def test_no_shipped_package_is_under_a_licence_that_binds_the_user(package: str) -> None:
    try:
        told = licence(metadata.distribution(package))
    except metadata.PackageNotFoundError:
        pytest.skip(f"{package} is for other platforms or Python versions")
    assert told, f"{package} does not tell its licence"
    assert not REFUSED.search(told), f"{package}: {told}"


@pytest.mark.parametrize(
    ("told", "refused"),
    [
        ("GPL-3.0-only", True),
        ("AGPL-3.0", True),
        ("License :: OSI Approved :: GNU General Public License v3 (GPLv3)", True),
        ("LGPL-3.0-only", False),
        ("License :: OSI Approved :: GNU Lesser General Public License v3 or later (LGPLv3+)", False),
        ("MIT", False),
    ],
)
def test_the_licence_rule_tells_gpl_from_lgpl(told: str, refused: bool) -> None:
    assert bool(REFUSED.search(told)) is refused


def test_our_own_licence_is_apache() -> None:
    text = tree.text("LICENSE")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text


@pytest.mark.parametrize("name", [n for n in tree.tracked() if n.endswith((".yaml", ".yml"))])
def test_every_yaml_file_parses(name: str) -> None:
    assert yaml.safe_load(tree.text(name)) is not None


def test_changelog_keeps_the_form() -> None:
    text = tree.text("CHANGELOG.md")
    assert "## [Unreleased]" in text
    headings = set(re.findall(r"^### (\w+)", text, re.MULTILINE))
    assert headings <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_pre_commit_hooks_are_local_and_fetch_nothing() -> None:
    repos = yaml.safe_load(tree.text(".pre-commit-config.yaml"))["repos"]
    assert {repo["repo"] for repo in repos} == {"local"}
    assert {hook["language"] for repo in repos for hook in repo["hooks"]} == {"system"}

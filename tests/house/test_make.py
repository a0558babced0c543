"""`make setup` copes with the machines it meets, and says what to do where it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import tree

if shutil.which("make") is None:
    pytest.skip("make is not installed", allow_module_level=True)

BARE = "/usr/bin:/bin"


def make(folder: Path, *words: str, path: str = BARE) -> subprocess.CompletedProcess[str]:
    """Run make in a folder, with only this PATH to know."""
    env = {"PATH": path, "HOME": str(folder), "LC_ALL": "C"}
    return subprocess.run(
        ["make", *words], cwd=folder, env=env, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what `make setup` reads, and no packages to install."""
    folder = tmp_path / "clone"
    folder.mkdir()
    shutil.copyfile(tree.ROOT / "Makefile", folder / "Makefile")
    (folder / "docker").mkdir()
    shutil.copy(tree.ROOT / "docker" / "packages.sh", folder / "docker")
    for name in ("requirements-dev.txt", "requirements-build.txt"):
        (folder / name).write_text("")
    (folder / "pyproject.toml").write_text("")
    return folder


def python_that(folder: Path, script: str) -> Path:
    """A program called python3 that does this."""
    binaries = folder / "binaries"
    binaries.mkdir(exist_ok=True)
    program = binaries / "python3"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def test_make_alone_lists_what_there_is(clone: Path) -> None:
    ran = make(clone)
    assert ran.returncode == 0, ran.stderr
    for target in ("setup", "demo", "test", "check", "bench", "prove", "dev", "clean", "lock"):
        assert f"make {target} " in ran.stdout


def test_an_old_python_is_refused_with_the_way_out(clone: Path, tmp_path: Path) -> None:
    old = python_that(tmp_path, "exit 1")  # the version question answered with no
    ran = make(clone, "setup", f"PYTHON={old}")
    assert ran.returncode != 0
    assert "needs Python 3.11 or newer" in ran.stdout
    assert "make setup PYTHON=" in ran.stdout
    assert not (clone / ".venv").exists()


def test_a_python_without_venv_is_told_which_package_is_missing(clone: Path, tmp_path: Path) -> None:
    lame = python_that(tmp_path, f'case "$*" in *venv*) exit 1;; esac; exec {sys.executable} "$@"')
    ran = make(clone, "setup", f"PYTHON={lame}")
    assert ran.returncode != 0
    assert "venv or ensurepip module is missing" in ran.stdout
    assert "apt-get install python3 python3-venv" in ran.stdout
    assert not (clone / ".venv").exists()


def test_an_older_python_first_in_the_path_is_passed_over(clone: Path, tmp_path: Path) -> None:
    python_that(tmp_path, "exit 1")
    good = tmp_path / "binaries" / "python3.11"
    good.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    good.chmod(0o755)
    ran = make(clone, ".venv/stamp-python", path=f"{tmp_path / 'binaries'}:{BARE}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (clone / ".venv" / "bin" / "python").exists()


def test_a_good_environment_is_kept(clone: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", clone / ".venv"], check=True, timeout=100)
    (clone / ".venv" / "mine").write_text("kept")
    ran = make(clone, ".venv/stamp-python")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (clone / ".venv" / "mine").exists()


def test_setup_does_only_what_changed(clone: Path) -> None:
    environment = clone / ".venv"
    environment.mkdir()
    for age, stamp in enumerate(("stamp-python", "stamp-packages", "stamp-package")):
        (environment / stamp).write_text("")
        os.utime(environment / stamp, (2_000_000_000 + age, 2_000_000_000 + age))
    assert make(clone, "setup").stdout == ""
    os.utime(clone / "requirements-dev.txt", (2_000_000_100, 2_000_000_100))
    assert "stamp-packages" in make(clone, "--dry-run", "setup").stdout


def test_continuous_integration_runs_what_the_readme_tells() -> None:
    script = tree.text(".ci/run")
    assert os.access(tree.ROOT / ".ci" / "run", os.X_OK)
    assert "for target in check test" in script
    assert "make check" in tree.text("README.md")
    assert "make test" in tree.text("README.md")


@pytest.mark.parametrize(
    "script", ["docker/build-steps.sh", "docker/start.sh", "docker/health.sh", ".ci/run"]
)
def test_scripts_are_executable_and_well_formed(script: str) -> None:
    assert os.access(tree.ROOT / script, os.X_OK)
    shell = "bash" if "bash" in tree.text(script).splitlines()[0] else "sh"
    subprocess.run([shell, "-n", tree.ROOT / script], check=True, timeout=20)

"""The project's own files, as the house tests look at them."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("hub", "connectors", "webhooks", "sandbox")
FOUND_SHOWN = 50


@functools.cache
def tracked() -> tuple[str, ...]:
    """Every file of the project, relative to its root: what git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
    else:  # unpacked from an archive
        hidden = re.compile(r"(^|/)(\.venv|\.git|var|build|dist|__pycache__|\.\w+_cache|\.hypothesis)/")
        found = (path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.is_file())
        names = [name for name in found if not hidden.search(name)]
    return tuple(sorted(name for name in names if (ROOT / name).is_file()))


def python(*folders: str) -> list[str]:
    """Python files under these folders (or these files themselves)."""
    return [
        name for name in tracked() if name.endswith(".py") and any(_under(name, folder) for folder in folders)
    ]


def _under(name: str, folder: str) -> bool:
    return name == folder or name.startswith(folder.rstrip("/") + "/")


def text(name: str) -> str:
    """A file's text."""
    return (ROOT / name).read_text(encoding="utf-8")


@functools.cache
def parsed(name: str) -> ast.Module:
    """A Python file's syntax tree."""
    return ast.parse(text(name), filename=name)


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(name: str) -> Iterator[Function]:
    """Every function and method of a file, nested ones too."""
    for node in ast.walk(parsed(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def words(identifier: str) -> list[str]:
    """The words of a name, in lower case: snake_case and CamelCase split."""
    return [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)]


def each(names: Sequence[str]) -> Callable[[Callable[[str], None]], Callable[[], None]]:
    """Makes one test of a rule for files: it looks at all of them, and tells of all that break it.

    A test for each file would be many thousands, and most of the time would go into counting them.
    """

    def over(check: Callable[[str], None]) -> Callable[[], None]:
        def test() -> None:
            assert names, "there is nothing to look at"
            found = [told for name in names if (told := _broken(check, name))]
            assert not found, "\n".join(found[:FOUND_SHOWN])

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return over


def _broken(check: Callable[[str], None], name: str) -> str:
    try:
        check(name)
    except AssertionError as error:
        return str(error)
    return ""

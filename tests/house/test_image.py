"""The container image's steps work, as far as they can be run without a container engine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house import tree

DOCKER = tree.ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load(tree.text("compose.yaml"))
SERVICES: dict[str, Any] = COMPOSE["services"]
IMAGE = re.compile(r"[a-z0-9-]+:\d[\w.]*(-\w+)?")


@pytest.fixture
def fake(tmp_path: Path) -> dict[str, str]:
    """An environment whose `o2c` says how it was called."""
    command = tmp_path / "o2c"
    command.write_text('#!/bin/sh\necho "o2c $* pid=$$"\n')
    command.chmod(0o755)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("O2C_")}
    return {**kept, "PATH": f"{tmp_path}:{kept['PATH']}"}


def start(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run the image's entry point."""
    return subprocess.run(
        [DOCKER / "start.sh", *words], env=env, capture_output=True, text=True, timeout=20, check=False
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "o2c serve"),
        (("serve",), "o2c serve"),
        (("serve", "--reload"), "o2c serve --reload"),
        (("migrate",), "o2c migrate"),
        (("work",), "o2c work"),
    ],
)
def test_start_runs_the_part_it_is_told(fake: dict[str, str], words: tuple[str, ...], expected: str) -> None:
    ran = start({**fake, "O2C_REDIS_URL": "redis://redis"}, *words)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(f"{expected} pid=")


def test_start_replaces_the_shell_so_that_signals_arrive(fake: dict[str, str]) -> None:
    with subprocess.Popen(
        [DOCKER / "start.sh", "serve"], env=fake, stdout=subprocess.PIPE, text=True
    ) as process:
        told, _ = process.communicate(timeout=20)
    assert told.strip().endswith(f"pid={process.pid}")


def test_start_refuses_an_unknown_part_and_says_which_there_are(fake: dict[str, str]) -> None:
    ran = start(fake, "dance")
    assert ran.returncode == 64
    assert "dance" in ran.stderr
    assert "serve | work | migrate" in ran.stderr


def test_a_worker_without_redis_is_told_so(fake: dict[str, str]) -> None:
    ran = start(fake, "work")
    assert ran.returncode == 64
    assert "O2C_REDIS_URL" in ran.stderr


def test_a_web_part_that_is_down_is_not_healthy() -> None:
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "O2C_PORT": "1"}
    ran = subprocess.run(
        [DOCKER / "health.sh", "serve"], env=env, capture_output=True, timeout=20, check=False
    )
    assert ran.returncode != 0


def test_a_worker_is_healthy_while_its_doorbell_answers(redis_url: str) -> None:
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def health(url: str) -> int:
        command = [DOCKER / "health.sh", "work"]
        ran = subprocess.run(
            command, env={**env, "O2C_REDIS_URL": url}, capture_output=True, timeout=20, check=False
        )
        return ran.returncode

    assert health(redis_url) == 0
    assert health("redis://127.0.0.1:1/0") != 0


@pytest.mark.timeout(300)
def test_build_steps_make_an_environment_with_the_command_and_its_files(tmp_path: Path) -> None:
    prefix = tmp_path / "o2c"
    built = subprocess.run(
        [DOCKER / "build-steps.sh", tree.ROOT, prefix],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-2000:]
    assert (prefix / "bin" / "o2c").exists()
    told = subprocess.run(
        [prefix / "bin" / "python", "-I", "-c", INSIDE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stderr[-2000:]
    assert told.stdout.split() == ["True", "True", "True", "0"]


# In the image: our code from its own site-packages, mappings and config beside it, no test tools.
INSIDE = """
import hub, importlib.util, pathlib
home = pathlib.Path(hub.__file__).parent
print("site-packages" in str(home), (home / "_mappings").is_dir(), (home / "_config").is_dir())
tools = ("pytest", "hatchling", "playwright", "tests")
print(sum(importlib.util.find_spec(name) is not None for name in tools))
"""


def test_the_image_is_built_by_the_tested_steps_and_runs_without_root() -> None:
    lines = tree.text("Dockerfile").splitlines()
    assert "RUN docker/build-steps.sh /src /opt/o2c" in lines
    assert 'ENTRYPOINT ["start.sh"]' in lines
    assert any(line.startswith("HEALTHCHECK") and "health.sh" in line for line in lines)
    user = [line for line in lines if line.startswith("USER ")]
    assert user == ["USER 10001:10001"]
    assert lines.index(user[0]) > max(n for n, line in enumerate(lines) if line.startswith("RUN"))
    bases = [line.split()[1] for line in lines if line.startswith("FROM")]
    assert len(bases) == 2
    assert all(IMAGE.fullmatch(base) for base in bases), bases


def test_the_build_context_has_what_the_image_copies_and_no_secrets() -> None:
    allowed = {line[1:] for line in tree.text(".dockerignore").splitlines() if line.startswith("!")}
    needed = {"hub", "connectors", "webhooks", "sandbox", "mappings", "config", "docker", "pyproject.toml"}
    assert needed | {"requirements.txt", "requirements-build.txt", "README.md", "LICENSE"} == allowed
    assert "config/.env" in tree.text(".dockerignore").splitlines()


def test_compose_names_the_five_parts() -> None:
    assert set(SERVICES) == {"postgres", "redis", "migrate", "web", "worker"}


def test_only_the_web_part_is_published() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]


@pytest.mark.parametrize("name", ["postgres", "redis", "web", "worker"])
def test_every_lasting_part_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_parts_start_in_order() -> None:
    ready = {
        "migrate": {"condition": "service_completed_successfully"},
        "redis": {"condition": "service_healthy"},
    }
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["web"]["depends_on"] == ready
    assert SERVICES["worker"]["depends_on"] == ready


@pytest.mark.parametrize("name", ["migrate", "web", "worker"])
def test_our_parts_run_without_privileges(name: str) -> None:
    service = SERVICES[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", ["migrate", "web", "worker"])
def test_two_settings_make_it_the_scaled_form(name: str) -> None:
    settings = SERVICES[name]["environment"]
    assert settings["O2C_DATABASE_URL"].startswith("postgresql")
    assert settings["O2C_REDIS_URL"].startswith("redis://")


def test_redis_keeps_an_append_only_file_synced_every_second() -> None:
    command = " ".join(SERVICES["redis"]["command"])
    assert "--appendonly yes --appendfsync everysec" in command


def test_every_secret_comes_from_outside_and_is_required() -> None:
    for name, service in SERVICES.items():
        for key, value in service["environment"].items():
            if re.search(r"PASSWORD|KEY|TOKEN|_URL$", key) and key != "O2C_PUBLIC_URL":
                assert re.search(r"\$\{\w+:\?", value), f"{name}.{key} must be ${{NAME:?message}}"


def test_what_compose_asks_for_is_in_the_example_environment() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", tree.text("compose.yaml")))
    offered = set(re.findall(r"^#?(\w+)=", tree.text("config/.env.example"), re.MULTILINE))
    assert asked <= offered


def test_every_setting_in_the_example_environment_exists() -> None:
    from hub.settings import Settings

    offered = re.findall(r"^#?O2C_(\w+)=", tree.text("config/.env.example"), re.MULTILINE)
    assert {name.lower() for name in offered} <= set(Settings.model_fields)


def test_images_are_named_with_a_version_and_no_host() -> None:
    for name, service in SERVICES.items():
        assert IMAGE.fullmatch(service["image"]), f"{name}: {service['image']}"

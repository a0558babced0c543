"""Connections from stored settings: secrets sealed, mistakes named, one broken one harmless."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.errors import Invalid
from hub.registry import Registry, installed
from hub.secrets import Vault, load_master_key
from hub.store import connections
from hub.store.database import Database
from hub.store.migrate import upgrade
from hub.store.tx import Store

ROOT = Path(__file__).parent.parent.parent
GIVEN = {
    "base_url": "http://127.0.0.1:9",
    "access_token": "pat-na1-secret-token",
    "client_secret": "hush-hush",
}


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    upgrade(database_url)
    store = Store(Database(database_url))
    yield Registry(store, Vault(os.urandom(32)), ROOT / "mappings")
    store.database.close()


def save(registry: Registry, name: str, connector: str, settings: object) -> None:
    with registry.store.begin() as tx:
        connections.save(
            registry.store.database, tx.conn, name, connector, settings, poll_seconds=0, now=tx.now
        )  # type: ignore[arg-type]
    registry.refresh(force=True)


def test_the_built_in_connectors_are_found_by_entry_point() -> None:
    assert {"bank", "http", "hubspot", "netsuite"} <= set(installed())


def test_a_secret_is_sealed_at_rest_and_opens_only_in_its_place(registry: Registry) -> None:
    stored = registry.seal("hubspot", "hubspot", GIVEN)
    assert "secret-token" not in json.dumps(stored)
    assert "hush-hush" not in json.dumps(stored)
    save(registry, "hubspot", "hubspot", stored)
    assert registry.get("hubspot").manifest.name == "hubspot"
    save(registry, "other", "hubspot", stored)  # a row copied to another connection
    with pytest.raises(Invalid, match="does not open"):
        registry.get("other")
    assert registry.get("hubspot").active  # one broken connection stops no other


def test_a_setting_that_is_wrong_is_named_and_its_value_is_not_shown(registry: Registry) -> None:
    with pytest.raises(Invalid, match="acess_token") as told:
        registry.seal("hubspot", "hubspot", {"acess_token": "pat-na1-secret-token"})
    assert "secret-token" not in str(told.value)
    with pytest.raises(Invalid, match="no connector is called 'hubspott'"):
        registry.seal("hubspot", "hubspott", {})


def test_changed_settings_make_a_new_connector(registry: Registry) -> None:
    save(registry, "hubspot", "hubspot", registry.seal("hubspot", "hubspot", GIVEN))
    before = registry.get("hubspot")
    registry.refresh(force=True)
    assert registry.get("hubspot") is before
    save(registry, "hubspot", "hubspot", registry.seal("hubspot", "hubspot", {**GIVEN, "portal_id": 7}))
    assert registry.get("hubspot").connector is not before.connector


def test_a_mapping_with_an_error_never_becomes_active(registry: Registry, tmp_path: Path) -> None:
    folder = tmp_path / "hubspot"
    folder.mkdir()
    text = (ROOT / "mappings" / "hubspot" / "order.in.yaml").read_text()
    (folder / "order.in.yaml").write_text(text.replace("purchase_order:", "purchase_ordr:", 1))
    registry.mappings_dir = tmp_path
    save(registry, "hubspot", "hubspot", registry.seal("hubspot", "hubspot", GIVEN))
    with pytest.raises(Invalid, match=r"order.in.yaml:\d+:\d+.*purchase_ordr"):
        registry.get("hubspot")


def test_the_master_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    key = load_master_key(None, tmp_path)
    assert load_master_key(None, tmp_path) == key
    assert oct((tmp_path / "master.key").stat().st_mode & 0o777) == "0o600"
    with pytest.raises(Invalid, match="base64"):
        load_master_key("not base64!", tmp_path)
    with pytest.raises(Invalid, match="32 bytes"):
        Vault(b"short")


def test_an_altered_secret_does_not_open() -> None:
    vault = Vault(os.urandom(32))
    sealed = vault.seal("secret", "a/b")
    assert vault.open(sealed, "a/b") == "secret"
    altered = sealed[:-6] + ("AAAAAA" if sealed[-6:] != "AAAAAA" else "BBBBBB")
    for wrong in (altered, "v1.", "nonsense"):
        with pytest.raises(Invalid, match="does not open"):
            vault.open(wrong, "a/b")


@pytest.mark.parametrize(
    ("connector", "given", "told", "field"),
    [
        (
            "hubspot", {},
            "settings: give access_token, or client_id, client_secret and refresh_token", "access_token",
        ),
        (
            "bank", {"sftp_host": "bank.test"},
            "settings: sftp_user: needed to fetch files by SFTP", "sftp_user",
        ),
        (
            "http", {"secret": "s" * 20, "signature_header": "not ok"},
            "setting signature_header: not a header name: letters, digits and - only", "signature_header",
        ),
    ],
)  # fmt: skip
def test_a_complaint_is_told_in_the_words_of_its_author_and_names_the_field(
    registry: Registry, connector: str, given: dict[str, object], told: str, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        registry.seal("new", connector, given)
    assert (str(refused.value), refused.value.field) == (told, field)

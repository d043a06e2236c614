from pathlib import Path
from typing import Any

import pytest

from device.assembly import uplink_settings
from device.config import load, parse
from device.errors import ConfigurationError
from device.uplink.session import secret_client_id


@pytest.fixture
def table() -> dict[str, Any]:
    return {
        "post": {"agency": "demo", "name": "post-1"},
        "camera": {"backend": "footage", "footage": {"path": "clip.mp4", "pace": "fast"}},
        "hotlist": {"directory": "hotlist", "issuer_key": "issuer.pem", "unseal_key": "unseal.pem"},
        "records": {"signing_key": "sign.pem"},
        "outbox": {"path": "outbox.db", "key_file": "outbox.key"},
        "uplink": {"brokers": ["localhost:8883"], "ca": "ca.pem", "certificate": "c.pem", "private_key": "k.pem"},
    }


def complaint(table: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse(table, folder=Path("/etc/platepost"))
    return str(caught.value)


def test_paths_are_relative_to_the_file(table: dict[str, Any]) -> None:
    configuration = parse(table, folder=Path("/etc/platepost"))
    assert configuration.outbox.path == Path("/etc/platepost/outbox.db")
    assert configuration.camera.settings == {"path": "/etc/platepost/clip.mp4", "pace": "fast"}


def test_client_id_is_the_name_or_a_secret(table: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "outbox.key").write_bytes(bytes(32))
    assert uplink_settings(parse(table, folder=tmp_path)).client_id == "post-1"
    table["uplink"]["client_id"] = "secret"
    assert uplink_settings(parse(table, folder=tmp_path)).client_id == secret_client_id("post-1", bytes(32))
    table["uplink"]["client_id"] = "mine"
    assert "uplink.client_id = 'mine'" in complaint(table)


def test_a_wrong_value_is_named_with_what_would_be_right(table: dict[str, Any]) -> None:
    table["vision"] = {"minimum_score": 7}
    assert "vision.minimum_score = 7" in complaint(table)
    assert "less than or equal to 1" in complaint(table)


def test_a_misspelt_key_gets_a_suggestion(table: dict[str, Any]) -> None:
    table["outbox"]["quota_megabyte"] = 5
    assert complaint(table) == "configuration: outbox.quota_megabyte: unknown key; did you mean 'quota_megabytes'?"


def test_where_a_unit_is_not_enrolled_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no such file; a unit gets its own when it is enrolled"):
        load(tmp_path / "post.toml")


def test_a_missing_key_says_what_it_is(table: dict[str, Any]) -> None:
    del table["uplink"]["ca"]
    told = complaint(table)
    assert told == "configuration: uplink.ca: missing (PEM of the authorities that may vouch for the broker.)"


def test_every_fault_is_told_at_once(table: dict[str, Any]) -> None:
    table["post"]["name"] = "Post #1"
    table["uplink"]["brokers"] = []
    assert len(complaint(table).splitlines()) == 2


def test_limits_of_age_must_be_in_order(table: dict[str, Any]) -> None:
    table["hotlist"] |= {"warning_hours": 30, "stale_hours": 24}
    assert "stale_hours must not be less than warning_hours" in complaint(table)


def test_a_loose_key_beside_a_backend_is_refused(table: dict[str, Any]) -> None:
    table["camera"]["path"] = "clip.mp4"
    assert "unknown key 'path'" in complaint(table)


def test_what_is_no_toml_is_said(tmp_path: Path) -> None:
    path = tmp_path / "post.toml"
    path.write_text("[post\n")
    with pytest.raises(ConfigurationError, match="not a TOML file"):
        load(path)


def test_private_keys_that_systemd_delivers_are_taken_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: dict[str, Any]
) -> None:
    given = tmp_path / "credentials"
    given.mkdir()
    for name in ("platepost_sign.pem", "outbox.key", "platepost_k.pem", "platepost_ca.pem"):
        (given / name).touch()
    (tmp_path / "k.pem").touch()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    found = parse(table, folder=tmp_path)
    assert found.records.signing_key == given / "platepost_sign.pem"
    assert found.outbox.key_file == given / "outbox.key"
    assert found.hotlist.unseal_key == tmp_path / "unseal.pem"  # was not delivered
    assert found.uplink.private_key == tmp_path / "k.pem"  # is where the configuration says, as after a renewal
    assert found.uplink.ca == tmp_path / "ca.pem"  # is no private key

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from platepost.common.errors import ConfigurationError
from platepost.common.settings import BackendSettings, table_of, tables
from platepost.device.board.settings import RpiSettings
from platepost.device.camera.footage.camera import FootageSettings
from platepost.device.camera.picamera2.settings import Picamera2Settings
from platepost.device.config import REMOTE_KEYS, Configuration, load, parse
from platepost.device.config.removed import REMOVED, RemovedKey, without_removed
from platepost.wire.records import CustodianTerms

ROOT = Path(__file__).parents[2]


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


def test_each_room_finds_its_table_by_the_kind(table: dict[str, Any]) -> None:
    table |= {
        "control": {"directory": "control", "configuration_key": "c.pem", "operators_ca": "ca.pem"},
        "enrollment": {"office": "ca.example"},
    }
    read = parse(table, folder=Path("/etc/platepost"))
    found = {name: read.table(kind) for name, kind in tables(Configuration) if kind is not BackendSettings}
    assert found == {name: getattr(read, name) for name in found}
    assert set(found) == set(Configuration.model_fields) - {"camera", "board"}


def test_removed_key_that_asks_for_what_is_done_anyway_loads_with_a_notice(
    table: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    plain = parse(table, folder=Path("/"))
    assert not caplog.records
    table["uplink"] |= {"protocol": "5", "client_id": "name"}
    assert parse(table, folder=Path("/"), origin="post.toml") == plain
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "post.toml: uplink.protocol = '5': this key, the version of MQTT, was removed and does" in caplog.messages[0]
    assert caplog.messages[1].endswith("delete it")
    assert table["uplink"]["protocol"] == "5", "what was given is left as it is"


def test_removed_key_that_asks_for_something_else_is_refused_with_what_to_do(table: dict[str, Any]) -> None:
    table["uplink"] |= {"protocol": "3.1.1", "client_id": "secret"}
    table["outbox"]["quota_megabyte"] = 5
    first, second, third = complaint(table).splitlines()
    assert first.startswith("configuration: uplink.protocol = '3.1.1': posts speak MQTT 5 only; set up mosquitto or")
    assert "uplink.client_id = 'secret': posts connect under the name" in second
    assert second.endswith("then delete this key")
    assert "quota_megabytes" in third


def test_a_key_with_a_former_name_is_rejected_with_the_present_one(table: dict[str, Any]) -> None:
    table["passages"] = {"sure": 0.9}
    assert "passages.sure = 0.9: this key is now called `sure_confidence`; rename it" in complaint(table)


@pytest.mark.parametrize("uplink", [None, 5, [], {"other": 1}])
def test_removed_key_is_looked_for_in_tables_only(uplink: object) -> None:
    assert without_removed({"uplink": uplink}) == ({"uplink": uplink}, [], [])


def test_keys_are_removed_at_any_depth() -> None:
    gone = {"camera.picamera2.zoom": RemovedKey("the zoom", allowed=(1, 2), instead="turn the ring")}
    table = {"camera": {"picamera2": {"zoom": 2, "gain": 1}}}
    kept, notices, faults = without_removed(table, gone)
    assert kept == {"camera": {"picamera2": {"gain": 1}}}
    assert (len(notices), faults) == (1, [])
    table["camera"]["picamera2"]["zoom"] = 3
    assert without_removed(table, gone)[1:] == ([], ["camera.picamera2.zoom = 3: turn the ring"])


def test_a_removed_key_of_which_nothing_depends_loads_with_any_value() -> None:
    kept, notices, faults = without_removed({"uplink": {"settle_seconds": 12.5}})
    assert (kept, faults) == ({"uplink": {}}, [])
    assert "uplink.settle_seconds = 12.5: this key" in notices[0]


def test_no_removed_key_is_still_there() -> None:
    for path in REMOVED:
        section, key = path.split(".")
        assert key not in Configuration.model_fields[section].annotation.model_fields


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
    described = "PEM file of the CA certificates that issue the broker's certificate."
    assert told == f"configuration: uplink.ca: missing ({described})"


def test_every_fault_is_told_at_once(table: dict[str, Any]) -> None:
    table["post"]["name"] = "Post #1"
    table["uplink"]["brokers"] = []
    assert len(complaint(table).splitlines()) == 2


def test_custodians_are_named_once_each_with_a_key_of_the_file_s_folder(table: dict[str, Any]) -> None:
    assert parse(table, folder=Path("/etc/platepost")).custody.given == ()
    table["custody"] = {"custodians": [{"name": "records", "key": "records.pem", "groups": ["narcotics"]}]}
    (given,) = parse(table, folder=Path("/etc/platepost")).custody.given
    assert given == (CustodianTerms(name="records", groups=("narcotics",)), Path("/etc/platepost/records.pem"))
    table["custody"]["custodians"] += [{"name": "records", "key": "other.pem"}]
    assert "a custodian is named twice" in complaint(table)
    table["custody"]["custodians"][1] = {"name": "a/b", "keys": "other.pem"}
    assert {"custody.custodians.1.keys: unknown key; did you mean 'key'?", "custody.custodians.1.name = 'a/b'"} <= {
        line.removeprefix("configuration: ").partition(": String")[0] for line in complaint(table).splitlines()
    }


def numbers(model: type[BaseModel], name: str) -> Iterator[tuple[str, FieldInfo]]:
    for key, field in model.model_fields.items():
        kinds = {field.annotation, *get_args(field.annotation)}
        if kinds & {int, float} and get_origin(field.annotation) is not tuple:
            yield f"{name}.{key}", field
        element = table_of(field.annotation)
        if element is not None:
            yield from numbers(element, f"{name}.{key}")


def test_every_number_has_bounds() -> None:
    backends = {"camera.picamera2": Picamera2Settings, "board.rpi": RpiSettings, "camera.footage": FootageSettings}
    found = {
        key: {type(bound) for bound in field.metadata}
        for name, table in [*tables(Configuration), *backends.items()]
        for key, field in numbers(table, name)
    }
    assert len(found) > 50
    assert [key for key, bounds in found.items() if not (bounds & {Ge, Gt} and bounds & {Le, Lt})] == []


@pytest.mark.parametrize(
    ("table_name", "key", "value"),
    [
        ("outbox", "quota_megabytes", 1e308),
        ("hotlist", "stale_hours", 1e9),
        ("uplink", "brokers", ["broker.example:99999"]),
        ("uplink", "brokers", ["broker.example:0"]),
        ("uplink", "brokers", ["broker..example:8883"]),
        ("uplink", "brokers", [".example:8883"]),
        ("uplink", "brokers", [f"{'b' * 64}.example:8883"]),
        ("enrollment", "office", "office.example:65536"),
    ],
)
def test_what_cannot_be_is_named_by_its_key(table: dict[str, Any], table_name: str, key: str, value: object) -> None:
    table.setdefault(table_name, {})[key] = value
    assert complaint(table).startswith(f"configuration: {table_name}.{key}")


@pytest.mark.parametrize("address", ["b:1", "10.1.2.3:8883", "broker-2.police.example.:65535", "[fe80::1]:8883"])
def test_an_address_that_can_be_is_taken(table: dict[str, Any], address: str) -> None:
    table["uplink"]["brokers"] = [address]
    assert str(parse(table, folder=Path("/")).uplink.endpoints[0]) == address


def test_limits_of_age_must_be_in_order(table: dict[str, Any]) -> None:
    table["hotlist"] |= {"warning_hours": 30, "stale_hours": 24}
    assert "stale_hours must not be less than warning_hours" in complaint(table)


def test_a_loose_key_beside_a_backend_is_refused(table: dict[str, Any]) -> None:
    table["camera"]["path"] = "clip.mp4"
    assert "unknown key 'path'" in complaint(table)


@pytest.mark.parametrize("content", ["[post\n", f"version = {'9' * 5000}\n", "[post]\nsite = '\xe9'\n"])
def test_what_is_no_toml_is_said(tmp_path: Path, content: str) -> None:
    path = tmp_path / "post.toml"
    path.write_text(content, "latin-1")
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


def test_a_technician_s_keys_are_those_beside_the_post_s_own_configuration(
    tmp_path: Path, table: dict[str, Any]
) -> None:
    for post in ("north", "south"):
        keys = tmp_path / post / "keys"
        keys.mkdir(parents=True)
        (keys / "sign.pem").touch()
    found = parse(table, folder=tmp_path / "south")
    assert found.records.signing_key == tmp_path / "south/keys/sign.pem"
    assert found.outbox.key_file == tmp_path / "south/outbox.key"  # is in neither


def test_what_may_be_set_from_afar_is_what_is_read_told_and_shown() -> None:
    allowed = {
        "vision": "minimum_score minimum_confidence minimum_characters motion_area",
        "passages": "lost_after_seconds longest_seconds repeat_seconds sure_confidence agreeing_frames "
        "agreeing_confidence",
        "hotlist": "warning_hours stale_hours look_alike_pairs look_alike_budget near_alternatives near_confidence "
        "hits_per_hour",
        "records": "hits_only read_patch read_overview patch_bytes overview_bytes health_seconds status_seconds",
        "custody": "behind_hours",
        "software": "version window_begin window_hours",
        "service": "revoked_ssh",
    }
    assert {f"{table}.{key}" for table, keys in allowed.items() for key in keys.split()} == REMOTE_KEYS

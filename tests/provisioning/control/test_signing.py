"""What a department signs, and what it refuses to."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.provisioning.cli import provision
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.people.person import NotCertifiedError
from platepost.wire.control.desired import read
from platepost.wire.records import Role
from platepost.wire.records.signing import read_key

WHY = ("--purpose", "work order 8001")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    fleet = Fleet.create(tmp_path_factory.mktemp("agency") / "fleet", agency="riverside")
    fleet.add_operator("j-stone", Role.ADMINISTRATOR)
    fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    fleet.add_post("post-1", PostSettings(brokers=("localhost:1",), camera="footage"))
    return fleet


def sign(fleet: Fleet, tmp_path: Path, *more: str) -> tuple[dict[str, object], Path]:
    file = tmp_path / "post-1.jws"
    arguments = ["configuration", "sign", str(fleet.directory), "post-1", *WHY, "-o", str(file), "--json"]
    result = CliRunner().invoke(provision, [*arguments, *more], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.output), file


def test_versions_go_up_by_themselves_and_the_file_is_the_fleet_s(fleet: Fleet, tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("[passages]\nrepeat_seconds = 20\n[records]\nread_overview = true\n")
    first, _ = sign(fleet, tmp_path)
    told, file = sign(fleet, tmp_path, "--from", str(settings), "--set", "vision.motion_area=0.01")
    assert told["version"] == int(str(first["version"])) + 1
    known = read(file.read_bytes(), read_key(fleet.configuration_verifying_key.read_bytes()))
    assert known.payload.settings == {
        "passages": {"repeat_seconds": 20},
        "records": {"read_overview": True},
        "vision": {"motion_area": 0.01},
    }
    assert (known.digest, known.payload.who) == (told["digest"], "j-stone")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--set", "uplink.brokers=['x:1']"), "may not be set remotely; allowed are"),
        (("--set", "vision.minimum_confidence"), r"SECTION\.KEY=VALUE"),
        (("--set", "speed=1"), r"SECTION\.KEY=VALUE"),
        (("--set", "vision.motion_area=a lot"), "not a TOML value"),
        (("--set", f"vision.motion_area={'9' * 5000}"), "not a TOML value"),
    ],
)
def test_what_no_post_would_take_is_not_signed(
    fleet: Fleet, tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    with pytest.raises(ProvisioningError, match=told):
        sign(fleet, tmp_path, *options)
    assert not (tmp_path / "post-1.jws").exists()


def test_a_post_of_another_fleet_is_not_signed_for(fleet: Fleet, tmp_path: Path) -> None:
    arguments = ["configuration", "sign", str(fleet.directory), "post-9", *WHY, "-o", str(tmp_path / "x")]
    with pytest.raises(ProvisioningError, match="not a post of this fleet"):
        CliRunner().invoke(provision, arguments, catch_exceptions=False)


def test_a_changed_file_is_not_published(fleet: Fleet, tmp_path: Path) -> None:
    _, file = sign(fleet, tmp_path)
    file.write_bytes(file.read_bytes()[:-4] + b"AAAA")
    with pytest.raises(ProvisioningError, match="bad_signature"):
        CliRunner().invoke(
            provision, ["configuration", "publish", str(fleet.directory), str(file), *WHY], catch_exceptions=False
        )


def test_who_signs_is_certified_and_it_is_logged(fleet: Fleet, tmp_path: Path) -> None:
    told, file = sign(fleet, tmp_path)
    act = list(fleet.acts)[-1]
    assert (act.identity, act.action, act.object) == ("j-stone", "configuration_signed", "post-1")
    assert act.details["version"] == told["version"]
    assert act.details["purpose"] == "work order 8001"
    for command in (("sign", "post-1", "-o", str(tmp_path / "other.jws")), ("publish", str(file))):
        arguments = ["configuration", command[0], str(fleet.directory), *command[1:], "--as", "r-alvarez"]
        with pytest.raises(NotCertifiedError, match="this command requires: administrator"):
            CliRunner().invoke(provision, [*arguments, "--purpose", "why not"], catch_exceptions=False)
    assert not (tmp_path / "other.jws").exists()


def test_help_shows_examples() -> None:
    for command in (("configuration", "sign"), ("configuration", "publish"), ("configuration", "show"), ("command",)):
        text = CliRunner().invoke(provision, [*command, "--help"]).output
        assert "Examples:" in text, command

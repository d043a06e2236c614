from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from platepost.common.errors import ConfigurationError
from platepost.device import config
from platepost.provisioning.cli import provision
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet

WHY = ("--purpose", "a new corner")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(provision, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_fleet_post_and_subscriber_are_made_from_the_command_line(tmp_path: Path) -> None:
    directory = str(tmp_path / "fleet")
    run("fleet", "init", directory, "--agency", "riverside", "--no-passphrase", "--broker-name", "broker.example")
    run("subscriber", "add", directory, "dispatch", *WHY)
    settings = ("--camera-setting", "path=/footage/a=b.mp4", "--camera-setting", "loop=true")
    output = run("post", "add", directory, "post-1", "--camera", "footage", *settings, "--latitude", "37.5", *WHY)

    assert "platepost run" in output
    assert f"platepost verify RECORDS --key {tmp_path / 'fleet' / 'records' / 'post-1.pem'}" in output
    assert f"platepost provision hotlist build CSV --fleet {directory} --output" in output
    assert (tmp_path / "fleet" / "records" / "post-1.pem").is_file()
    read = config.load(tmp_path / "fleet" / "posts" / "post-1" / "post.toml")
    assert read.uplink.brokers == ("broker.example:8883",)
    assert read.camera.settings == {"path": "/footage/a=b.mp4", "loop": True}
    assert read.post.latitude == 37.5
    assert read.post.longitude is None
    assert "user dispatch" in (tmp_path / "fleet" / "broker" / "acl").read_text()


@pytest.mark.parametrize(
    ("options", "custodians"),
    [((), ("records",)), (("--custodian", "vault"), ("vault",)), (("--no-custodian",), ())],
)
def test_a_fleet_has_a_custodian_from_its_first_command_on(
    tmp_path: Path, options: tuple[str, ...], custodians: tuple[str, ...]
) -> None:
    directory = tmp_path / "fleet"
    said = run("fleet", "init", str(directory), "--agency", "riverside", "--no-passphrase", *options)

    fleet = Fleet.load(directory)
    assert fleet.custodians() == custodians
    assert [(terms.name, terms.required) for terms in fleet.terms()] == [(name, True) for name in custodians]
    assert all(f"custody/{name}/" in said for name in custodians)


def test_setting_without_a_value_is_refused(tmp_path: Path) -> None:
    directory = str(tmp_path / "fleet")
    run("fleet", "init", directory, "--agency", "riverside", "--no-passphrase")
    for setting in ("path", "=clip.mp4", "frames per second=10"):
        with pytest.raises(ProvisioningError, match="key=value"):
            run("post", "add", directory, "post-1", "--camera", "footage", "--camera-setting", setting, *WHY)


@pytest.mark.parametrize("value", ["inf", "nan", "-inf"])
def test_a_setting_that_is_no_finite_number_is_refused_by_its_key(tmp_path: Path, value: str) -> None:
    directory = str(tmp_path / "fleet")
    run("fleet", "init", directory, "--agency", "riverside", "--no-passphrase")
    camera = ("--camera", "footage", "--camera-setting", "path=clip.mp4", "--camera-setting", f"zoom={value}")
    with pytest.raises(ConfigurationError, match=r"camera\.footage\.zoom"):
        run("post", "add", directory, "post-1", *camera, *WHY)


UNIT = ("--camera", "picamera2", "--camera-setting", "fastest_kmh=80", "--board", "rpi")


def test_a_unit_is_wired_from_the_command_line(tmp_path: Path) -> None:
    directory = str(tmp_path / "fleet")
    run("fleet", "init", directory, "--agency", "riverside", "--no-passphrase")
    pins = ("--board-setting", "tamper_pin=4", "--board-setting", "illuminator_pin=17")
    run("post", "add", directory, "post-1", *UNIT, *pins, *WHY)
    read = config.load(tmp_path / "fleet" / "posts" / "post-1" / "post.toml")
    assert read.camera.settings == {"fastest_kmh": 80}
    assert read.board.settings == {"tamper_pin": 4, "illuminator_pin": 17}


def test_wiring_that_cannot_be_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    directory = str(tmp_path / "fleet")
    run("fleet", "init", directory, "--agency", "riverside", "--no-passphrase")
    with pytest.raises(ConfigurationError, match=r"board\.rpi\.tamper_pin = 99"):
        run("post", "add", directory, "post-1", *UNIT, "--board-setting", "tamper_pin=99", *WHY)
    assert not (tmp_path / "fleet" / "posts").exists()


@pytest.mark.parametrize(
    "options", [(), ("--camera", "picamera"), ("--camera", "footage", "--board", "turing")], ids=lambda o: o[-1:]
)
def test_backend_that_is_not_installed_is_refused_with_those_that_are(tmp_path: Path, options: tuple[str, ...]) -> None:
    directory = str(tmp_path / "fleet")
    run("fleet", "init", directory, "--agency", "riverside", "--no-passphrase")

    result = CliRunner().invoke(provision, ["post", "add", directory, "post-1", *options, *WHY])

    assert result.exit_code == 2
    assert ("virtual" if "--board" in options else "footage") in result.output
    assert not (tmp_path / "fleet" / "posts").exists()


def test_files_of_other_brokers_are_written_anew_for_who_was_added(tmp_path: Path) -> None:
    directory = tmp_path / "fleet"
    run("fleet", "init", str(directory), "--agency", "riverside", "--no-passphrase")
    for name in ("one", "two"):
        run("subscriber", "add", str(directory), name, *WHY)
        assert "import_definitions" in run(
            "broker", "rabbitmq", str(directory), "--node", "rabbit@a=10.0.7.1", "--node", "rabbit@b=10.0.7.2"
        )
        folder = directory / "broker"
        assert f'"user": "{name}"' in (folder / "rabbitmq" / "definitions.json").read_text()
    assert "nodes.2 = rabbit@b" in (folder / "rabbitmq" / "rabbitmq.conf").read_text()
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder / "rabbitmq").iterdir())


def leaves(command: click.Command, *path: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from leaves(found, *path, name)


def test_every_command_has_examples_that_name_what_it_demands() -> None:
    for path, command in leaves(provision, "platepost", "provision"):
        examples = (command.epilog or "").replace("\\\n", " ").replace('..."', '"').splitlines()
        given = [line for line in examples if line.strip().removeprefix("sudo ").startswith("platepost ")]
        assert given, path
        demanded = [one.opts for one in command.params if isinstance(one, click.Option) and one.required]
        for line in given:
            assert all(any(name in line for name in names) for names in demanded), line

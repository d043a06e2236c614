"""Who may aim, and where the page may stand: refused before a camera is opened or a port is."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from pytest_mock import MockerFixture

from platepost.common.errors import PlatepostError
from platepost.common.language import day, local
from platepost.common.settings import BackendSettings
from platepost.device.camera.view import View, Views
from platepost.device.commands.options import CONFIG_FILE
from platepost.device.config import load
from platepost.device.enrollment.settings import ServiceSettings
from platepost.device.outbox.outbox import Outbox
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.technician.aim.advice import Road
from platepost.technician.commands.aim import PURPOSE, _road, aim, left_to_do, next_command
from platepost.technician.technician import certified
from platepost.wire.records import Role


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    fleet.add_post("post-1", PostSettings(brokers=("localhost:1",), camera="footage", camera_settings={"path": "x"}))
    fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    return fleet


def refusal(fleet: Fleet, who: Path, *words: str) -> str:
    arguments = ["--config", str(fleet.post("post-1") / "post.toml"), "--as", str(who), *words]
    with pytest.raises(PlatepostError) as caught:
        CliRunner().invoke(aim, arguments, catch_exceptions=False)
    return str(caught.value)


@pytest.mark.parametrize(
    ("address", "said"),
    [("0.0.0.0", "every interface"), ("8.8.8.8", "public address"), ("eth0", "an address of")],  # noqa: S104
)
def test_the_page_is_not_served_where_others_could_reach_it(fleet: Fleet, address: str, said: str) -> None:
    assert said in refusal(fleet, fleet.operator("r-alvarez"), "--address", address)


def test_who_may_only_look_may_not_aim(fleet: Fleet) -> None:
    assert "not as technician" in refusal(fleet, fleet.add_operator("watcher", Role.OPERATOR))


def test_a_technician_of_another_fleet_is_nobody_here(fleet: Fleet, tmp_path: Path) -> None:
    other = Fleet.create(tmp_path / "other", agency="riverside")
    assert "not of this fleet's authority" in refusal(fleet, other.add_operator("r-alvarez", Role.TECHNICIAN))


def test_a_certificate_without_its_key_is_no_identity(fleet: Fleet) -> None:
    folder, other = fleet.operator("r-alvarez"), fleet.add_operator("j-stone", Role.TECHNICIAN)
    (folder / "private_key.pem").write_bytes((other / "private_key.pem").read_bytes())
    assert "the key does not belong to r-alvarez's certificate" in refusal(fleet, folder)


def test_an_expired_certification_is_said_with_its_date(fleet: Fleet) -> None:
    configuration = load(fleet.post("post-1") / "post.toml")
    folder = fleet.operator("r-alvarez")
    end = certified(configuration, folder, purpose="test").identity.expires
    with pytest.raises(PlatepostError, match=f"has expired .it ended on {day(end)}; is the unit's clock right"):
        certified(configuration, folder, purpose="test", at=end + timedelta(days=1))


def test_of_a_certification_that_has_not_begun_it_is_said_that_the_clock_is_behind(fleet: Fleet) -> None:
    configuration = load(fleet.post("post-1") / "post.toml")
    early = datetime(2020, 1, 1, 12, tzinfo=UTC)
    said = rf"not valid yet .it begins on 20.*clock shows {re.escape(local(early))}: it is b"
    with pytest.raises(PlatepostError, match=said):
        certified(configuration, fleet.operator("r-alvarez"), purpose="test", at=early)


def test_a_post_that_runs_is_to_be_stopped_first(fleet: Fleet) -> None:
    with Outbox.of(load(fleet.post("post-1") / "post.toml").outbox):
        assert "systemctl stop platepost" in refusal(fleet, fleet.operator("r-alvarez"))


@pytest.mark.parametrize("text", ["1/0", "fast", "0", "-1/1000", "2"])
def test_a_shutter_that_cannot_be_is_refused(fleet: Fleet, text: str) -> None:
    folder = fleet.operator("r-alvarez")
    arguments = ["--config", str(fleet.post("post-1") / "post.toml"), "--as", str(folder), "--shutter", text]
    result = CliRunner().invoke(aim, arguments)
    assert result.exit_code == 2
    assert "such as 1/1000" in result.output


def test_what_the_camera_is_set_for_is_the_road_unless_the_service_says_otherwise(fleet: Fleet) -> None:
    configuration = load(fleet.post("post-1") / "post.toml")
    assert _road(configuration) == Road()
    camera = BackendSettings.model_validate({"backend": "picamera2", "picamera2": {"fastest_kmh": 80.4672}})
    road = _road(configuration.model_copy(update={"camera": camera}))
    assert road.speed_mph == pytest.approx(50)
    assert road.shutter_seconds is not None
    assert 1 / 2000 < road.shutter_seconds < 1 / 500
    service = ServiceSettings(speed_mph=30, shutter=0.002)
    road = _road(configuration.model_copy(update={"camera": camera, "service": service}))
    assert (road.speed_mph, road.shutter_seconds) == (30, 0.002)


def test_the_next_command_is_whole(mocker: MockerFixture) -> None:
    mounted = mocker.patch.object(Path, "is_mount", autospec=True, side_effect=lambda path: str(path) in {"/mnt", "/"})
    stick = Path("/mnt/r-alvarez")
    assert next_command(CONFIG_FILE, stick, PURPOSE) == "sudo platepost accept --as /mnt/r-alvarez --output /mnt"
    assert next_command(CONFIG_FILE, stick, "work order 7731").endswith(" --output /mnt --purpose 'work order 7731'")
    elsewhere = next_command(Path("/srv/a post/post.toml"), Path("/home/r-alvarez"), PURPOSE)
    assert elsewhere == "sudo platepost accept --config '/srv/a post/post.toml' --as /home/r-alvarez"
    assert next_command(CONFIG_FILE, Path("/r-alvarez"), PURPOSE) == "sudo platepost accept --as /r-alvarez"
    assert mounted.called


def test_a_view_of_before_and_one_that_was_moved_since_are_not_passed_over() -> None:
    def of(date: int) -> View:
        street = np.zeros((36, 64), np.uint8)
        return View.of(street, accepted=datetime(2026, 3, date, 12, tzinfo=UTC), accepted_by="r-alvarez")

    both = Views(day=of(14), infrared=of(1))
    assert left_to_do(both, accepted={"day", "infrared"}, outdated=()) == []
    (said,) = left_to_do(both, accepted={"day"}, outdated=())
    assert said.startswith("The view in infrared is from 2026-03-01: if the camera or lens was turned since")
    (said,) = left_to_do(both, accepted={"day", "infrared"}, outdated={"day"})
    assert said == "The camera was moved after the view in daylight was accepted: run the same command again."
    (said,) = left_to_do(Views(day=of(14)), accepted={"day"}, outdated=())
    assert said.startswith("No view is accepted in infrared")

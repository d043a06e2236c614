"""Building lists while the key that signs them is replaced."""

import json
from pathlib import Path

import pytest

from platepost.provisioning.control.keys.rotation import announce, retire, take_into_use
from platepost.provisioning.fleet.fleet import Fleet
from platepost.wire.hotlist import HotListRefused
from platepost.wire.hotlist.package import verify_package
from platepost.wire.records import Purpose
from tests.provisioning.commands.hotlist.test_delta import EXPORT, Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    assert made.run("build", made.file("export.csv", EXPORT)).exit_code == 0
    return made


def rotate(fleet: Fleet, *, revoke: bool = False) -> None:
    announce(fleet, fleet.keys(Purpose.LISTS), "j-stone", vouch="root" if revoke else "key", revoke=revoke)
    take_into_use(fleet.keys(Purpose.LISTS))


def delta(office: Office) -> dict[str, object]:
    result = office.run("delta", "--remove", office.file("gone.csv", "plate\nT00001\n"), output="list.delta")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    said: dict[str, object] = json.loads(result.stdout)
    return said


def test_a_delta_of_the_new_key_goes_on_from_the_former_s_list(office: Office) -> None:
    rotate(office.fleet)
    retire(office.fleet.keys(Purpose.LISTS), "j-stone")
    said = delta(office)
    assert said["base"]["version"] + 1 == said["version"]  # type: ignore[index]
    keys = office.fleet.keys(Purpose.LISTS)
    verify_package((office.folder / "list.delta").read_bytes(), keys.accepted())
    with pytest.raises(HotListRefused):
        verify_package((office.folder / "out.package").read_bytes(), keys.accepted())


def test_after_a_revocation_a_complete_list_follows_and_no_delta(office: Office) -> None:
    rotate(office.fleet, revoke=True)
    with pytest.raises(HotListRefused):
        delta(office)
    result = office.run("build", office.file("export.csv", EXPORT))
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["version"] == said["previous"]["version"] + 1
    delta(office)

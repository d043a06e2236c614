"""What is made of messages that anybody may have written."""

from pathlib import Path
from typing import Any

import pytest

from device.records import Role
from provisioning.commands.command import _open
from provisioning.control.wire import data_of
from provisioning.errors import ProvisioningError
from provisioning.fleet.fleet import Fleet
from provisioning.people.person import Person


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b'{"data": 1}', b"[" * 30_000])
def test_what_is_no_event_has_no_data(payload: bytes) -> None:
    assert data_of(payload) == {}


def test_a_still_that_is_sealed_to_nobody_does_not_open(tmp_path: Path) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    identity = Person.load(fleet.add_operator("r-alvarez", Role.TECHNICIAN))
    sealed: list[Any] = [{}, 1, {"recipients": 1}, {"protected": 1, "recipients": [{}], "ciphertext": "", "tag": ""}]
    for each in sealed:
        with pytest.raises(ProvisioningError, match="does not open"):
            _open(each, identity, tmp_path / "still.jpg")

"""What `platepost provision command` makes of an answer."""

from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from platepost.provisioning.commands.command import _open
from platepost.provisioning.errors import ProvisioningError
from platepost.wire.control.seal import seal_to

KEY = ECKey.generate_key("P-256")
STILL = b"\xff\xd8 a street"


@pytest.fixture
def person(mocker: Any) -> Any:
    return mocker.Mock(key=KEY)


def test_a_still_is_written_for_its_owner_only(person: Any, tmp_path: Path) -> None:
    output = tmp_path / "still.jpg"
    output.touch(mode=0o644)  # an older one, which others may read
    _open(seal_to(KEY, STILL, media_type="image/jpeg"), person, output)
    assert (output.read_bytes(), output.stat().st_mode & 0o777) == (STILL, 0o600)


def test_a_still_that_cannot_be_written_is_named(person: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProvisioningError, match="the still cannot be written"):
        _open(seal_to(KEY, STILL, media_type="image/jpeg"), person, tmp_path / "file" / "still.jpg")


def test_a_still_for_somebody_else_does_not_open(person: Any, tmp_path: Path) -> None:
    sealed = seal_to(ECKey.generate_key("P-256"), STILL, media_type="image/jpeg")
    with pytest.raises(ProvisioningError, match="cannot be decrypted"):
        _open(sealed, person, tmp_path / "still.jpg")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "sealed", [{}, 1, {"recipients": 1}, {"protected": 1, "recipients": [{}], "ciphertext": "", "tag": ""}]
)
def test_a_still_that_is_sealed_to_nobody_does_not_open(person: Any, sealed: Any, tmp_path: Path) -> None:
    with pytest.raises(ProvisioningError, match="cannot be decrypted"):
        _open(sealed, person, tmp_path / "still.jpg")

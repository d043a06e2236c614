"""A certificate that a technician brings to a post: the same key, and nothing else changes."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from platepost.common.secrets.certificate import certificate
from platepost.device.commands.renew import renew
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.fleet.rotation import renew_client
from platepost.provisioning.trust.certificates import LEAF_VALID, Issuance
from platepost.wire.enrollment.errors import EnrollmentError
from tests.device.nobody import needs_root

LONG_AGO = Issuance(now=lambda: datetime.now(UTC) - LEAF_VALID - timedelta(days=200))


class Pole:
    """A post whose certificate ended months ago, and a stick from the office."""

    def __init__(self, folder: Path) -> None:
        made = Fleet.create(folder / "fleet", agency="riverside", issuance=LONG_AGO)
        self.fleet, self.unit, self.stick = Fleet.load(made.directory), folder / "unit", folder / "certificate.pem"
        made.add_post("post-17", PostSettings(brokers=("127.0.0.1:1",), camera="footage"))
        made.post("post-17").rename(self.unit)
        self.fleet.post("post-17").mkdir()
        self.kept = self.fleet.post("post-17") / "certificate.pem"
        self.kept.write_bytes(self.certificate.read_bytes())

    @property
    def certificate(self) -> Path:
        return self.unit / "certificate.pem"

    def renew(self, *words: str) -> Result:
        return CliRunner().invoke(renew, [str(self.stick), "--config", str(self.unit / "post.toml"), *words])

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        before = self.certificate.read_bytes()
        yield
        assert self.certificate.read_bytes() == before


@pytest.fixture
def pole(tmp_path: Path) -> Pole:
    return Pole(tmp_path)


def test_a_post_whose_certificate_ended_long_ago_goes_on_with_its_keys_and_records(pole: Pole) -> None:
    assert certificate(pole.certificate).not_valid_after_utc < datetime.now(UTC) - timedelta(days=60)
    advice = renew_client(pole.fleet, "post-17").advice
    assert "At the unit of post-17, `sudo platepost renew FILE`" in advice
    pole.stick.write_bytes(pole.kept.read_bytes())
    others = {path: path.read_bytes() for path in pole.unit.rglob("*") if path.is_file() and path != pole.certificate}
    result = pole.renew()
    assert result.exit_code == 0, result.output
    assert "The certificate of post-17 is good until 20" in result.output
    assert certificate(pole.certificate).not_valid_after_utc > datetime.now(UTC) + timedelta(days=500)
    assert {path: path.read_bytes() for path in others} == others
    assert json.loads(pole.renew("--json").output)["post"] == "post-17", "the same again changes nothing"


@pytest.mark.parametrize("of", ["another post", "another key", "another fleet", "nothing", "an older one"])
def test_a_certificate_that_is_not_this_post_s_next_one_is_refused_by_name(pole: Pole, tmp_path: Path, of: str) -> None:
    authority, key = pole.fleet.open_authority(), pole.fleet.issuance.make_key()
    if of == "another post":
        chain, said = authority.issue_client("post-18", key), "is for post-18"
    elif of == "another key":
        chain, said = authority.issue_client("post-17", key), "is for another unit's key"
    elif of == "another fleet":
        other = Fleet.create(tmp_path / "other", agency="riverside").open_authority()
        chain, said = other.issue_client("post-17", key), "another department's authority"
    elif of == "nothing":
        chain, said = b"empty", "not a readable certificate"
    else:
        renew_client(pole.fleet, "post-17")
        chain, said = pole.kept.read_bytes(), "older than the post's own certificate"
        pole.fleet.issuance = Issuance(now=lambda: datetime.now(UTC) + timedelta(days=30))
        renew_client(pole.fleet, "post-17")
        pole.certificate.write_bytes(pole.kept.read_bytes())
    pole.stick.write_bytes(chain)
    with pole.unchanged():
        result = pole.renew()
    assert isinstance(result.exception, EnrollmentError)
    assert said in str(result.exception)


def test_a_file_that_is_not_there_is_said_in_words(pole: Pole) -> None:
    with pole.unchanged():
        result = pole.renew()
    assert isinstance(result.exception, EnrollmentError)
    assert str(result.exception).startswith(f"{pole.stick}: No such file or directory")


@needs_root
def test_the_service_can_read_and_replace_what_root_brought(pole: Pole) -> None:
    renew_client(pole.fleet, "post-17")
    pole.stick.write_bytes(pole.kept.read_bytes())
    os.chown(pole.certificate, 0, 4242)
    pole.certificate.chmod(0o640)
    pole.renew()
    found = pole.certificate.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (0, 4242, 0o640)

"""The fleet's side of a new signing key: what is on disk at every step, and what a post makes of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from platepost.device.control import Rejection, SigningKeys
from platepost.device.control.keys.store import KeyStore
from platepost.provisioning.control.keys.rotation import announce, retire, take_into_use
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.fleet.rotation import rotate_authority
from platepost.provisioning.trust.key_files import KeyFiles
from platepost.provisioning.trust.keys import read_private_key
from platepost.wire.keys.statement import LARGEST, MOST_LINES, Key, roots_of
from platepost.wire.records import DEPARTMENT_PURPOSES, Purpose
from platepost.wire.records.signing import read_key

NOW = datetime.now(UTC)
LISTS = Purpose.LISTS


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    made = Fleet.create(tmp_path / "fleet", agency="riverside")
    made.add_post("post-1", PostSettings(brokers=("localhost:1",)))
    return made


def post(fleet: Fleet, purpose: Purpose = LISTS, *, given: bytes | None = None) -> SigningKeys:
    """Start the software of a post that was made with the fleet."""
    folder = fleet.post("post-1")
    name = {LISTS: "issuer_key.pem", Purpose.CONFIGURATION: "configuration_key.pem"}[purpose]
    keys = SigningKeys(
        purpose,
        Key.of(given or (folder / name).read_bytes()),
        agency=fleet.agency,
        roots=roots_of(x509.load_pem_x509_certificates((folder / "ca.pem").read_bytes())),
        store=KeyStore(folder / "state" / ("given" if given else "control"), purpose),
    )
    keys.load()
    return keys


def on_act(fleet: Fleet, keys: SigningKeys) -> list[str]:
    """Have a post hear all that is said; return what it refused."""
    keys.receive(b"\n".join(fleet.keys(keys.purpose).lines()), at=NOW)
    return [str(event.reason) for event in keys.take_events() if event.reason is not None]


def present(fleet: Fleet, purpose: Purpose = LISTS) -> str:
    """The key in force, whose two halves fit."""
    files = fleet.keys(purpose)
    public = read_key(files.verifying.read_bytes())
    own = read_private_key(files.signing).public_key()
    assert own == public.public_key
    return public.thumbprint()


def rotate(fleet: Fleet, purpose: Purpose = LISTS, **more: Any) -> str:
    announce(fleet, fleet.keys(purpose), "j-stone", **more)
    take_into_use(fleet.keys(purpose))
    return present(fleet, purpose)


@pytest.mark.parametrize("purpose", DEPARTMENT_PURPOSES)
def test_a_key_is_announced_used_and_the_former_retired(fleet: Fleet, purpose: Purpose) -> None:
    files, keys = fleet.keys(purpose), post(fleet, purpose)
    former = present(fleet, purpose)
    done = announce(fleet, fleet.keys(purpose), "j-stone")
    assert (done.former, done.number, present(fleet, purpose)) == (former, "0.1", former)
    assert on_act(fleet, keys) == []
    assert keys.state(NOW).key == done.present
    assert keys.state(NOW).former == (former,)
    take_into_use(fleet.keys(purpose))
    assert present(fleet, purpose) == done.present
    assert not files.next.exists()
    assert [path.stem for path in files.former()] == [former]
    assert {key.thumbprint() for key in files.accepted()} == {former, done.present}
    assert retire(fleet.keys(purpose), "j-stone").number == "0.2"
    assert on_act(fleet, keys) == []
    assert keys.state(NOW).former == ()
    assert [key.thumbprint() for key in files.accepted()] == [done.present]
    assert {key.thumbprint() for key in files.readable()} == {former, done.present}


def test_keys_of_the_other_purpose_stay(fleet: Fleet) -> None:
    before = present(fleet, Purpose.CONFIGURATION)
    rotate(fleet)
    assert present(fleet, Purpose.CONFIGURATION) == before
    other = post(fleet, Purpose.CONFIGURATION)
    other.receive(b"\n".join(fleet.keys(LISTS).lines()), at=NOW)
    assert {str(event.reason) for event in other.take_events()} == {"bad_signature"}


def test_a_post_that_was_away_for_years_finds_the_way(fleet: Fleet) -> None:
    keys = post(fleet)
    for _ in range(3):
        rotate(fleet)
        retire(fleet.keys(LISTS), "j-stone")
    assert on_act(fleet, keys) == []
    assert (keys.state(NOW).key, keys.state(NOW).number) == (present(fleet), 6)


def test_a_post_that_is_enrolled_in_between_goes_by_the_statements_too(fleet: Fleet) -> None:
    rotate(fleet)
    retire(fleet.keys(LISTS), "j-stone")
    rotate(fleet)
    keys = post(fleet, given=fleet.keys(LISTS).verifying.read_bytes())
    assert on_act(fleet, keys) == []
    assert (keys.state(NOW).key, keys.state(NOW).number) == (present(fleet), 3)


def test_all_that_is_said_fits_into_one_message_for_ever(fleet: Fleet) -> None:
    latest = post(fleet)
    for _ in range(14):
        rotate(fleet)
        retire(fleet.keys(LISTS), "j-stone")
        assert on_act(fleet, latest) == []
    lines = fleet.keys(LISTS).lines()
    assert len(lines) == MOST_LINES
    assert len(b"\n".join(lines)) < LARGEST
    stranded = post(fleet, given=(fleet.post("post-1") / "issuer_key.pem").read_bytes())
    assert on_act(fleet, stranded) == ["bad_signature"]
    rotate(fleet, vouch="root")
    assert on_act(fleet, stranded) == on_act(fleet, latest) == []
    assert stranded.state(NOW).key == latest.state(NOW).key == present(fleet)


def test_a_revoked_key_is_gone_from_the_office_too(fleet: Fleet) -> None:
    keys, files = post(fleet), fleet.keys(LISTS)
    retired = present(fleet)
    stolen = rotate(fleet)
    retire(fleet.keys(LISTS), "j-stone")
    announce(fleet, fleet.keys(LISTS), "j-stone", vouch="root", revoke=True)
    take_into_use(fleet.keys(LISTS))
    assert {path.stem for path in files.former(revoked=True)} == {stolen, retired}
    assert [key.thumbprint() for key in files.readable()] == [present(fleet)]
    assert on_act(fleet, keys) == []
    assert (keys.state(NOW).era, keys.state(NOW).key) == (1, present(fleet))
    assert len(files.lines()) == 2, "nothing that was said before is needed any more"


def test_a_revocation_while_another_key_is_on_its_way_needs_no_root(fleet: Fleet) -> None:
    """Posts may go by the key on its way already: nothing but it can vouch for the next."""
    keys = post(fleet)
    announce(fleet, fleet.keys(LISTS), "j-stone")
    on_act(fleet, keys)
    announce(fleet, fleet.keys(LISTS), "j-stone", vouch="key", revoke=True)
    take_into_use(fleet.keys(LISTS))
    assert on_act(fleet, keys) == []
    assert keys.state(NOW).key == present(fleet)


def test_only_the_root_s_own_key_vouches_and_only_when_it_is_here(fleet: Fleet) -> None:
    keys = post(fleet)
    kept = fleet.root / "private_key.pem"
    own = kept.read_bytes()
    kept.unlink()
    before = {path: path.read_bytes() for path in fleet.directory.rglob("*") if path.is_file()}
    with pytest.raises(ProvisioningError, match="copy its key back"):
        announce(fleet, fleet.keys(LISTS), "j-stone", vouch="root")
    assert {path: path.read_bytes() for path in fleet.directory.rglob("*") if path.is_file()} == before
    # The issuing authority is not the root, though posts trust what it issues.
    kept.write_bytes((fleet.authority / "private_key.pem").read_bytes())
    announce(fleet, fleet.keys(LISTS), "j-stone", vouch="root")
    assert on_act(fleet, keys) == ["bad_signature"]
    kept.write_bytes(own)
    rotate_authority(fleet)
    announce(fleet, fleet.keys(LISTS), "j-stone", vouch="root", revoke=True)
    assert on_act(fleet, keys) == []


def test_another_is_begun_only_when_the_former_is_gone(fleet: Fleet) -> None:
    rotate(fleet)
    with pytest.raises(ProvisioningError, match="retire it first"):
        announce(fleet, fleet.keys(LISTS), "j-stone")
    retire(fleet.keys(LISTS), "j-stone")
    rotate(fleet, overlap=timedelta(days=30))
    with pytest.raises(ProvisioningError, match="retire it first"):
        announce(fleet, fleet.keys(LISTS), "j-stone")
    announce(fleet, fleet.keys(LISTS), "j-stone", now=NOW + timedelta(days=31))


def test_what_was_never_replaced_cannot_be_retired_and_what_is_retired_is_said_again(fleet: Fleet) -> None:
    with pytest.raises(ProvisioningError, match="never replaced"):
        retire(fleet.keys(LISTS), "j-stone")
    announce(fleet, fleet.keys(LISTS), "j-stone")
    with pytest.raises(ProvisioningError, match="not in use yet"):
        retire(fleet.keys(LISTS), "j-stone")
    take_into_use(fleet.keys(LISTS))
    first = retire(fleet.keys(LISTS), "j-stone")
    assert retire(fleet.keys(LISTS), "j-stone").number == first.number


def test_the_next_key_is_sealed_as_the_others_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text("a passphrase of the fleet's\n")
    phrase.chmod(0o600)
    monkeypatch.setenv("PLATEPOST_PASSPHRASE_FILE", str(phrase))
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside", passphrase=b"a passphrase of the fleet's")
    announce(fleet, fleet.keys(LISTS), "j-stone")
    assert b"ENCRYPTED" in fleet.keys(LISTS).next.read_bytes()
    take_into_use(fleet.keys(LISTS))
    assert b"ENCRYPTED" in fleet.keys(LISTS).signing.read_bytes()
    assert {path.stat().st_mode & 0o077 for path in (fleet.directory / "hotlist").rglob("*")} == {0}


class PowerCut(BaseException):
    pass


CUTS = ["write_next", "_write", "write_lines", "keep_former", "use_next"]


@pytest.mark.parametrize("call", CUTS)
@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_rotation_cut_off_anywhere_goes_on_with_the_same_command(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, call: str, nth: int, *, after: bool
) -> None:
    keys, whole, count = post(fleet), getattr(KeyFiles, call), 0

    def cut(*args: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        if count == nth and not after:
            raise PowerCut
        result = whole(*args, **more)
        if count == nth:
            raise PowerCut
        return result

    with monkeypatch.context() as patch:
        patch.setattr(KeyFiles, call, cut)
        try:
            rotate(fleet)
        except PowerCut:
            # What was said before the cut may have been heard.
            on_act(fleet, keys)
    files = fleet.keys(LISTS)
    done = announce(fleet, fleet.keys(LISTS), "j-stone") if files.next.exists() or not files.lines() else None
    take_into_use(fleet.keys(LISTS))
    assert done is None or done.present == present(fleet)
    assert on_act(fleet, keys) in ([], [Rejection.BAD_SIGNATURE.value])
    assert keys.state(NOW).key == present(fleet)
    assert len(fleet.keys(LISTS).former()) == 1


def test_statements_that_are_damaged_are_named(fleet: Fleet) -> None:
    rotate(fleet)
    (fleet.directory / "hotlist" / "keys" / "statements").write_bytes(b"x\n")
    with pytest.raises(ProvisioningError, match="damaged"):
        retire(fleet.keys(LISTS), "j-stone")

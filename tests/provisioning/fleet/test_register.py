"""The register of posts' keys: what it says after each change, and what is no register."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import sleep

import pytest
from click.testing import CliRunner
from joserfc.jwk import ECKey

from platepost.provisioning.cli import provision
from platepost.provisioning.control.keys.rotation import announce, take_into_use
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.fleet.reads import ReadsGrant
from platepost.provisioning.fleet.register import (
    REGISTER_TYPE,
    FeedHolder,
    PostKey,
    PostKeyRegister,
    PostKeys,
    RegisterRefusedError,
    open_register,
    write_register,
)
from platepost.provisioning.trust.keys import new_key, private_pem, public_pem, signing_jwk
from platepost.wire.jose import sign
from platepost.wire.records import Purpose
from platepost.wire.records.signing import read_key

SETTINGS = PostSettings(brokers=("localhost:8883",))


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    made = Fleet.create(tmp_path / "fleet", agency="riverside")
    made.add_post("post-1", SETTINGS)
    return made


def kid(path: Path) -> str:
    return read_key(path.read_bytes()).thumbprint()


def said(fleet: Fleet) -> PostKeyRegister:
    key = read_key(fleet.configuration_verifying_key.read_bytes())
    return open_register(fleet.register.read_bytes(), [key])[0]


def states(fleet: Fleet, post: str) -> list[str | None]:
    (found,) = (each for each in said(fleet).posts if each.name == post)
    return [key.ended for key in found.keys]


def test_a_new_post_is_in_it_at_once(fleet: Fleet) -> None:
    first = said(fleet)
    fleet.add_post("post-2", SETTINGS)
    second = said(fleet)
    assert [post.name for post in second.posts] == ["post-1", "post-2"]
    assert [key.kid for post in second.posts for key in post.keys] == [
        kid(fleet.record_key("post-1")),
        kid(fleet.record_key("post-2")),
    ]
    assert second.agency == "riverside"
    assert second.number > first.number
    assert second.posts[0] == first.posts[0], "what was said of the others stays"
    assert abs(datetime.now(UTC) - second.posts[1].keys[0].since) < timedelta(minutes=1)


def test_it_names_who_hears_every_read(fleet: Fleet) -> None:
    fleet.add_subscriber("dispatch")
    fleet.add_subscriber("analysis", reads=ReadsGrant("order 31", date(2099, 3, 31)))
    write_register(fleet)
    first = said(fleet)
    assert first.readers == (FeedHolder(name="analysis", reason="order 31", until=date(2099, 3, 31)),)
    fleet.grant_reads("analysis", None)
    write_register(fleet)
    assert (said(fleet).readers, said(fleet).number > first.number) == (None, True)


def test_a_revoked_post_s_key_ends_and_stays_named(fleet: Fleet, tmp_path: Path) -> None:
    before = said(fleet)
    fleet.post("post-1").rename(tmp_path / "gone")
    write_register(fleet)
    (key,) = said(fleet).posts[0].keys
    assert key.ended == "revoked"
    assert key.until is not None
    assert key.until >= before.issued
    again = said(fleet)
    write_register(fleet)
    assert said(fleet) == again, "it ended once"


def test_a_fleet_without_a_register_says_when_its_revoked_posts_ended(fleet: Fleet, tmp_path: Path) -> None:
    for reason in ("superseded", "revoked"):
        fleet.revoke_certificates("post-1", reason)
        fleet.certify_post("post-1", new_key().public_key())
        sleep(0.01)
    fleet.revoke_certificates("post-1", "revoked")
    *_, (_, _, at) = fleet.certificates.revocations()
    fleet.post("post-1").rename(tmp_path / "gone")
    fleet.register.unlink()
    write_register(fleet)
    (key,) = said(fleet).posts[0].keys
    assert (key.ended, key.until) == ("revoked", at)


def test_a_rotation_signs_it_anew_and_a_stolen_key_s_is_not_taken(fleet: Fleet) -> None:
    keys = fleet.keys(Purpose.CONFIGURATION)
    old, before = read_key(keys.verifying.read_bytes()), fleet.register.read_bytes()
    announce(fleet, keys, "j-stone", vouch="root", revoke=True)
    take_into_use(keys)
    write_register(fleet)
    assert said(fleet).number > open_register(before, [old])[0].number
    with pytest.raises(RegisterRefusedError, match="not of the expected key"):
        open_register(fleet.register.read_bytes(), [old])


def test_a_fleet_from_a_backup_goes_on_above(fleet: Fleet) -> None:
    fleet.register.unlink()
    _, made = write_register(fleet)
    assert made.number >= (datetime.now(UTC).timestamp() - 60) * 1000


def test_a_clock_that_was_set_back_lets_the_number_go_up_all_the_same(fleet: Fleet) -> None:
    ahead = said(fleet).model_copy(update={"number": 2**52})
    key = signing_jwk(fleet.keys(Purpose.CONFIGURATION).signing)
    payload = json.dumps(ahead.wire()).encode()
    fleet.register.write_bytes(sign(payload, key, typ=REGISTER_TYPE, kid=key.thumbprint()))
    fleet.add_post("post-2", SETTINGS)
    assert said(fleet).number == 2**52 + 1


def test_a_damaged_register_is_not_overwritten(fleet: Fleet) -> None:
    fleet.register.write_bytes(fleet.register.read_bytes()[:-9] + b"AAAAAAAAA")
    with pytest.raises(ProvisioningError, match="Delete it: the next command makes it again"):
        fleet.add_post("post-2", SETTINGS)


def test_a_register_of_ten_thousand_posts_is_read(fleet: Fleet) -> None:
    key = said(fleet).posts[0].keys[0]
    posts = tuple(PostKeys(name=f"post-{number}", keys=(key,)) for number in range(10_000))
    large = said(fleet).model_copy(update={"posts": posts})
    signing = signing_jwk(fleet.configuration_signing_key)
    message = sign(json.dumps(large.wire()).encode(), signing, typ=REGISTER_TYPE)
    assert len(open_register(message, [signing])[0].posts) == 10_000


@pytest.fixture
def signing() -> ECKey:
    return ECKey.import_key(private_pem(new_key()))


def one_key() -> PostKey:
    public = public_pem(new_key())
    return PostKey(kid=read_key(public).thumbprint(), public_key=public.decode(), since=datetime.now(UTC))


def payload(*posts: PostKeys, **more: object) -> bytes:
    register = PostKeyRegister(agency="riverside", number=7, issued=datetime.now(UTC), posts=posts)
    return json.dumps(register.wire() | more).encode()


def refusal(message: bytes, signing: ECKey) -> str:
    with pytest.raises(RegisterRefusedError) as caught:
        open_register(message, [signing])
    return str(caught.value)


def test_what_is_no_register_is_refused(signing: ECKey) -> None:
    good = payload(PostKeys(name="post-1", keys=(one_key(),)))
    assert open_register(sign(good, signing, typ=REGISTER_TYPE), [signing])[0].number == 7
    assert "typ" in refusal(sign(good, signing, typ="platepost-receipt+jws"), signing)
    assert "not of the expected key" in refusal(
        sign(good, ECKey.import_key(private_pem(new_key())), typ=REGISTER_TYPE), signing
    )
    assert "compact JWS" in refusal(b"nothing", signing)
    for wrong in (
        payload(more=1),
        payload(number="8"),
        payload(number=0),
        payload(agency="../etc"),
        good.replace(b'"kid"', b'"kid": "A", "kid"'),
        b"[]",
    ):
        assert refusal(sign(wrong, signing, typ=REGISTER_TYPE), signing)


def test_a_key_under_another_s_thumbprint_is_refused(signing: ECKey) -> None:
    false = one_key().model_copy(update={"kid": one_key().kid})
    message = sign(payload(PostKeys(name="post-1", keys=(false,))), signing, typ=REGISTER_TYPE)
    assert "by another's thumbprint" in refusal(message, signing)


def test_a_post_or_key_that_is_named_twice_is_refused(signing: ECKey) -> None:
    key = one_key().model_dump(mode="json", exclude_none=True)
    post = {"name": "post-1", "keys": [key]}
    for posts in ([post, post], [{"name": "post-1", "keys": [key, key]}], [{"name": "post-1", "keys": []}]):
        assert "not a register" in refusal(sign(payload(posts=posts), signing, typ=REGISTER_TYPE), signing)
    halved = {"name": "post-1", "keys": [key | {"ended": "revoked"}]}
    assert "not a register" in refusal(sign(payload(posts=[halved]), signing, typ=REGISTER_TYPE), signing)


def test_the_command_writes_a_copy_for_who_keeps_the_records(fleet: Fleet, tmp_path: Path) -> None:
    copy = tmp_path / "register.jws"
    result = CliRunner().invoke(
        provision, ["register", "export", str(fleet.directory), "--to", str(copy), "--json"], catch_exceptions=False
    )
    told = json.loads(result.stdout)
    assert (told["register"], told["posts"], told["keys"]) == (str(copy), 1, 1)
    assert copy.read_bytes() == fleet.register.read_bytes()
    verifying = read_key(Path(told["verify_with"]).read_bytes())
    assert open_register(copy.read_bytes(), [verifying])[0].number == told["number"]
    fleet.register.unlink()
    words = CliRunner().invoke(provision, ["register", "export", str(fleet.directory)], catch_exceptions=False).stdout
    assert "1 posts, 1 keys" in words
    assert fleet.register.exists()

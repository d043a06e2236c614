import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from platepost.device import config
from platepost.provisioning.brokers.rights import Party
from platepost.provisioning.cli import provision
from platepost.provisioning.control.keys.rotation import declare
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.fleet.reads import ReadsGrant
from platepost.provisioning.fleet.register import write_register
from platepost.provisioning.trust.authority import Authority
from platepost.provisioning.trust.keys import (
    private_folder,
    public_pem,
    read_private_key,
    replace_private,
    signing_jwk,
    write_private,
)
from platepost.wire.records import CustodianTerms, Purpose, Role

SETTINGS = PostSettings(brokers=("localhost:8883",), camera="footage", camera_settings={"path": "/tmp/clip.mp4"})  # noqa: S108


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet.create(tmp_path / "fleet", agency="riverside", broker_names=("broker.example", "127.0.0.1"))


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_every_file_and_folder_is_its_owner_s_alone(fleet: Fleet) -> None:
    fleet.add_post("post-1", SETTINGS)
    fleet.add_subscriber("dispatch")
    entries = [fleet.directory, *fleet.directory.rglob("*")]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in entries}
    others = (fleet.directory / "broker").stat().st_uid != os.geteuid()  # made by root: mosquitto's, who must get there
    passage = {fleet.directory: 0o710 if others else 0o700}
    assert modes == {path: 0o700 if path.is_dir() else 0o600 for path in entries} | passage
    assert len(entries) > 20


def test_client_certificates_verify_under_the_root_and_carry_the_name(fleet: Fleet) -> None:
    folder = fleet.add_post("post-1", SETTINGS)
    root = certificate(folder / "ca.pem")
    leaf = certificate(folder / "certificate.pem")

    verified = PolicyBuilder().store(Store([root])).build_client_verifier().verify(leaf, [])

    assert len(verified.chain) == 2
    assert [a.value for a in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["post-1"]
    assert list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]


def test_broker_s_certificate_is_good_for_its_names_and_no_other(fleet: Fleet) -> None:
    root, leaf = certificate(fleet.broker.authority), certificate(fleet.broker.certificate)
    builder = PolicyBuilder().store(Store([root]))

    assert builder.build_server_verifier(x509.DNSName("broker.example")).verify(leaf, [])
    with pytest.raises(VerificationError):
        builder.build_server_verifier(x509.DNSName("other.example")).verify(leaf, [])


def test_certificate_of_another_fleet_does_not_verify(fleet: Fleet, tmp_path: Path) -> None:
    other = Fleet.create(tmp_path / "other", agency="riverside")
    leaf = certificate(other.add_post("post-1", SETTINGS) / "certificate.pem")
    root = certificate(fleet.broker.authority)
    verifier = PolicyBuilder().store(Store([root])).build_client_verifier()
    with pytest.raises(VerificationError):
        verifier.verify(leaf, [])


def test_public_halves_belong_to_the_post_s_private_keys(fleet: Fleet) -> None:
    folder = fleet.add_post("post-1", SETTINGS)
    for private, public in (
        (folder / "signing_key.pem", fleet.record_key("post-1")),
        (folder / "unseal_key.pem", fleet.recipient_key("post-1")),
        (fleet.list_signing_key, folder / "issuer_key.pem"),
    ):
        key = serialization.load_pem_private_key(private.read_bytes(), password=None)
        expected = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        assert public.read_bytes() == expected


def test_no_two_keys_are_the_same(fleet: Fleet) -> None:
    for name in ("post-1", "post-2"):
        fleet.add_post(name, SETTINGS)
    keys = [path.read_bytes() for path in fleet.directory.rglob("*") if path.name.endswith(("key.pem", ".key"))]
    private = [key for key in keys if b"PUBLIC" not in key]
    assert len(private) == len(set(private)) == 14


def test_outbox_key_is_thirty_two_bytes_in_hexadecimal(fleet: Fleet) -> None:
    text = (fleet.add_post("post-1", SETTINGS) / "outbox.key").read_text()
    assert len(bytes.fromhex(text)) == 32


def test_post_s_file_is_a_configuration_that_the_device_takes(fleet: Fleet) -> None:
    settings = PostSettings(
        brokers=("localhost:8883", "127.0.0.1:8884"),
        site='Bridge "A" \\ north',
        latitude=37.5,
        longitude=-122.25,
        heading_degrees=90,
        camera="footage",
        camera_settings={"path": "/footage/clip.mp4", "loop": False, "pace": "fast"},
        board="virtual",
        more={"records": {"read_overview": True, "health_seconds": 5}},
    )
    folder = fleet.add_post("post-1", settings)

    read = config.load(folder / "post.toml")

    assert read.post.agency == "riverside"
    assert read.post.site == 'Bridge "A" \\ north'
    assert read.post.longitude == -122.25
    assert read.camera.settings == {"path": "/footage/clip.mp4", "loop": False, "pace": "fast"}
    assert read.uplink.brokers == ("localhost:8883", "127.0.0.1:8884")
    assert read.records.read_overview
    for path in (read.uplink.ca, read.uplink.certificate, read.uplink.private_key, read.records.signing_key):
        assert path.is_file()
    for path in (read.hotlist.issuer_key, read.hotlist.unseal_key, read.outbox.key_file, read.outbox.path.parent):
        assert path.exists()


def test_covert_hits_are_readable_for_the_members_of_their_group_alone(fleet: Fleet) -> None:
    fleet.add_subscriber("records-keeper")
    fleet.add_subscriber("task-force", groups=["narcotics"])
    lines = fleet.broker.access_list.read_text().splitlines()
    at = lines.index("user task-force")
    assert "topic read alpr/v1/riverside/+/covert/narcotics" in lines[at : lines.index("", at)]
    allowed = [line for line in lines if "covert" in line and not line.startswith("topic deny")]
    assert len(allowed) == 2, "the group's, and that posts write there"
    assert "topic read alpr/v1/riverside/decision/+/narcotics" in lines[at : lines.index("", at)]
    assert fleet.groups() == {"task-force": ("narcotics",)}
    whole = {line for line in lines if line.startswith("topic read") and "#" in line}
    assert all("/hotlist/#" in line for line in whole), "nothing of a post's"
    with pytest.raises(ProvisioningError, match="group"):
        fleet.add_subscriber("other", groups=["Not/Possible"])


def test_access_list_names_everybody_and_binds_posts_to_their_name(fleet: Fleet) -> None:
    fleet.add_subscriber("dispatch", reads=ReadsGrant("a study", date.max))
    fleet.add_custodian("records", groups=["narcotics"])
    fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    lines = fleet.broker.access_list.read_text().splitlines()
    prefix = "alpr/v1/riverside"

    def rights(name: str) -> set[str]:
        rest = lines[lines.index(f"user {name}") + 1 :]
        return {line.removeprefix("topic ") for line in rest[: rest.index("")]}

    def denied(name: str) -> set[str]:
        """Return what the patterns would give to `name`, which is no post."""
        records = ("read", "hit/+", "status", "audit", "health", "response/+", "covert/+")
        own = (f"{name}/{topic}" for topic in (*records, "command/+", "configuration", "receipt/+"))
        return {f"deny {prefix}/{topic}" for topic in ("hotlist/#", "keys/+", "keys/custody/+", *own)}

    reading = {f"read {prefix}/+/{topic}" for topic in ("read", "hit/+", "status", "audit", "health")}
    reading |= {f"read {prefix}/decision/+", f"read {prefix}/ledger/+"}
    assert rights("dispatch") == denied("dispatch") | reading
    assert rights("records") == denied("records") | reading | {
        f"read {prefix}/+/covert/narcotics",
        f"write {prefix}/+/receipt/records",
        f"read {prefix}/decision/+/narcotics",
        f"write {prefix}/decision/records",
        f"write {prefix}/decision/records/+",
        f"write {prefix}/ledger/records",
    }
    assert rights("r-alvarez") == {
        *denied("r-alvarez"),
        f"write {prefix}/+/command/+",
        f"read {prefix}/+/response/r-alvarez",
        f"read {prefix}/+/status",
        f"read {prefix}/+/hit/acceptance_test",
    }
    patterns = {line.removeprefix("pattern ") for line in lines if line.startswith("pattern")}
    for_all = {f"read {prefix}/hotlist/#", f"read {prefix}/keys/+", f"read {prefix}/keys/custody/+"}
    assert all(f"{prefix}/%u/" in line or line in for_all for line in patterns)
    writing = [line for line in patterns if "write" in line]
    assert not any(topic in line for line in writing for topic in ("command", "configuration", "receipt"))


def test_a_custodian_has_an_identity_and_a_key_of_its_own_that_open_without_a_passphrase(fleet: Fleet) -> None:
    folder = fleet.add_custodian("records", groups=["narcotics", "gangs", "narcotics"])
    keys = fleet.keys(Purpose.CUSTODY, "records")

    assert certificate(folder / "certificate.pem").subject.rfc4514_string() == "CN=records"
    assert signing_jwk(keys.signing).thumbprint() == keys.announced()
    assert keys.signing.read_bytes() != (folder / "private_key.pem").read_bytes()
    assert fleet.groups() == {"records": ("gangs", "narcotics")}
    assert fleet.terms() == (CustodianTerms(name="records", groups=("gangs", "narcotics"), required=False),)
    assert fleet.clients()["records"] is Party.CUSTODIAN
    with pytest.raises(ProvisioningError, match="taken"):
        fleet.add_subscriber("records")
    with pytest.raises(ProvisioningError, match="group"):
        fleet.add_custodian("other", groups=["Not/Possible"])


def test_posts_need_the_receipts_of_the_custodian_that_a_fleet_is_made_with(tmp_path: Path) -> None:
    made = Fleet.create(tmp_path / "fleet", agency="riverside", custodian="records")
    assert made.terms() == (CustodianTerms(name="records"),)
    with pytest.raises(ProvisioningError, match="both"):
        Fleet.create(tmp_path / "other", agency="riverside", administrator="j-stone", custodian="j-stone")


def test_a_post_is_told_whose_receipts_it_needs_and_by_which_keys(tmp_path: Path) -> None:
    made = Fleet.create(tmp_path / "fleet", agency="riverside", custodian="records")
    made.add_custodian("vault", groups=["narcotics"])
    first = config.load(made.add_post("post-1", SETTINGS) / "post.toml").custody.given
    assert [terms for terms, _ in first] == [CustodianTerms(name="records")], "the other is not required yet"
    keys = made.keys(Purpose.CUSTODY, "vault")
    declare(made, keys, CustodianTerms(name="vault", groups=("narcotics",)), "j-stone")
    more = replace(SETTINGS, more={"custody": {"behind_hours": 48}})
    custody = config.load(made.add_post("post-2", more) / "post.toml").custody
    assert {terms: path.read_bytes() for terms, path in custody.given} == {
        terms: made.keys(Purpose.CUSTODY, terms.name).verifying.read_bytes() for terms in made.terms()
    }
    assert custody.behind_hours == 48
    made.write_post_file("post-2", SETTINGS)
    declare(made, keys, CustodianTerms(name="vault", required=False), "j-stone")
    made.write_post_file("post-2", SETTINGS)
    assert [path.name for path in made.post("post-2").glob("custody-*")] == ["custody-records.pem"]


def test_a_custodian_s_name_is_not_given_again(fleet: Fleet) -> None:
    fleet.add_custodian("records").rename(private_folder(fleet.directory / "revoked") / "records.0a1b2c")
    with pytest.raises(ProvisioningError, match="was revoked"):
        fleet.add_custodian("records")


def test_operator_s_certificate_says_agency_role_and_end(fleet: Fleet) -> None:
    folder = fleet.add_operator("r-alvarez", Role.TECHNICIAN, valid=timedelta(days=30))
    leaf = certificate(folder / "certificate.pem")
    assert leaf.subject.rfc4514_string() == "CN=r-alvarez,OU=technician,O=riverside"
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=30)
    with pytest.raises(ProvisioningError, match="taken"):
        fleet.add_post("r-alvarez", SETTINGS)


def test_list_builder_has_a_name_of_its_own_and_no_right_at_the_broker(fleet: Fleet, tmp_path: Path) -> None:
    folder = fleet.add_operator("lists", Role.LIST_BUILDER)
    leaf = certificate(folder / "certificate.pem")
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert ExtendedKeyUsageOID.CLIENT_AUTH not in usage, "mosquitto gives the posts' rights to anyone who connects"
    assert "lists" not in fleet.operators()
    assert "lists" not in fleet.clients()
    assert "lists" not in fleet.broker.access_list.read_text()
    folder.rename(tmp_path / "builder")
    with pytest.raises(ProvisioningError, match="taken"):
        fleet.add_post("lists", SETTINGS)

    fleet.remove_operator("lists")

    assert fleet.certificates.is_revoked(leaf.serial_number)


def test_who_is_removed_has_no_rights_and_the_name_is_free(fleet: Fleet) -> None:
    folder = fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    fleet.remove_operator("r-alvarez")
    assert not folder.exists()
    assert "r-alvarez" not in fleet.broker.access_list.read_text()
    assert fleet.add_operator("r-alvarez", Role.OPERATOR)
    with pytest.raises(ProvisioningError, match="not an operator; there are: r-alvarez"):
        fleet.remove_operator("j-stone")


def test_a_client_of_a_proof_has_an_operator_s_rights_while_its_folder_is_there(fleet: Fleet) -> None:
    fleet.operator("proof-operator-1").mkdir(parents=True)
    fleet.write_access_list()
    assert "user proof-operator-1" in fleet.broker.access_list.read_text()
    assert fleet.clients()["proof-operator-1"] is Party.OPERATOR


def test_who_has_taken_the_identity_along_keeps_name_and_rights_until_removed(fleet: Fleet, tmp_path: Path) -> None:
    folder = fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    serial = certificate(folder / "certificate.pem").serial_number
    folder.rename(tmp_path / "stick")
    fleet.add_operator("m-cole", Role.OPERATOR)
    assert fleet.operators() == ("m-cole", "r-alvarez")
    assert "user r-alvarez" in fleet.broker.access_list.read_text()
    with pytest.raises(ProvisioningError, match="taken"):
        fleet.add_operator("r-alvarez", Role.ADMINISTRATOR)

    fleet.remove_operator("r-alvarez")

    assert not fleet.people["r-alvarez"].is_certified()
    assert fleet.certificates.is_revoked(serial)
    assert "user r-alvarez" not in fleet.broker.access_list.read_text()
    fleet.remove_operator("r-alvarez")  # as after an interruption


def test_name_of_who_left_may_be_a_subscriber_s_who_is_nobody_to_remove(fleet: Fleet) -> None:
    fleet.add_operator("dispatch", Role.OPERATOR)
    fleet.remove_operator("dispatch")
    fleet.add_subscriber("dispatch")
    with pytest.raises(ProvisioningError, match="not an operator"):
        fleet.remove_operator("dispatch")
    assert len(fleet.certificates.of("dispatch")) == 1


def test_loaded_fleet_is_the_one_that_was_made(fleet: Fleet) -> None:
    fleet.add_post("post-1", SETTINGS)
    loaded = Fleet.load(fleet.directory)
    assert (loaded.agency, loaded.broker_names, loaded.posts()) == (
        "riverside",
        ("broker.example", "127.0.0.1"),
        ("post-1",),
    )


def test_stray_file_is_nobody(fleet: Fleet) -> None:
    fleet.add_post("post-1", SETTINGS)
    for stray in (".DS_Store", "post-1.toml~"):
        (fleet.directory / "posts" / stray).touch()
    assert fleet.posts() == ("post-1",)
    assert fleet.clients().keys() == {"department", "post-1"}


@pytest.mark.parametrize("name", ["", "Post", "a/b", "+", "#", "post_1", "-a", "a-", "x" * 64, "hotlist", "department"])
def test_names_that_cannot_stand_in_a_topic_are_refused(fleet: Fleet, name: str) -> None:
    with pytest.raises(ProvisioningError, match="name"):
        fleet.add_post(name, SETTINGS)
    assert fleet.posts() == ()


def test_name_is_given_once_in_a_fleet(fleet: Fleet) -> None:
    fleet.add_post("post-1", SETTINGS)
    key = (fleet.post("post-1") / "signing_key.pem").read_bytes()
    with pytest.raises(ProvisioningError, match="taken"):
        fleet.add_post("post-1", SETTINGS)
    with pytest.raises(ProvisioningError, match="taken"):
        fleet.add_subscriber("post-1")
    assert (fleet.post("post-1") / "signing_key.pem").read_bytes() == key


def test_second_fleet_in_the_same_folder_is_refused(fleet: Fleet) -> None:
    with pytest.raises(ProvisioningError, match="already"):
        Fleet.create(fleet.directory, agency="riverside")


@pytest.mark.parametrize("moment", range(1, 30, 3))
def test_fleet_whose_making_was_cut_off_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    class Cut(BaseException):
        pass

    left = moment
    replace = Path.replace

    def cut(self: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if not left:
            raise Cut
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", cut)
        with contextlib.suppress(Cut):
            Fleet.create(tmp_path, agency="riverside", administrator="j-stone", custodian="records")
    if left < 1:
        with pytest.raises(ProvisioningError, match="no fleet in this folder"):
            Fleet.load(tmp_path)
        Fleet.create(tmp_path, agency="riverside", administrator="j-stone", custodian="records")
    fleet = Fleet.load(tmp_path)
    assert fleet.operators() == fleet.identities() == ("j-stone",)
    assert fleet.custodians() == ("records",)
    assert len(fleet.certificates.of("department")) == 1
    assert not list(tmp_path.glob("unfinished*"))


def test_keys_of_a_fleet_without_its_file_are_not_overwritten(fleet: Fleet) -> None:
    (fleet.directory / "fleet.json").unlink()
    root = (fleet.root / "private_key.pem").read_bytes()
    with pytest.raises(ProvisioningError, match="keys are never overwritten"):
        Fleet.create(fleet.directory, agency="riverside")
    assert (fleet.root / "private_key.pem").read_bytes() == root


def test_own_root_that_lies_in_the_fleet_s_folder_stays(tmp_path: Path) -> None:
    own = Authority.create_root("riverside")
    own.save(tmp_path / "root")
    key = (tmp_path / "root" / "private_key.pem").read_bytes()
    for name in ("not a näme", "broker..example", "broker/example", "b" * 64):
        with pytest.raises(ProvisioningError, match="neither a host name"):
            Fleet.create(tmp_path, agency="riverside", root=own, broker_names=[name])
    Fleet.create(tmp_path, agency="riverside", root=own)
    assert (tmp_path / "root" / "private_key.pem").read_bytes() == key


def test_administrator_whose_name_cannot_be_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    arguments = ["fleet", "init", str(tmp_path / "fleet"), "--agency", "riverside", "--administrator", "J.Stone"]
    with pytest.raises(ProvisioningError, match=r"name 'J\.Stone'"):
        CliRunner().invoke(provision, arguments, catch_exceptions=False)
    with pytest.raises(ProvisioningError, match="name 'hotlist'"):
        Fleet.create(tmp_path / "fleet", agency="riverside", administrator="hotlist")
    assert not (tmp_path / "fleet").exists()


def test_missing_fleet_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ProvisioningError, match="fleet init"):
        Fleet.load(tmp_path)


@pytest.mark.parametrize("kind", ["post", "subscriber", "operator"])
def test_name_is_free_still_where_an_identity_was_cut_off_in_its_making(
    fleet: Fleet, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add() -> Path:
        if kind == "post":
            return fleet.add_post("x-webb", SETTINGS)
        return fleet.add_subscriber("x-webb") if kind == "subscriber" else fleet.add_operator("x-webb", Role.TECHNICIAN)

    class CutOffError(Exception):
        pass

    def cut_off(path: Path, content: bytes) -> None:
        if path.name == "certificate.pem":
            raise CutOffError
        write_private(path, content)

    with monkeypatch.context() as patch:
        patch.setattr("platepost.provisioning.fleet.certifying.write_private", cut_off)
        with pytest.raises(CutOffError):
            add()
    assert (fleet.posts(), fleet.subscribers(), fleet.operators()) == ((), (), ())
    assert (add() / "certificate.pem").exists()
    assert not (fleet.directory / "unfinished").exists()


def test_post_is_whole_or_none_at_whatever_moment_its_making_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of its name without a post.toml was a client of the broker, and the post could not be made again."""

    class CutOffError(Exception):
        pass

    for moment in range(100):
        fleet, left = Fleet.create(tmp_path / str(moment), agency="riverside"), iter(range(moment))

        def cut(write: Callable[[Path, bytes], None], left: Iterator[int], path: Path, content: bytes) -> None:
            if next(left, None) is None:
                raise CutOffError
            write(path, content)

        with monkeypatch.context() as patch:
            for name, write in (("write_private", write_private), ("replace_private", replace_private)):
                for module in ("certifying", "members"):
                    patch.setattr(
                        f"platepost.provisioning.fleet.{module}.{name}", partial(cut, write, left), raising=False
                    )
            with contextlib.suppress(CutOffError):
                fleet.add_post("post-1", SETTINGS)
        if fleet.posts():
            assert moment > 8
            break
        folder = fleet.add_post("post-1", SETTINGS)
        config.load(folder / "post.toml")
        assert public_pem(read_private_key(folder / "signing_key.pem")) == fleet.record_key("post-1").read_bytes()
        assert not (fleet.directory / "unfinished").exists()


def test_name_of_a_post_that_was_revoked_is_given_again(fleet: Fleet) -> None:
    """What the former one signed can be verified still."""
    fleet.add_post("post-9", SETTINGS)
    former = fleet.record_key("post-9").read_bytes()
    fleet.recipient_key("post-9").unlink()
    fleet.post("post-9").rename(private_folder(fleet.directory / "revoked") / "post-9.1")
    write_register(fleet)
    fleet.add_post("post-9", SETTINGS)
    _, register = write_register(fleet)
    (keys,) = (post.keys for post in register.posts if post.name == "post-9")
    assert [(key.public_key.encode() == former, key.ended) for key in keys] == [(True, "revoked"), (False, None)]


def test_a_name_is_given_once_though_several_ask_for_it_at_once(fleet: Fleet) -> None:
    begun = Barrier(6)

    def add(kind: str) -> bool:
        begun.wait()
        try:
            mine = Fleet.load(fleet.directory)
            _ = mine.add_subscriber("x-webb") if kind == "s" else mine.add_operator("x-webb", Role.TECHNICIAN)
        except ProvisioningError as error:
            assert "is taken" in str(error)  # noqa: PT017 - in a thread
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(add, "ssooso")) == 1
    assert len(fleet.subscribers() + fleet.operators()) == 1


def test_fleet_made_for_nats_is_refused_until_its_files_are_deleted(fleet: Fleet) -> None:
    nats = fleet.directory / "broker" / "nats"
    nats.mkdir()
    with pytest.raises(ProvisioningError, match=r"nats: NATS is no longer supported: .*Set up mosquitto .*delete this"):
        Fleet.load(fleet.directory)
    nats.rmdir()
    assert Fleet.load(fleet.directory).agency == "riverside"

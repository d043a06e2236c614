import base64
import hashlib
import json
import os
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws
from pytest_mock import MockerFixture

from platepost.common.errors import ConfigurationError
from platepost.provisioning.hotlist.rows import HotListRow
from platepost.provisioning.hotlist.sealing import seal_package
from platepost.provisioning.trust.keys import new_key, private_pem, public_pem
from platepost.wire.hotlist import HotList, HotListRefused, RefusalReason
from platepost.wire.hotlist.errors import Malformed
from platepost.wire.hotlist.hashing import PlateHash, fingerprint
from platepost.wire.hotlist.keys import plate_key
from platepost.wire.hotlist.layout import decode
from platepost.wire.hotlist.manifest import LARGEST_BODY, TYPE, verify
from platepost.wire.hotlist.package import (
    Opened,
    PackageFile,
    load_key,
    open_package,
    pieces,
    recipients,
    split,
    verify_package,
)
from tests.device.hotlist.department import Department


def opened(department: Department, package: bytes) -> Opened:
    issuer_key = load_key(department.issuer_key, private=False)
    return open_package(package, issuer_key=issuer_key, unseal_key=load_key(department.unseal_key, private=True))


def reason(department: Department, package: bytes) -> RefusalReason:
    with pytest.raises(HotListRefused) as refused:
        HotList(opened(department, package))
    return refused.value.reason


def payload(package: bytes) -> dict[str, Any]:
    part = package.split(b".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))))


def resigned(department: Department, package: bytes, **facts: object) -> bytes:
    """Return a package with other facts, signed by the issuer after all."""
    line, _, following = package.partition(b"\n")
    text = json.dumps(payload(line) | facts)
    key = load_key(department.signing_key, private=True)
    return jws.serialize_compact({"alg": "ES256", "typ": TYPE}, text, key).encode() + b"\n" + following


@pytest.fixture(scope="module")
def package(department: Department) -> bytes:
    return department.package(patterns=[department.pattern("6XY*")])


@pytest.fixture(scope="module")
def body(department: Department, package: bytes) -> bytes:
    return bytes(opened(department, package).body)


@pytest.fixture
def sealed_again(department: Department, package: bytes) -> Callable[[bytes], bytes]:
    """Give a function that signs and seals any body as if it were sound."""
    signing, post = load_key(department.signing_key, private=True), load_key(department.post_key, private=False)
    facts = {name: value for name, value in payload(package).items() if name not in {"length", "digest"}}
    return lambda other: seal_package(other, facts, signing_key=signing, post_keys=[post])


def test_a_package_without_signature_is_unsigned(department: Department, package: bytes) -> None:
    header, claims, rest = package.split(b".", 2)
    signature, _, following = rest.partition(b"\n")
    assert reason(department, header + b"." + claims + b".\n" + following) is RefusalReason.UNSIGNED
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=")
    assert reason(department, none + b"." + claims + b"." + signature + b"\n" + following) is RefusalReason.UNSIGNED


def test_another_issuers_signature_is_bad(department: Department) -> None:
    foreign = department.package(post_keys=[department.post_key], rows=department.rows)
    other = type(department)()
    with pytest.raises(HotListRefused) as refused:
        verify_package(foreign, load_key(other.issuer_key, private=False))
    assert refused.value.reason is RefusalReason.BAD_SIGNATURE


def test_another_algorithm_is_a_bad_signature(department: Department, package: bytes) -> None:
    _, claims, rest = package.split(b".", 2)
    header = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=")
    assert reason(department, header + b"." + claims + b"." + rest) is RefusalReason.BAD_SIGNATURE


def test_facts_changed_after_signing_are_a_bad_signature(department: Department, package: bytes) -> None:
    header, _, rest = package.split(b".", 2)
    text = json.dumps(payload(package) | {"version": 99}).encode()
    forged = header + b"." + base64.urlsafe_b64encode(text).rstrip(b"=") + b"." + rest
    assert reason(department, forged) is RefusalReason.BAD_SIGNATURE


def test_a_changed_byte_behind_the_manifest_is_a_bad_signature(department: Department, package: bytes) -> None:
    forged = bytearray(package)
    forged[-1] ^= 1
    assert reason(department, bytes(forged)) is RefusalReason.BAD_SIGNATURE


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
def test_a_package_cut_short_is_truncated(department: Department, package: bytes, share: float) -> None:
    assert reason(department, package[: int(len(package) * share)]) is RefusalReason.TRUNCATED


@pytest.mark.parametrize("garbage", [b"\n", b"a.b\n", b"a.b.c\n", b"W10.b.c\n", b"x" * 70_000, b"%PDF-1.7\n" * 10])
def test_what_is_no_package_is_malformed(department: Department, garbage: bytes) -> None:
    assert reason(department, garbage) is RefusalReason.MALFORMED


def test_a_package_that_goes_on_is_malformed(department: Department, package: bytes) -> None:
    assert reason(department, package + b"\n") is RefusalReason.MALFORMED


def test_a_package_for_other_posts_is_of_the_wrong_key(department: Department) -> None:
    assert reason(department, department.package(post_keys=[public_pem(new_key())])) is RefusalReason.WRONG_KEY


def test_a_package_for_many_posts_opens_with_each_key(department: Department) -> None:
    posts = [new_key() for _ in range(40)]
    package = department.package(post_keys=[public_pem(post) for post in posts])
    issuer = load_key(department.issuer_key, private=False)
    _, sealed = verify_package(package, issuer)
    assert len(recipients(sealed)) == 40
    for post in (*posts[::13], posts[-1]):
        key = load_key(private_pem(post), private=True)
        assert HotList(open_package(package, issuer_key=issuer, unseal_key=key)).entries == 3


def test_a_post_parses_its_own_recipient_alone(department: Department, mocker: MockerFixture) -> None:
    posts = [new_key() for _ in range(40)]
    package = department.package(post_keys=[public_pem(post) for post in posts])
    key, issuer = load_key(private_pem(posts[17]), private=True), load_key(department.issuer_key, private=False)
    parse = mocker.spy(json, "loads")
    open_package(package, issuer_key=issuer, unseal_key=key)
    seals = [len(call.args[0]) for call in parse.call_args_list if "recipients" in str(call.args[0])]
    assert seals
    assert max(seals) < 1000 < len(package.split(b"\n")[1])


@pytest.mark.parametrize("spacing", [None, (", ", ":"), (",", ": ")])
def test_a_seal_written_otherwise_opens_too(department: Department, spacing: tuple[str, str] | None) -> None:
    posts = [new_key() for _ in range(3)]
    line, seal, *rest = department.package(post_keys=[public_pem(post) for post in posts]).split(b"\n", 2)
    members = json.loads(seal)
    members["recipients"] = [dict(reversed(recipient.items())) for recipient in members["recipients"]]
    following = json.dumps(dict(reversed(members.items())), separators=spacing).encode() + b"\n" + rest[0]
    facts = {"length": len(following), "digest": hashlib.sha256(following).hexdigest()}
    package = resigned(department, line + b"\n" + following, **facts)
    issuer = load_key(department.issuer_key, private=False)
    for post in posts:
        key = load_key(private_pem(post), private=True)
        assert HotList(open_package(package, issuer_key=issuer, unseal_key=key)).entries == 3


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"format": "platepost-hotlist/3"}, RefusalReason.UNSUPPORTED_FORMAT),
        ({"kind": "other"}, RefusalReason.UNSUPPORTED_FORMAT),
        ({"kind": "delta"}, RefusalReason.MALFORMED),
        ({"additions": 1}, RefusalReason.MALFORMED),
        ({"covert": True}, RefusalReason.UNSUPPORTED_FORMAT),
        ({"version": 0}, RefusalReason.MALFORMED),
        ({"built": "yesterday"}, RefusalReason.MALFORMED),
        ({"expires": "2020-01-01T00:00:00Z"}, RefusalReason.MALFORMED),
        ({"entries": 4}, RefusalReason.MALFORMED),
        ({"patterns": 0}, RefusalReason.MALFORMED),
        ({"body_length": 8}, RefusalReason.MALFORMED),
        ({"agency": "other"}, RefusalReason.MALFORMED),
        ({"length": 10**9}, RefusalReason.TRUNCATED),
    ],
)
def test_an_issuers_own_mistakes_have_names_too(
    department: Department, package: bytes, facts: dict[str, Any], expected: RefusalReason
) -> None:
    assert reason(department, resigned(department, package, **facts)) is expected


def test_a_body_larger_than_a_post_s_memory_takes_is_refused_by_the_manifest(
    department: Department, package: bytes
) -> None:
    line, _ = split(resigned(department, package, body_length=LARGEST_BODY + 1))
    with pytest.raises(Malformed, match="body_length"):
        verify(line, load_key(department.issuer_key, private=False))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_mutated_package_is_always_refused_by_name(
    department: Department, package: bytes, data: st.DataObject
) -> None:
    forged = mutate(package, data)
    if forged != package:
        reason(department, forged)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_mutated_body_under_a_good_signature_is_refused_by_name_or_harmless(
    department: Department, body: bytes, sealed_again: Callable[[bytes], bytes], data: st.DataObject
) -> None:
    at = department.built + timedelta(hours=1)
    # Most bytes are the filter's; the header and the table behind it are where a parser can fall.
    head, tail = body[:2000], body[-200:]
    forged = mutate(head, data) + body[2000:-200] + mutate(tail, data)
    package = sealed_again(forged)
    try:
        hotlist = HotList(opened(department, package))
    except HotListRefused:
        assert reason(department, package) in {RefusalReason.MALFORMED, RefusalReason.UNSUPPORTED_FORMAT}
        return
    for read in ("7ABC123", "8ODE456", "1291164", "6XYZ123"):
        hotlist.match(read, at=at)


def mutate(text: bytes, data: st.DataObject) -> bytes:
    changed = bytearray(text)
    for _ in range(data.draw(st.integers(0, 4))):
        index = data.draw(st.integers(0, len(changed)))
        match data.draw(st.sampled_from(("flip", "insert", "cut", "swap"))):
            case "flip" if index < len(changed):
                changed[index] ^= 1 << data.draw(st.integers(0, 7))
            case "insert":
                changed[index:index] = data.draw(st.binary(min_size=1, max_size=8))
            case "cut":
                del changed[index : index + data.draw(st.integers(1, 300))]
            case "swap":
                changed[index:] = changed[index:][::-1]
    return bytes(changed)


def test_a_body_that_inflates_beyond_its_word_is_malformed(
    department: Department, package: bytes, sealed_again: Callable[[bytes], bytes]
) -> None:
    bomb = sealed_again(bytes(1 << 24))
    assert reason(department, resigned(department, bomb, body_length=1 << 20)) is RefusalReason.MALFORMED


def test_nothing_in_the_file_can_be_used_without_a_posts_key(department: Department) -> None:
    """Each plate is as long as a list takes: seven characters can come up in base64 by chance, sixteen do not."""
    plates = ("7ABC123INVENTED7", "8ODE456INVENTED8", "5ZZZ999INVENTED5")
    rows = [HotListRow(plate, "felony_vehicle", 1, "CA", None, "CASE-77-SECRET") for plate in plates]
    package = department.package(rows, patterns=[department.pattern("6XYZ987INVENTED*", case="CASE-78-SECRET")])
    header, columns = decode(opened(department, package).body)
    secret = PlateHash(bytes.fromhex(header.hash_key))
    for row in rows:
        text = row.plate.encode()
        digest = secret.digest(plate_key(row.plate))
        for trace in (text, base64.urlsafe_b64encode(text).rstrip(b"="), text.hex().encode(), digest[:8]):
            assert trace not in package
            assert fingerprint(digest) in columns["fingerprints"].tolist()
    traces = (b"felony_vehicle", b"CASE-77-SECRET", b"CASE-78-SECRET", b"6XYZ987INVENTED")
    for trace in (*traces, bytes.fromhex(header.hash_key), header.hash_key.encode()):
        assert trace not in package
    facts = payload(package)
    assert not {name for name in facts if "key" in name or "hash" in name}


def test_two_lists_of_the_same_plates_have_no_fingerprint_in_common(department: Department) -> None:
    columns = [decode(opened(department, department.package()).body)[1] for _ in range(2)]
    assert not set(columns[0]["fingerprints"].tolist()) & set(columns[1]["fingerprints"].tolist())


def test_a_package_in_a_file_is_read_as_one_in_memory(department: Department, package: bytes, tmp_path: Path) -> None:
    (tmp_path / "package").write_bytes(package)
    with (tmp_path / "package").open("rb") as file:
        stored = PackageFile(file.fileno())
        assert (len(stored), bytes(stored)) == (len(package), package)
        for part in (slice(10), slice(10, 20), slice(-16, None), slice(12, -16), slice(len(package), None)):
            assert bytes(stored[part][1:]) == package[part][1:]
        assert b"".join(pieces(stored)) == package
        issuer_key = load_key(department.issuer_key, private=False)
        unseal_key = load_key(department.unseal_key, private=True)
        assert open_package(stored, issuer_key=issuer_key, unseal_key=unseal_key) == opened(department, package)
        os.truncate(file.name, len(package) // 2)
        with pytest.raises(OSError, match="different data"):
            bytes(stored)


@pytest.mark.parametrize("pem", [b"", b"not a key", private_pem(new_key())[:100]], ids=["empty", "text", "truncated"])
def test_what_is_no_key_is_a_configuration_error(pem: bytes) -> None:
    with pytest.raises(ConfigurationError):
        load_key(pem, private=False)


def test_a_public_key_does_not_unseal(department: Department) -> None:
    with pytest.raises(ConfigurationError, match="private"):
        load_key(department.post_key, private=True)


def test_the_body_is_deflated_before_it_is_sealed(department: Department, body: bytes) -> None:
    assert len(department.package()) < len(body)
    assert len(zlib.compress(body, 1)) < len(body)

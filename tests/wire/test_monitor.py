"""The monitor: proofs of RFC 6962, and what of a department's checkpoints it reports."""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from joserfc.jwk import ECKey

from platepost.wire import monitor as monitor_module
from platepost.wire.jose import sign
from platepost.wire.monitor import (
    EMPTY_ROOT,
    Monitor,
    MonitorError,
    is_consistent,
    leaf_hash,
    main,
    node_hash,
    opened,
)
from platepost.wire.records.ledger_head import LEDGER_HEAD_TYPE, LedgerHead
from tests.thorough import THOROUGH

LEAVES = [
    bytes.fromhex(each)
    for each in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""Those of the reference implementation of Certificate Transparency (merkle_tree_test.cc), as are roots and proofs."""
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PROOFS = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
KEY, STRANGER = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
NOW = datetime.now(UTC).replace(microsecond=0)


def root(leaves: Sequence[bytes]) -> bytes:
    """Return MTH as RFC 6962 defines it, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node_hash(root(leaves[:half]), root(leaves[half:]))


def proof(first: int, leaves: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    """Return PROOF as RFC 6962 defines it, word for word."""
    if first == len(leaves):
        return [] if whole else [root(leaves)]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    if first <= half:
        return [*proof(first, leaves[:half], whole=whole), root(leaves[half:])]
    return [*proof(first - half, leaves[half:], whole=False), root(leaves[:half])]


def test_reference_vectors() -> None:
    assert [root(LEAVES[:size]).hex() for size in range(1, 9)] == ROOTS
    for (first, second), path in PROOFS.items():
        assert [each.hex() for each in proof(first, LEAVES[:second])] == path
        roots = bytes.fromhex(ROOTS[first - 1]), bytes.fromhex(ROOTS[second - 1])
        assert is_consistent(first, roots[0], second, roots[1], [*map(bytes.fromhex, path)])


def test_a_proof_shows_growth_and_nothing_else() -> None:
    most = 130 if THOROUGH else 34
    chance = random.Random(6962)
    for second in range(1, most):
        leaves = [b"%d" % number for number in range(second)]
        for first in range(second + 1):
            path, roots = proof(first, leaves) if first else [], (root(leaves[:first]), root(leaves))
            assert is_consistent(first, roots[0], second, roots[1], path)
            if 0 < first < second:
                changed = chance.randrange(first)
                forked = [*leaves[:changed], b"another", *leaves[changed + 1 :]]
                forged = proof(first, forked)
                assert not is_consistent(first, roots[0], second, root(forked), forged)
                assert not is_consistent(first, roots[0], second, roots[1], path[:-1])
                assert not is_consistent(first, roots[0], second, roots[1], [*path, roots[0]])
    assert not is_consistent(2, root(LEAVES[:2]), 1, root(LEAVES[:1]), [])


class Log:
    """A department's log and records, as its checkpoints tell of them."""

    def __init__(self) -> None:
        self.entries = [b"entry %d" % number for number in range(5)]
        self.records = [b"record %d" % number for number in range(3)]
        self.former = 0, 0
        self.minutes = 0

    def head(self, *, key: ECKey = KEY, **more: Any) -> str:
        self.minutes += 1
        at = NOW + timedelta(minutes=self.minutes)
        said = {
            "agency": "oakdale", "custodian": "vault", "number": len(self.entries), "digest": "ab" * 32, "time": at,
            "entered": at, "root": root(self.entries).hex(), "records": len(self.records),
            "records_root": root(self.records).hex(), "previous": self.former,
            "proof": [each.hex() for each in proof(self.former[0], self.entries)] if self.former[0] else [],
            "records_proof": [each.hex() for each in proof(self.former[1], self.records)] if self.former[1] else [],
        }  # fmt: skip
        self.former = len(self.entries), len(self.records)
        made = LedgerHead.model_validate({**said, **more})
        return sign(made.model_dump_json().encode(), key, typ=LEDGER_HEAD_TYPE, kid="x").decode()

    def add(self, entries: int = 1, records: int = 1) -> None:
        self.entries += [b"entry %d" % (len(self.entries) + number) for number in range(entries)]
        self.records += [b"record %d" % (len(self.records) + number) for number in range(records)]


def public() -> EllipticCurvePublicKey:
    found = KEY.get_op_key("verify")
    assert isinstance(found, EllipticCurvePublicKey)
    return found


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def watching(tmp_path: Path) -> Callable[[], Monitor]:
    """Return a monitor, by a new process as it were."""
    return lambda: Monitor(public(), tmp_path / "seen")


def test_what_is_only_added_to_is_right(log: Log, watching: Callable[[], Monitor]) -> None:
    for added in (0, 0, 1, 7, 100):
        log.add(added, added)
        assert watching().see(log.head()) == []
    assert watching().last is not None


def cut(log: Log) -> None:
    del log.entries[-1]
    log.former = 0, 0


def cut_and_filled_up(log: Log) -> None:
    log.entries[-1] = b"another"


def cut_and_longer(log: Log) -> None:
    log.entries[-1] = b"another"
    log.add(3)


def middle(log: Log) -> None:
    del log.entries[2]
    log.add(2)


def records_cut(log: Log) -> None:
    del log.records[-1]
    log.former = 0, 0


def record_altered(log: Log) -> None:
    log.records[0] = b"another"
    log.add()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (cut, "5 entries of the access log were there, and now 4"),
        (cut_and_filled_up, "the 5 entries of the access log are others than before"),
        (cut_and_longer, "the 8 entries of the access log do not begin with the 5 that were there"),
        (middle, "the 6 entries of the access log do not begin with the 5"),
        (records_cut, "3 records were there, and now 2"),
        (record_altered, "the 4 records do not begin with the 3"),
    ],
)
def test_another_story_is_reported_and_the_first_is_kept(
    log: Log, watching: Callable[[], Monitor], change: Callable[[Log], None], message: str
) -> None:
    assert watching().see(log.head()) == []
    change(log)
    (found,) = watching().see(log.head())
    assert message in found
    assert watching().last == opened((watching()._store).read_text().split()[0], public())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"entered": NOW - timedelta(days=20)}, "time ran back: the last entry is dated"),
        ({"entered": NOW + timedelta(days=700)}, "after the checkpoint itself"),
        ({"time": NOW, "entered": NOW + timedelta(minutes=1)}, "before the one of"),
        ({"time": NOW + timedelta(minutes=9), "entered": NOW + timedelta(minutes=9)}, "no checkpoint for 0:08:00"),
        ({"agency": "elsewhere"}, "the checkpoint is of elsewhere"),
        ({"problems": ["records: altered"]}, "the department reports: records: altered"),
    ],
)
def test_what_else_is_reported(log: Log, watching: Callable[[], Monitor], more: dict[str, Any], message: str) -> None:
    assert watching().see(log.head()) == []
    log.add()
    (found,) = watching().see(log.head(**more))
    assert message in found


def test_missed_checkpoint_is_no_accusation(log: Log, watching: Callable[[], Monitor]) -> None:
    watching().see(log.head())
    log.add()
    log.head()
    log.add()
    head = log.head()
    assert "nothing here proves how 5 entries" in watching().see(head)[0]
    since = {"proof": [each.hex() for each in proof(5, log.entries)],
             "records_proof": [each.hex() for each in proof(3, log.records)]}  # fmt: skip
    assert [each for each in watching().see(head, since=since) if "no checkpoint for" not in each] == []


@pytest.mark.parametrize("head", [Log().head(key=STRANGER), "a.b.c", "", Log().head()[:-9] + "A" * 9])
def test_what_the_department_did_not_sign_is_refused(watching: Callable[[], Monitor], head: str) -> None:
    with pytest.raises(MonitorError):
        watching().see(head)
    assert watching().last is None


def test_live_checkpoint_must_be_recent(log: Log, watching: Callable[[], Monitor]) -> None:
    (found,) = watching().see(log.head(time=NOW - timedelta(minutes=9), entered=NOW - timedelta(hours=1)), live=True)
    assert "has been silent for" in found


def test_program_that_anybody_can_run(log: Log, tmp_path: Path) -> None:
    """It is copied elsewhere, and imports nothing of Platepost."""
    copy, key, heads = tmp_path / "monitor.py", tmp_path / "key.pem", tmp_path / "heads"
    copy.write_bytes(Path(monitor_module.__file__).read_bytes())
    assert b"import platepost" not in copy.read_bytes()
    assert b"from platepost" not in copy.read_bytes()
    key.write_bytes(KEY.as_pem(private=False))
    lines = [log.head()]
    for _ in range(3):
        log.add(2)
        lines.append(log.head())
    heads.write_text("".join(json.dumps({"head": line, "witness": None}) + "\n" for line in lines))
    given = [str(heads), "--key", str(key), "--store", str(tmp_path / "seen"), "--json"]

    def run() -> tuple[int, dict[str, Any]]:
        done = subprocess.run([sys.executable, copy, *given], capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, json.loads(done.stdout)

    status, said = run()
    assert (status, said["intact"], said["number"], said["problems"]) == (0, True, 11, [])
    assert run()[0] == 0, "again, with nothing new"
    cut_and_longer(log)
    heads.write_text(heads.read_text() + log.head() + "\n")
    status, said = run()
    assert (status, said["intact"]) == (1, False)
    assert "do not begin with the 11 that were there" in said["problems"][0]
    assert main([str(heads), "--key", str(heads), "--store", "x"]) == 2

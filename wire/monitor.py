"""Watches a department's checkpoints, and reports whether its access log and its records were only ever added to.

This file needs Python 3.11 and the package `cryptography`, and nothing else of Platepost: anyone may copy and run it,
`python monitor.py --help`. `platepost monitor` is the same.

Whoever runs a database can delete, alter or replace what it has. A department therefore signs, at least once a minute,
a checkpoint: how many entries its access log has, how many records it holds, and the root of a Merkle tree over each
(RFC 6962, section 2.1). This program keeps the last one that it saw. It checks that the next one is signed by the
department, is recent, dates its last entry neither before the one before nor ahead of its clock, and proves by hashes
alone that it only adds to what was there.
"""

import argparse
import base64
import hashlib
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

HEAD_TYPE = "platepost-ledger-head+jws"
GAP = timedelta(minutes=2)
"""How long a department may be silent."""
TOLERANCE = timedelta(minutes=1)
"""By how much clocks may differ."""
LARGEST = 1 << 20
"""Bytes of an answer, or of a line."""
TIMEOUT = 20
"""Seconds within which a server answers."""
TREES = ("number", "root", "proof"), ("records", "records_root", "records_proof")
"""By tree, the members of a checkpoint that have its size, its root, and the proof that it adds to the former."""


class MonitorError(Exception):
    """A checkpoint cannot be read, is not signed by the department, or no source answers."""


# --- the tree: RFC 6962, section 2.1


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node from those of its two halves."""
    return hashlib.sha256(b"\1" + left + right).digest()


EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""


def is_consistent(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether a proof shows that a tree of `second` leaves begins with the tree of `first` (RFC 9162, 2.1.4.2)."""
    if first == second:
        return first_root == second_root and not proof
    if first == 0:
        return first_root == EMPTY_ROOT and not proof
    if not 0 < first < second or not proof:
        return False
    path = [*proof] if first & (first - 1) else [first_root, *proof]
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for hashed in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(hashed, old), node_hash(hashed, new)
            while not place & 1 and place != 0:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, hashed)
        place, last = place >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


# --- one checkpoint


def opened(head: str, key: EllipticCurvePublicKey) -> dict[str, Any]:
    """Return what a checkpoint, a compact JWS, contains.

    Raises:
        MonitorError: it is damaged, or not signed with the key.

    """
    try:
        header, payload, signature = head.strip().split(".")
        header_fields = json.loads(_decoded(header))
        if (header_fields["alg"], header_fields["typ"]) != ("ES256", HEAD_TYPE):
            raise MonitorError("this is no checkpoint")
        signed = _decoded(signature)
        halves = int.from_bytes(signed[:32]), int.from_bytes(signed[32:])
        key.verify(encode_dss_signature(*halves), f"{header}.{payload}".encode("ascii"), ECDSA(SHA256()))
        content = json.loads(_decoded(payload))
        for member in ("time", "entered"):
            content[member] = datetime.fromisoformat(content[member])
        for size, root, proof in TREES:
            bytes.fromhex(content[root])
            content[size], content[proof] = int(content[size]), [*map(bytes.fromhex, content[proof])]
        content["previous"] = [*map(int, content["previous"])]
        content["problems"] = [*map(str, content["problems"])]
    except InvalidSignature:
        raise MonitorError("this checkpoint is not signed by the department's key") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MonitorError("this checkpoint is damaged") from error
    else:
        return dict(content)


def _decoded(part: str) -> bytes:
    return base64.b64decode(part.encode("ascii") + b"==", altchars=b"-_", validate=False)


def objections(
    head: Mapping[str, Any], before: Mapping[str, Any] | None, *, gap: timedelta = GAP, now: datetime | None = None
) -> Iterator[str]:
    """Yield what is wrong with a checkpoint, after the one that was seen before.

    Args:
        head: as `opened` returns it; its proofs may have been replaced by those that the server gave for `before`.
        before: the last that was seen; None if it is the first.
        gap: how long the department may be silent.
        now: the time at which it was fetched as the latest; None for one of a file.

    """
    if now is not None and head["time"] < now - gap:
        silent = now - head["time"]
        yield f"the last checkpoint is from {_at(head['time'])}: the department has been silent for {silent}"
    if now is not None and head["time"] > now + TOLERANCE:
        yield f"the checkpoint is dated {head['time'] - now} ahead of this machine's clock"
    if head["entered"] > head["time"] + TOLERANCE:
        yield f"the last entry is dated {_at(head['entered'])}, after the checkpoint itself, {_at(head['time'])}"
    yield from (f"the department reports: {problem}" for problem in head["problems"])
    if before is None:
        return
    if (head["agency"], head["custodian"]) != (before["agency"], before["custodian"]):
        yield f"the checkpoint is of {head['agency']}, {head['custodian']}"
        return
    if head["time"] < before["time"]:
        yield f"the checkpoint is dated {_at(head['time'])}, before the one of {_at(before['time'])}"
    elif head["time"] - before["time"] > gap:
        yield f"there was no checkpoint for {head['time'] - before['time']} after {_at(before['time'])}"
    if head["entered"] < before["entered"]:
        yield f"time ran back: the last entry is dated {_at(head['entered'])}, the one before {_at(before['entered'])}"
    yield from contradictions(head, before)


def contradictions(head: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    """Yield how a checkpoint contradicts one before: it does not add to it, or does not prove that it does."""
    whats = "entries of the access log", "records"
    for what, (size, root, proof), since in zip(whats, TREES, head["previous"], strict=True):
        old, new = before[size], head[size]
        if new < old:
            yield f"{old} {what} were there, and now {new}: some were deleted, or an old copy was restored"
        elif new == old and head[root] != before[root]:
            yield f"the {old} {what} are others than before: some were altered or replaced"
        elif new > old and since != old:
            yield f"nothing here proves how {old} {what} became {new}: give a source with every checkpoint, or the URL"
        elif new > old and not is_consistent(
            old, bytes.fromhex(before[root]), new, bytes.fromhex(head[root]), head[proof]
        ):
            finding = "some were altered, deleted or replaced"
            yield f"the {new} {what} do not begin with the {old} that were there: {finding}"


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


# --- watching


class Monitor:
    """Follows one department.

    Args:
        key: the department's public key, got in person and not along with its checkpoints.
        store: a file: one line for each checkpoint that was seen, the last one last.
        gap: how long the department may be silent.

    """

    def __init__(self, key: EllipticCurvePublicKey, store: Path, *, gap: timedelta = GAP) -> None:
        self._key = key
        self._store = store
        self._gap = gap
        self.last: dict[str, Any] | None = None
        """The last checkpoint that was seen."""
        if store.exists():
            lines = store.read_text("ascii").split()
            self.last = opened(lines[-1], key) if lines else None

    def see(self, head: str, *, since: Mapping[str, Any] | None = None, live: bool = False) -> list[str]:
        """Take in a checkpoint; return what is wrong with it. One that does not follow the last is not kept.

        Args:
            head: a compact JWS.
            since: `proof` and `records_proof`, hexadecimal, from the last that was seen, as a server gives them.
            live: whether it was fetched just now, as the latest.

        Raises:
            MonitorError: it is damaged, or not signed with the key.

        """
        content = opened(head, self._key)
        last = self.last
        if last is not None and content["previous"] != [last["number"], last["records"]] and since is not None:
            content["previous"] = [last["number"], last["records"]]
            for _, _, proof in TREES:
                content[proof] = [*map(bytes.fromhex, since.get(proof, []))]
        problems = [*objections(content, last, gap=self._gap, now=datetime.now(UTC) if live else None)]
        if last is None or not [*contradictions(content, last)]:
            with self._store.open("ab") as file:
                file.write(head.strip().encode("ascii") + b"\n")
                file.flush()
                os.fsync(file.fileno())
            self.last = content
        return problems

    def fetch(self, address: str) -> list[str]:
        """Fetch the latest checkpoint from the department's public page; return what is wrong.

        Raises:
            MonitorError: the server does not answer, or not with a checkpoint.

        """
        if self.last is not None:
            since = {"since": self.last["number"], "records": self.last["records"]}
            address = f"{address}?{urllib.parse.urlencode(since)}"
        try:
            with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:  # noqa: S310 - http(s), as the caller checks
                response = json.loads(answer.read(LARGEST))
            head, since_last = response["head"], response.get("since")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, urllib.error.URLError) as error:
            raise MonitorError(f"{address} does not answer with a checkpoint: {error}") from error
        return self.see(str(head), since=since_last, live=True)

    def read(self, lines: Iterator[str]) -> Iterator[str]:
        """Read checkpoints, each as a compact JWS, or as the lines of `ledger_heads`; yield what is wrong."""
        for number, line in enumerate(lines, 1):
            for problem in self._read(line):
                yield f"line {number}: {problem}"

    def _read(self, line: str) -> list[str]:
        head = line.strip().rpartition(" ")[2] if not line.lstrip().startswith("{") else line
        try:
            checkpoint = json.loads(head)["head"] if head.lstrip().startswith("{") else head
            content = opened(checkpoint, self._key)
            if self.last is not None and content["time"] <= self.last["time"]:
                return (
                    []
                    if _same(content, self.last) or self._seen(checkpoint)
                    else ["a checkpoint that was not seen before"]
                )
            return self.see(checkpoint)
        except (MonitorError, ValueError, KeyError, TypeError) as error:
            return [str(error)]

    def _seen(self, head: str) -> bool:
        return head.strip() in self._store.read_text("ascii").split()


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one[name] == other[name] for tree in TREES for name in tree[:2])


def public_key(path: Path) -> EllipticCurvePublicKey:
    """Read a public key, PEM. Raises OSError, ValueError, MonitorError: it is another kind of key."""
    key = load_pem_public_key(path.read_bytes())
    if not isinstance(key, EllipticCurvePublicKey):
        raise MonitorError(f"{path} is not a key on P-256")
    return key


def _run(monitor: Monitor, sources: Sequence[str]) -> list[str]:
    problems: list[str] = []
    for source in sources:
        try:
            if source.startswith(("http://", "https://")):
                problems += monitor.fetch(source)
            elif source == "-":
                problems += monitor.read(iter(sys.stdin))
            else:
                with Path(source).open(encoding="utf-8") as file:
                    problems += (f"{source}, {problem}" for problem in monitor.read(iter(file)))
        except (MonitorError, OSError) as error:
            problems.append(str(error))
    if monitor.last is None and not problems:
        problems.append("no source has a checkpoint")
    return problems


def main(arguments: Sequence[str] | None = None, *, wait: Callable[[float], object] = time.sleep) -> int:
    """Run the program; return its exit status: 0 if nothing is wrong, 1 if something is, 2 if it cannot run."""
    parser = argparse.ArgumentParser(
        prog="platepost monitor",
        description="Check that a department's access log and records are only ever added to, from its checkpoints.",
        epilog="Exit status: 0 nothing is wrong, 1 something is, 2 it cannot run. "
        "Example: platepost monitor https://plates.example.gov/checkpoint --key oakdale.pem --store oakdale --every 60",
    )
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="URL of `checkpoint` on the department's public page, a file of checkpoints, or - for standard input",
    )
    parser.add_argument(
        "--key", required=True, type=Path, help="public key of the archive service, PEM; get it in person"
    )
    parser.add_argument("--store", required=True, type=Path, help="file in which this program keeps what it has seen")
    parser.add_argument(
        "--gap",
        type=float,
        default=GAP.total_seconds(),
        metavar="SECONDS",
        help="how long the department may be silent (%(default)s)",
    )
    parser.add_argument("--every", type=float, metavar="SECONDS", help="continue, and check again after so long")
    parser.add_argument("--json", action="store_true", help="print one line of JSON for each look")
    options = parser.parse_args(arguments)
    try:
        monitor = Monitor(public_key(options.key), options.store, gap=timedelta(seconds=options.gap))
    except (MonitorError, OSError, ValueError) as error:
        _write(f"platepost monitor: {error}", sys.stderr)
        return 2
    while True:
        problems = _run(monitor, options.sources)
        _report(monitor, problems, as_json=options.json)
        if options.every is None:
            return 1 if problems else 0
        wait(options.every)


def _report(monitor: Monitor, problems: Sequence[str], *, as_json: bool) -> None:
    last = monitor.last
    state = {} if last is None else {"agency": last["agency"], "number": last["number"], "records": last["records"],
                                     "time": last["time"].isoformat()}  # fmt: skip
    if as_json:
        _write(json.dumps({"intact": not problems, **state, "problems": problems}))
        return
    for problem in problems:
        _write(problem, sys.stderr)
    if last is not None:
        what = f"{last['agency']}, {_at(last['time'])}: {last['number']} entries, {last['records']} records"
        _write(f"{what}: {f'{len(problems)} problems' if problems else 'nothing is wrong'}.")


def _write(line: str, to: TextIO | None = None) -> None:
    to = to or sys.stdout
    to.write(line + "\n")
    to.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

"""The second verifier, in JavaScript, written from the contract's page alone."""

import json
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from platepost.wire.records import Keyring
from platepost.wire.verify.verify import Verifier

PROGRAM = Path(__file__).with_name("verify.mjs")
Problems = Counter[tuple[str, str | None, int | None]]
"""How often each is wrong: kind, chain, number."""


def by_ours(lines: Iterable[bytes], *pems: bytes) -> Problems:
    report = Verifier(Keyring.from_pem(*pems), whole=True).feed_all(list(lines))
    return Counter((problem.kind, problem.chain, problem.sequence) for problem in report.problems)


def by_the_second(lines: Iterable[bytes], *pems: bytes) -> Problems:
    """Return what is wrong with records, every chain from its first on; skips the test where node is missing."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is missing: make tools")
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.pem" for number, _ in enumerate(pems)]
        for file, pem in zip(files, pems, strict=True):
            file.write_bytes(pem)
        archive = b"\n".join(line.rstrip(b"\n") for line in lines)
        done = subprocess.run([node, PROGRAM, *files], input=archive, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return Counter((kind, chain, number) for kind, chain, number in json.loads(done.stdout))


def agreed(lines: Iterable[bytes], *pems: bytes) -> Problems:
    """Return what both find wrong; they must agree."""
    lines = list(lines)
    ours, second = by_ours(lines, *pems), by_the_second(lines, *pems)
    assert ours == second
    return ours

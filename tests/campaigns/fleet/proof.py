"""Proof of a fleet's archive: every record of every post, by the code of `platepost verify`."""

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.processes import results, shielded
from platepost.wire.records import Source
from platepost.wire.records.signing import Keyring
from platepost.wire.verify.verify import Verifier

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of it."""

    records: int
    """Records fed to the verifiers."""
    problems: tuple[str, ...]
    """At most some of them."""


def prove(fleet: Fleet, archive: Path, *, processes: int) -> Proof:
    """Verify signatures and chains of every post in an archive of all of them, each chain from its first record on."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        with shielded():
            shares = [pool.submit(_share, fleet.directory, archive, number, processes) for number in range(processes)]
        proofs = list(results(pool, shares))
    problems = [problem for proof in proofs for problem in proof.problems]
    return Proof(sum(proof.records for proof in proofs), tuple(problems[:SHOWN]))


def _share(directory: Path, archive: Path, number: int, of: int) -> Proof:
    fleet = Fleet.load(directory)
    verifiers = {
        (source := Source(fleet.agency, post).uri): Verifier(
            Keyring.from_files(fleet.record_key(post)), whole=True, source=source
        )
        for post in fleet.posts()[number::of]
    }
    fed = 0
    with archive.open("rb") as lines:
        for line in lines:
            verifier = verifiers.get(json.loads(line)["source"])
            if verifier is not None:
                verifier.feed(line)
                fed += 1
    problems = [
        f"{source}: {problem.kind}: {problem.message}"
        for source, verifier in verifiers.items()
        for problem in verifier.report().problems
    ]
    return Proof(fed, tuple(problems))

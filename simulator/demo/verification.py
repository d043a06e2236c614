"""Proof, from the subscriber's archive and the post's public key alone, that every record is whole and genuine."""

from collections.abc import Sequence
from pathlib import Path

from platepost.simulator.demo.outcome import Verification
from platepost.simulator.ground.subscriber import Arrival
from platepost.wire.records import TYPES, Source, Status
from platepost.wire.records.signing import Keyring
from platepost.wire.verify.verify import Problem, Verifier


def verify_archive(archive: Path, key: Path, source: Source, *, farewell: bool) -> Verification:
    """Verify every signature, picture and link of the chain from its first record on.

    Args:
        archive: JSON lines, one record a line.
        key: PEM of the post's public key.
        source: the post that all records must be of.
        farewell: whether the post's last record has arrived; without it, none can say what is missing behind the end.

    """
    verifier = Verifier(Keyring.from_files(key), whole=True, source=source.uri)
    with archive.open("rb") as lines:
        report = verifier.feed_all(lines)
    problems = [_name(problem) for problem in report.problems]
    if len(report.chains) != 1:
        problems.append(f"{len(report.chains)} chains of records where there should be one")
    problems += [f"{chain.dropped} reads were dropped by the post" for chain in report.chains if chain.dropped]
    if not farewell:
        problems.append("the post's farewell has not arrived: records are missing at the end")
    return Verification(records=report.fed, chained=report.chained, problems=tuple(problems))


def said_farewell(arrivals: Sequence[Arrival]) -> bool:
    """Say whether the post's last record has arrived: a chained status `offline`, so that none is missing behind it."""
    return any(
        arrival.kind == TYPES[Status] and arrival.data.get("state") == "offline" and "sequence" in arrival.event
        for arrival in arrivals
    )


def _name(problem: Problem) -> str:
    if problem.kind == "missing":
        return problem.message
    where = f"record {problem.sequence}" if problem.sequence is not None else f"line {problem.line} of the archive"
    return f"{where} is {problem.kind}: {problem.message}"

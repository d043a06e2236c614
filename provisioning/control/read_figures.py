"""What posts read in a time, in figures without a plate, and whether it is worse than before their software changed.

Software that misreads raises no fault, and is as sure of itself as before. But most roads have regular traffic: of the
plates that a post reads, a share was read somewhere in the fleet in the two weeks before, and a wrong text hardly ever
was. So that share falls at once, whatever the misreading is.
"""

import json
import math
import shlex
import subprocess
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from platepost.provisioning.errors import ProvisioningError

KNOWN_WITHIN = timedelta(days=14)
"""How long before a time a plate may have been read to count as known in it."""
LATE_SECONDS = 60.0
"""From capture to custody: beyond this a read is late."""
Z = 3.3
"""Of the normal distribution: one of a thousand intervals does not have the true share."""
LESS_KNOWN, FEWER_READS, FEWER_HITS = 0.7, 0.5, 0.3
"""Less than so much of what was to come is worse."""
MORE_HITS = 3.0
LESS_SURE = 0.05
EXPECTED_READS, EXPECTED_HITS = 30.0, 10.0
"""Of fewer that were to come nothing follows: none of ten comes by chance once in 20,000 times."""
LATER = 0.05
"""So much larger a share of late reads is worse."""
COMMAND_SECONDS = 600.0


class ReadFigures(BaseModel):
    """What a post, or several, read in a time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reads: int = Field(default=0, ge=0)
    known: int = Field(default=0, ge=0)
    """Reads of plates that the fleet had read in the `KNOWN_WITHIN` before that time."""
    late: int = Field(default=0, ge=0)
    """Reads that the archive service got later than `LATE_SECONDS`."""
    hits: int = Field(default=0, ge=0)
    confidence: float = Field(default=0.0, ge=0, le=1)
    """Mean of the reads'."""

    def __add__(self, other: "ReadFigures") -> "ReadFigures":
        reads = self.reads + other.reads
        confidence = (self.reads * self.confidence + other.reads * other.confidence) / reads if reads else 0.0
        return ReadFigures(
            reads=reads,
            known=self.known + other.known,
            late=self.late + other.late,
            hits=self.hits + other.hits,
            confidence=confidence,
        )


FleetFigures: TypeAlias = Mapping[str, ReadFigures]
"""By post; one that read nothing may be missing."""
FigureSource: TypeAlias = Callable[[datetime, datetime], FleetFigures]
"""Returns the figures of a time, from its first moment to its last."""
_FIGURES = TypeAdapter(dict[str, ReadFigures])


def total(figures: FleetFigures, posts: Collection[str]) -> ReadFigures:
    """Return the figures of some posts together."""
    return sum((figures[post] for post in posts if post in figures), ReadFigures())


def command_source(command: str) -> FigureSource:
    """Return a source that runs a command, such as `platepost department read-figures FOLDER`.

    It gets `--json --since TIME --until TIME`, and prints a JSON object: the figures by post. The source raises
    ProvisioningError if it fails.
    """
    words = shlex.split(command)

    def ask(since: datetime, until: datetime) -> FleetFigures:
        times = ("--since", since.isoformat(), "--until", until.isoformat())
        try:
            result = subprocess.run(
                [*words, "--json", *times],
                capture_output=True,
                text=True,
                check=True,
                timeout=COMMAND_SECONDS,
                process_group=0,
            )
            return _FIGURES.validate_json(result.stdout.splitlines()[-1])
        except subprocess.CalledProcessError as error:
            raise ProvisioningError(f"no figures: {error.stderr.strip() or error}") from error
        except (OSError, subprocess.TimeoutExpired, IndexError, ValidationError, json.JSONDecodeError) as error:
            raise ProvisioningError(f"no figures from {words[0] if words else 'an empty command'}: {error}") from error

    return ask


def worse(before: ReadFigures, after: ReadFigures, *, expected: float = 0.0) -> list[str]:
    """Return in which ways posts read worse than before; nothing where too little is known.

    Args:
        before: what they read before their software changed.
        after: what they read since.
        expected: how many reads were to come since; 0 where that is not to be judged.

    """
    reasons = []
    if expected >= EXPECTED_READS and after.reads + Z * math.sqrt(after.reads + 1) < FEWER_READS * expected:
        reasons.append(f"{after.reads} reads, where {expected:.0f} were to come")
    if not before.reads or not after.reads:
        return reasons
    known_before, known_after = interval(before.known, before.reads), interval(after.known, after.reads)
    if known_after[1] < LESS_KNOWN * known_before[0]:
        reasons.append(
            f"{after.known / after.reads:.0%} of the plates are known, {before.known / before.reads:.0%} before: "
            "it may be misreading"
        )
    if interval(after.late, after.reads)[0] > interval(before.late, before.reads)[1] + LATER:
        reasons.append(f"{after.late} of {after.reads} reads arrived late")
    if min(before.reads, after.reads) >= EXPECTED_READS and after.confidence < before.confidence - LESS_SURE:
        reasons.append(f"mean confidence {after.confidence:.2f}, {before.confidence:.2f} before")
    hits = before.hits * after.reads / before.reads
    fewer = hits >= EXPECTED_HITS and after.hits < FEWER_HITS * hits
    if fewer or after.hits > MORE_HITS * hits + EXPECTED_HITS:
        reasons.append(f"{after.hits} hits, where {hits:.0f} were to come")
    return reasons


def interval(count: int, of: int) -> tuple[float, float]:
    """Return the interval in which a share lies, by Wilson (J. Am. Stat. Assoc. 22, 1927, 209); 0 to 1 of nothing."""
    if not of:
        return 0.0, 1.0
    share, spread = count / of, Z * Z / of
    middle, half = share + spread / 2, Z * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))

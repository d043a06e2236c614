"""What each post read in a time, in figures without a plate: by these a rollout of software is judged."""

from datetime import datetime

import psycopg

from platepost.provisioning.control.read_figures import KNOWN_WITHIN, LATE_SECONDS, FleetFigures, ReadFigures

_READS = """
SELECT read.post, count(*), count(*) FILTER (WHERE EXISTS (
    SELECT FROM custody_read AS earlier WHERE earlier.plate_fold = read.plate_fold
    AND earlier.captured_at >= %(earliest)s AND earlier.captured_at < %(since)s
)), count(*) FILTER (WHERE record.kept_at > read.captured_at + make_interval(secs => %(late)s)), avg(read.confidence)
FROM custody_read AS read
JOIN custody_record AS record
ON (record.id, record.class, record.retained_from) = (read.record_id, read.class, read.retained_from)
WHERE read.captured_at >= %(since)s AND read.captured_at < %(until)s AND read.covert_group IS NULL
GROUP BY read.post
"""
_HITS = """
SELECT post, count(*) FROM custody_hit
WHERE captured_at >= %(since)s AND captured_at < %(until)s AND covert_group IS NULL AND NOT synthetic GROUP BY post
"""


def read_figures(keeper: psycopg.Connection, since: datetime, until: datetime) -> FleetFigures:
    """Return the figures of each post that read anything; `keeper` is a connection of the role that sees all records.

    Records of covert groups count for nothing.
    """
    values = {"since": since, "until": until, "earliest": since - KNOWN_WITHIN, "late": LATE_SECONDS}
    hits: dict[str, int] = dict(keeper.execute(_HITS, values).fetchall())
    return {
        post: ReadFigures(reads=reads, known=known, late=late, hits=hits.get(post, 0), confidence=confidence)
        for post, reads, known, late, confidence in keeper.execute(_READS, values)
    }

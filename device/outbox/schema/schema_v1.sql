-- Version 1 of the outbox. Kept for ever: a post that comes back after a year migrates from here.

-- The end of the chain lives beside the records, so that one transaction moves both.
CREATE TABLE chain (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    id       TEXT    NOT NULL,
    sequence INTEGER NOT NULL,
    digest   TEXT    NOT NULL
) STRICT;

CREATE TABLE record (
    sequence     INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    rank         INTEGER NOT NULL,  -- 0 hits, 1 audit, 2 status, 3 reads
    type         TEXT    NOT NULL,
    topic        TEXT    NOT NULL,
    digest       TEXT    NOT NULL,
    time         REAL    NOT NULL,  -- seconds since 1970, UTC
    expires      REAL,
    body         BLOB    NOT NULL,
    size         INTEGER NOT NULL,  -- bytes of body
    has_pictures INTEGER NOT NULL
) STRICT;

CREATE INDEX record_order ON record (rank, sequence, topic);
CREATE INDEX record_pictures ON record (sequence) WHERE rank = 3 AND has_pictures = 1;

-- What the quota cost. The *_pending are not yet in the audit trail.
CREATE TABLE dropped (
    only_row         INTEGER PRIMARY KEY CHECK (only_row = 1),
    reads            INTEGER NOT NULL DEFAULT 0,
    pictures         INTEGER NOT NULL DEFAULT 0,
    reads_pending    INTEGER NOT NULL DEFAULT 0,
    pictures_pending INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO dropped (only_row) VALUES (1);

-- Sequence numbers of reads dropped whole and not yet in the audit trail.
CREATE TABLE gap (
    first INTEGER PRIMARY KEY,
    last  INTEGER NOT NULL
) STRICT;

-- Version 4 of the outbox. Kept for ever, as those before it are.

-- Hits of covert entries are numbered and chained apart, one chain for each group that alone may hear of them, so that
-- nobody else sees by a gap that there was one. Their records have numbers in `record.sequence` below -2**40, where they
-- meet no others.
CREATE TABLE covert_chain (
    name     TEXT    PRIMARY KEY,  -- the distribution group
    id       TEXT    NOT NULL,
    sequence INTEGER NOT NULL,
    digest   TEXT    NOT NULL,
    key      TEXT,  -- as in `chain`
    time     REAL   -- as in `chain`
) STRICT;

-- Version 2 of the outbox. Kept for ever, as version 1 is.

-- Thumbprint of the key that the chain goes on with; unknown until the first record after the migration.
ALTER TABLE chain ADD COLUMN key TEXT;

-- Records taken over from a chain that ended with a damaged file. They have negative numbers in `sequence`, so that they
-- leave first and meet no number of the present chain; their own number is in `number`.
ALTER TABLE record ADD COLUMN number INTEGER;

-- What damage cost and is not yet in the audit trail.
CREATE TABLE loss (
    place    INTEGER PRIMARY KEY,
    chain    TEXT    NOT NULL,
    records  INTEGER NOT NULL,
    ranges   TEXT    NOT NULL,  -- JSON: [[first, last], ...]
    complete INTEGER NOT NULL
) STRICT;

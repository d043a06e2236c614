-- Version 6 of the outbox. Kept for ever, as those before it are.

-- A broker's acknowledgment is not custody. A record is waiting until a broker acknowledged it, then sent until every
-- custodian that is required has signed for it; then its row goes. Appended as 0 with new rows, so that it fits into
-- them when it changes.
ALTER TABLE record ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;

DROP INDEX record_order;
CREATE INDEX record_order ON record (sent, rank, sequence, topic);
DROP INDEX record_pictures;
CREATE INDEX record_pictures ON record (sent, sequence) WHERE rank = 3 AND has_pictures = 1;

-- Chain and number of records whose `sequence` is not their number in the present chain: those of former and of covert
-- chains.
CREATE TABLE standing (
    sequence INTEGER PRIMARY KEY,
    chain    TEXT    NOT NULL,
    number   INTEGER NOT NULL
) STRICT;
CREATE INDEX standing_order ON standing (chain, number);
INSERT INTO standing (sequence, chain, number)
    SELECT sequence, body ->> '$.chain', body ->> '$.sequence'
    FROM (SELECT sequence, CAST(body AS TEXT) AS body FROM record WHERE sequence < 0);

-- What each required custodian has signed for, the digest being that of the record here: numbers `first` to `last` of a
-- chain. One range of each begins at 0: it ends before the first record that needs this custodian at all.
CREATE TABLE kept (
    chain     TEXT    NOT NULL,
    custodian TEXT    NOT NULL,
    first     INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    PRIMARY KEY (chain, custodian, first)
) STRICT, WITHOUT ROWID;

-- Digests of records that went while an older one of their chain is still here: a receipt for that one may end at them.
CREATE TABLE released (
    chain  TEXT    NOT NULL,
    number INTEGER NOT NULL,
    digest TEXT    NOT NULL,
    PRIMARY KEY (chain, number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER record_gone AFTER DELETE ON record BEGIN
    INSERT OR IGNORE INTO released (chain, number, digest)
        SELECT id, old.sequence, old.digest FROM chain WHERE old.sequence > 0 AND EXISTS (SELECT 1 FROM kept)
        UNION ALL
        SELECT chain, number, old.digest FROM standing WHERE sequence = old.sequence AND EXISTS (SELECT 1 FROM kept);
    DELETE FROM standing WHERE sequence = old.sequence;
END;

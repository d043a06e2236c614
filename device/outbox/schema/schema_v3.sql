-- Version 3 of the outbox. Kept for ever, as those before it are.

-- Time of the record at the end of the chain, seconds since 1970, UTC: no later record is earlier, over a power cut too.
ALTER TABLE chain ADD COLUMN time REAL;
UPDATE chain SET time = (SELECT max(time) FROM record WHERE sequence > 0);

-- Version 5 of the outbox. Kept for ever, as those before it are.

-- A long row lies on several pages, each authentic by itself. What is read of a damaged file without SQLite may join a
-- row's first page to a page that another row has had since; `seal`, SHA-256 over the whole row, tells. NULL in rows of
-- former versions, which are not written anew: they leave soon, and an update must not need the disk twice.
ALTER TABLE record ADD COLUMN seal BLOB;

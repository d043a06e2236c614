-- What Django's constraints do not say of people's tables.

ALTER TABLE people_person
    ADD CHECK (login ~ '^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$'),
    ADD CHECK (made_by_id <> id),
    ADD CHECK (sponsor_id <> id);
ALTER TABLE people_provider_group ADD CHECK (role NOT IN ('administrator', 'auditor'));
ALTER TABLE people_covert ADD CHECK ("group" ~ '^[a-z][a-z0-9_]{0,31}$');

-- Who is logged on to the pages, by a digest of the session's key: without the key, no row says whose session it is.
CREATE TABLE people_session (
    key bytea PRIMARY KEY CHECK (length(key) = 32),
    person_id bigint NOT NULL REFERENCES people_person,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    log_on uuid UNIQUE  -- the ledger's entry of it
);
CREATE INDEX people_session_began ON people_session (began_at);

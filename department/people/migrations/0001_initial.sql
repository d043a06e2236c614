-- What Django's constraints do not say of people's tables.

ALTER TABLE people_person
    ADD CHECK (login ~ '^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$'),
    ADD CHECK (made_by_id <> id),
    ADD CHECK (sponsor_id <> id);
ALTER TABLE people_provider_group ADD CHECK (role NOT IN ('administrator', 'auditor'));
ALTER TABLE people_covert ADD CHECK ("group" ~ '^[a-z][a-z0-9_]{0,31}$');

-- Partner departments, and what was asked of them and answered to them. No row has a plate, nor the salt of what it
-- commits to elsewhere: queries and answers stand in the ledger.

CREATE TABLE federation_partner (
    agency text COLLATE "C" PRIMARY KEY REFERENCES ledger_agency,
    url text NOT NULL CONSTRAINT federation_partner_url CHECK (url ~ '^https://[^/?#@ ]+$'),
    certificate text NOT NULL,  -- PEM; by its key the partner signs, too
    person text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE federation_exchange (
    id uuid PRIMARY KEY,
    side text NOT NULL CHECK (side IN ('asked', 'answered')),
    agency text COLLATE "C" NOT NULL REFERENCES federation_partner,
    person text COLLATE "C" NOT NULL,
    purpose text NOT NULL,
    at timestamptz NOT NULL,
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),  -- SHA-256 of the signed query
    committed text CHECK (committed ~ '^[0-9a-f]{64}$'),  -- to the case
    case_number text,
    salt bytea,
    decision text CHECK (decision IN ('answered', 'refused', 'failed', 'lost')),
    entry uuid,  -- of the ledger: that has the answer; until then, that none came
    CONSTRAINT federation_case CHECK (num_nulls(case_number, salt) IN (0, 2)),
    CONSTRAINT federation_decided CHECK (decision IS NULL OR entry IS NOT NULL)
);
CREATE INDEX federation_exchange_lately ON federation_exchange (agency, side, at);

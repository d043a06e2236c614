-- The policy as the database applies it. `upgrade` fills these from the policy file, in
-- `platepost.department.policy.enforced_rules`; while they are empty, nothing may be looked at.

CREATE TABLE policy_rules (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    digest text NOT NULL,  -- of the file
    case_numbers text NOT NULL,  -- a regular expression of a whole one
    invisible text NOT NULL,  -- a regular expression of characters that nobody sees
    look_alikes text NOT NULL,
    stand_for text NOT NULL,  -- in the same order
    CONSTRAINT policy_look_alikes CHECK (length(look_alikes) = length(stand_for))
);

CREATE TABLE policy_purpose (
    name text COLLATE "C" PRIMARY KEY,
    needs_case boolean NOT NULL,
    roles text[] NOT NULL,  -- that may have it; each that may search where empty
    console boolean NOT NULL  -- whether the console alone has it, and no other
);

CREATE TABLE policy_forbidden (
    name text COLLATE "C" PRIMARY KEY,
    place integer NOT NULL UNIQUE,
    says text NOT NULL,
    pattern text NOT NULL,  -- of what is refused, in a folded text
    near text NOT NULL,  -- of what is sampled
    innocent text NOT NULL  -- of what is cut out first
);

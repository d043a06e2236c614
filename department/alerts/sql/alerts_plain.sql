-- Of the state's system no text is kept, outcome and time only. So a note has nothing in it that a return has: codes
-- with a slash or a colon, numbers, plates, identification numbers.
CREATE OR REPLACE FUNCTION alerts_plain(note text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
SELECT note ~ '\S' AND length(note) <= 160 AND note !~ '[[:cntrl:]]' AND note !~ '[/:=;|<>]' AND note !~ '[0-9]{4}'
    AND note !~ '[[:alpha:]][0-9]|[0-9][[:alpha:]]'
    AND note !~* '\m(vin|lic|dob|oca|ori|fcn|nic|oln|sid|fbi|regis|registered owner|date of birth|caution)\M'
$$;

REVOKE ALL ON FUNCTION alerts_plain FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alerts_plain TO platepost_web;

ALTER TABLE alerts_step DROP CONSTRAINT IF EXISTS alerts_note,
    ADD CONSTRAINT alerts_note CHECK (alerts_plain(note));

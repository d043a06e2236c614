-- The grams by which a pattern finds a plate. A gram is an int4: what it tells (18 bits up), place (14 bits up), one or
-- two characters of 7 bits each. It must stay what `platepost.department.search.patterns.ngram_code` makes.
CREATE OR REPLACE FUNCTION search_grams(plate text) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    grams integer[] := '{}';
    last integer := length(plate) - 1;
    a integer := ascii(plate) & 127;
    b integer;
BEGIN
    FOR place IN 0..last LOOP
        IF place <= 15 THEN
            grams := array_append(grams, (place << 14) + (a << 7));
        END IF;
        IF last - place <= 15 THEN
            grams := array_append(grams, (2 << 18) + ((last - place) << 14) + (a << 7));
        END IF;
        EXIT WHEN place = last;
        b := ascii(substr(plate, place + 2, 1)) & 127;
        IF place < 15 THEN
            grams := array_append(grams, (1 << 18) + (place << 14) + (a << 7) + b);
        END IF;
        IF last - place <= 15 THEN
            grams := array_append(grams, (3 << 18) + ((last - place - 1) << 14) + (a << 7) + b);
        END IF;
        grams := array_append(grams, (4 << 18) + (a << 7) + b);
        a := b;
    END LOOP;
    RETURN grams;
END
$$;

REVOKE ALL ON FUNCTION search_grams FROM PUBLIC;

CREATE INDEX IF NOT EXISTS search_plate_grams ON search_plate USING gin (search_grams(plate_fold))
    WITH (gin_pending_list_limit = 1024);
-- Plates of which something hides a character: a search asks this one besides. Few come in a day: none is left for a
-- search to put in order.
CREATE INDEX IF NOT EXISTS search_plate_hidden ON search_plate USING gin (search_grams(plate_fold))
    WITH (fastupdate = off) WHERE strpos(plate_fold, '?') > 0;

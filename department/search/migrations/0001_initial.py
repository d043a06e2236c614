"""The dictionary of plates: which there are among the reads, with grams by which a pattern finds them."""

from django.db import migrations

# A gram is an int4: what it tells (18 bits up), place (14 bits up), one or two characters of 7 bits each. It must stay
# what `platepost.department.search.patterns.gram_code` makes.
TABLES = """
CREATE FUNCTION search_grams(plate text) RETURNS integer[]
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

-- The weeks since 1970-01-05 in whose partitions reads lie that are kept from a moment on: its Monday, in UTC.
CREATE FUNCTION search_week(retained_from timestamptz) RETURNS smallint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT floor((extract(epoch FROM retained_from) - 345600) / 604800)::smallint
$$;

CREATE TABLE search_plate (
    plate_fold text COLLATE "C" PRIMARY KEY,
    -- Those that have reads of it, ascending: all others need not be looked at.
    weeks smallint[] NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX search_plate_grams ON search_plate USING gin (search_grams(plate_fold))
    WITH (gin_pending_list_limit = 1024);
"""

# Whatever inserts reads notes their plates in the same transaction, once a statement. A plate that was seen
# this week costs a look-up. Covert reads are left out: the dictionary is one for all.
NOTED = """
CREATE FUNCTION search_note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.search_plate AS known
    SELECT plate_fold, array_agg(DISTINCT public.search_week(retained_from))
    FROM new_reads WHERE covert_group IS NULL
    -- In one order, so that two keepers never wait for one another.
    GROUP BY plate_fold ORDER BY plate_fold
    ON CONFLICT (plate_fold) DO UPDATE
    SET weeks = ARRAY(SELECT DISTINCT week FROM unnest(known.weeks || excluded.weeks) AS week ORDER BY week)
    WHERE NOT known.weeks @> excluded.weeks;
    RETURN NULL;
END
$$;
CREATE TRIGGER search_note AFTER INSERT ON custody_read REFERENCING NEW TABLE AS new_reads
    FOR EACH STATEMENT EXECUTE FUNCTION search_note();
INSERT INTO search_plate
SELECT plate_fold, array_agg(DISTINCT search_week(retained_from))
FROM custody_read WHERE covert_group IS NULL GROUP BY plate_fold;
"""

# Nobody reads the dictionary but by this, under an open entry. `any_of` has groups of grams as array literals.
ASKED = """
CREATE FUNCTION search_candidates(plates text[], all_of integer[], any_of text[], pattern text, most integer)
RETURNS SETOF public.search_plate
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    condition text := 'true';
    grams text;
BEGIN
    IF NOT public.ledger_open() THEN
        RETURN;
    END IF;
    IF plates IS NOT NULL THEN
        RETURN QUERY SELECT * FROM public.search_plate WHERE plate_fold = ANY (plates) LIMIT most;
        RETURN;
    END IF;
    IF cardinality(all_of) + cardinality(any_of) = 0 THEN
        RAISE EXCEPTION 'no gram is given' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF cardinality(all_of) > 0 THEN
        condition := format('public.search_grams(plate_fold) @> %L::integer[]', all_of);
    END IF;
    FOREACH grams IN ARRAY any_of LOOP
        condition := condition || format(' AND public.search_grams(plate_fold) && %L::integer[]', grams);
    END LOOP;
    RETURN QUERY EXECUTE
        'SELECT * FROM public.search_plate WHERE ' || condition || ' AND plate_fold ~ $1 LIMIT $2'
        USING pattern, most;
END
$$;

-- After partitions were dropped: forget the weeks up to that one in which no read of a plate is left, and the plates
-- that none is left of at all. What the keeper adds has a later week.
CREATE FUNCTION search_forget(up_to date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    last_week smallint := public.search_week(up_to::timestamp AT TIME ZONE 'UTC');
    gone bigint;
BEGIN
    UPDATE public.search_plate AS known SET weeks = ARRAY(
        SELECT week FROM unnest(known.weeks) AS week
        WHERE week > last_week OR EXISTS (
            SELECT FROM public.custody_read AS kept
            WHERE kept.plate_fold = known.plate_fold AND kept.covert_group IS NULL
            AND kept.retained_from >= to_timestamp(week * 604800 + 345600)
            AND kept.retained_from < to_timestamp(week * 604800 + 950400)
        ) ORDER BY week
    ) WHERE weeks[1] <= last_week;
    DELETE FROM public.search_plate WHERE weeks = '{}';
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$;

REVOKE ALL ON FUNCTION search_grams(text), search_week(timestamptz), search_note(), search_forget(date),
    search_candidates(text[], integer[], text[], text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_candidates(text[], integer[], text[], text, integer) TO platepost_web;
GRANT EXECUTE ON FUNCTION search_forget(date) TO platepost_purger;
"""


class Migration(migrations.Migration):
    """The first."""

    initial = True
    dependencies = [("ledger", "0001_initial"), ("custody", "0001_initial")]
    operations = [migrations.RunSQL(TABLES + NOTED + ASKED)]

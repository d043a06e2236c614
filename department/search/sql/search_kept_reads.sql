-- after: custody_posts
-- What anyone who may search may know of the reads that are kept, without a plate: when the oldest was captured, and of
-- some 2,000 recent ones how many tell each searchable field. Covert reads do not count.
CREATE OR REPLACE FUNCTION search_kept_reads(names text[], OUT oldest timestamptz, OUT counted integer, OUT known jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    parts regclass[] := ARRAY(
        SELECT part.inhrelid::regclass FROM pg_inherits AS class JOIN pg_inherits AS part ON part.inhparent = class.inhrelid
        WHERE class.inhparent = 'public.custody_read'::regclass
        -- By the day in their names.
        ORDER BY right(part.inhrelid::regclass::text, 8)
    );
    posts text[] := ARRAY(SELECT public.custody_posts());
    part regclass;
    first_of_part timestamptz;
    number integer;
    of_part jsonb;
    counts text;
BEGIN
    counted := 0;
    known := '{}';
    SELECT string_agg(format('%L, count(nullif(%I, ''unknown''))', name, name), ', ') INTO counts
    FROM unnest(names) AS name;
    FOREACH part IN ARRAY parts LOOP
        EXECUTE format('SELECT min(at) FROM unnest($1) AS named, LATERAL ('
            'SELECT min(captured_at) AS at FROM %s WHERE post = named AND covert_group IS NULL) AS first', part)
        INTO first_of_part USING posts;
        oldest := least(oldest, first_of_part);
        -- Captured at most 31 days before it was kept: no later partition has an older one.
        EXIT WHEN oldest < (now() - interval '31 days') AND first_of_part > oldest + interval '31 days';
    END LOOP;
    FOR place IN REVERSE coalesce(array_length(parts, 1), 0)..1 LOOP
        EXECUTE format('SELECT count(*), jsonb_build_object(%s) FROM ('
            'SELECT * FROM %s WHERE covert_group IS NULL LIMIT 2000) AS sampled', counts, parts[place]) INTO number, of_part;
        counted := counted + number;
        SELECT jsonb_object_agg(key, coalesce((known ->> key)::integer, 0) + value::integer) INTO known
        FROM jsonb_each_text(of_part);
        EXIT WHEN counted >= 1000;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION search_kept_reads FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_kept_reads TO platepost_web;

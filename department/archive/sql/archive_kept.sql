-- Which records of a part stay when it is deleted: those that name keys or losses, and those that are held. A hold of a
-- plate, a post and a time keeps a passage whole, with a withdrawal that came later, and with reads in which something
-- hid a character of the plate: three known characters must agree, as in search. Without a plate it also keeps what the
-- posts reported about themselves then, even if it arrived later.
CREATE OR REPLACE FUNCTION archive_kept(wanted text, begins timestamptz, ends timestamptz) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    part CONSTANT text := 'class = $1 AND retained_from >= $2 AND retained_from < $3';
    exempt bigint[];
    passages text[];
    matched text[];
    more bigint[];
    place text;
    hold archive_hold;
    hidden text[];
BEGIN
    EXECUTE 'SELECT array_agg(id) FROM custody_record WHERE names AND ' || part INTO exempt USING wanted, begins, ends;
    IF EXISTS (SELECT FROM archive_hold WHERE lifted_at IS NULL AND plates <> '{}' AND since < ends) THEN
        EXECUTE format(
            'SELECT array_agg(DISTINCT plate_fold) FROM (SELECT plate_fold FROM custody_read WHERE %1$s'
            ' UNION ALL SELECT plate_fold FROM custody_hit WHERE %1$s) AS seen'
            ' WHERE length(replace(plate_fold, ''?'', '''')) BETWEEN 3 AND length(plate_fold) - 1', part
        ) INTO hidden USING wanted, begins, ends;
    END IF;
    FOR hold IN SELECT * FROM archive_hold WHERE lifted_at IS NULL LOOP
        exempt := exempt || hold.records;
        passages := passages || hold.passages;
        CONTINUE WHEN hold.since IS NULL OR hold.since >= ends;
        place := CASE WHEN hold.posts <> '{}' THEN ' AND post = ANY ($6)' ELSE '' END;
        EXECUTE format(
            'SELECT array_agg(DISTINCT passage) FROM (SELECT passage FROM custody_read WHERE %1$s'
            ' UNION ALL SELECT passage FROM custody_hit WHERE %1$s) AS seen',
            part || ' AND captured_at >= $4 AND captured_at < $5' || place
                || CASE WHEN hold.plates <> '{}' THEN ' AND plate_fold = ANY ($7)' ELSE '' END
        ) INTO matched USING wanted, begins, ends, hold.since, hold.until, hold.posts, hold.plates || ARRAY(
            SELECT one FROM unnest(hidden) AS one
            WHERE EXISTS (SELECT FROM unnest(hold.plates) AS plate WHERE plate LIKE translate(one, '?', '_'))
        );
        passages := passages || matched;
        -- Of the hit in another part; what hides a character as above.
        EXECUTE 'SELECT array_agg(DISTINCT passage) FROM custody_withdrawal AS gone WHERE ' || part || ' AND EXISTS ('
            'SELECT FROM custody_hit AS known WHERE known.hit = gone.hit AND known.passage = gone.passage'
            ' AND known.captured_at >= $4 AND known.captured_at < $5'
            || CASE WHEN hold.posts <> '{}' THEN ' AND known.post = ANY ($6)' ELSE '' END
            || CASE WHEN hold.plates <> '{}' THEN ' AND EXISTS (SELECT FROM unnest($7) AS plate'
                ' WHERE plate LIKE translate(known.plate_fold, ''?'', ''_'')'
                ' AND length(replace(known.plate_fold, ''?'', '''')) >= least(3, length(known.plate_fold)))' ELSE '' END
            || ')' INTO matched USING wanted, begins, ends, hold.since, hold.until, hold.posts, hold.plates;
        passages := passages || matched;
        CONTINUE WHEN hold.plates <> '{}';
        EXECUTE 'SELECT array_agg(id) FROM custody_record WHERE ' || part
            || ' AND kept_at >= $4 AND kept_at < $5' || place
            INTO more USING wanted, begins, ends, hold.since, hold.until, hold.posts;
        exempt := exempt || more;
        EXECUTE format(
            'SELECT array_agg(record_id) FROM (SELECT record_id FROM custody_status WHERE %1$s'
            ' UNION ALL SELECT record_id FROM custody_audit WHERE %1$s'
            ' UNION ALL SELECT record_id FROM custody_health WHERE %1$s'
            ' UNION ALL SELECT record_id FROM custody_access WHERE %1$s) AS fields',
            part || ' AND at >= $4 AND at < $5' || place
        ) INTO more USING wanted, begins, ends, hold.since, hold.until, hold.posts;
        exempt := exempt || more;
    END LOOP;
    IF cardinality(passages) > 0 THEN
        EXECUTE format(
            'SELECT array_agg(record_id) FROM (SELECT record_id, passage FROM custody_read WHERE %1$s'
            ' UNION ALL SELECT record_id, passage FROM custody_hit WHERE %1$s'
            ' UNION ALL SELECT record_id, passage FROM custody_withdrawal WHERE %1$s) AS seen'
            ' WHERE passage IN (SELECT unnest($4))', part
        ) INTO more USING wanted, begins, ends, passages;
        exempt := exempt || more;
    END IF;
    RETURN coalesce(exempt, '{}');
END
$$;

REVOKE ALL ON FUNCTION archive_kept FROM PUBLIC;

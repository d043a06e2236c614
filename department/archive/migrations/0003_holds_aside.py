"""Holds that are kept beside the database, too, so that those that came after a backup are placed again.

A read becomes no hit later: what a look-back finds is a lead, which a hold keeps. So what moved such a read goes.
"""

from django.db import migrations

# Records are numbered anew when posts send them again after a loss; their digests stay.
ASIDE = """
DROP FUNCTION archive_became_hit(bigint[]);
CREATE FUNCTION archive_holds_aside() RETURNS SETOF jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT to_jsonb(hold) - '{id,records,passages,placed_at,lifted_by,lifted_at,lifted_because}'::text[]
    || jsonb_build_object('digests', ARRAY(
        SELECT encode(digest, 'hex') FROM custody_record WHERE id = ANY (hold.records) ORDER BY id
    ))
FROM archive_hold AS hold WHERE lifted_at IS NULL ORDER BY id
$$;

-- Place a hold again unless it is in force; how many of its records are not here, or not here yet.
CREATE FUNCTION archive_hold_again(said jsonb, OUT hold bigint, OUT missing integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    again archive_hold := jsonb_populate_record(NULL::archive_hold, said);
    wanted bytea[] := ARRAY(SELECT decode(one, 'hex') FROM jsonb_array_elements_text(said -> 'digests') AS one);
BEGIN
    again.records := ARRAY(SELECT id FROM custody_record WHERE digest = ANY (wanted) ORDER BY id);
    missing := (SELECT count(DISTINCT one) FROM unnest(wanted) AS one)
        - (SELECT count(DISTINCT digest) FROM custody_record WHERE id = ANY (again.records));
    IF again.since IS NULL AND again.records = '{}' OR EXISTS (
        SELECT FROM archive_hold AS known WHERE lifted_at IS NULL AND known.records @> again.records
        AND (known.kind, known.case_number, known.person, known.reason, known.posts, known.plates)
            = (again.kind, again.case_number, again.person, again.reason, again.posts, again.plates)
        AND (known.since, known.until) IS NOT DISTINCT FROM (again.since, again.until)
    ) THEN
        RETURN;
    END IF;
    INSERT INTO archive_hold
        (kind, case_number, person, reason, review_on, records, posts, plates, since, until, groups)
    SELECT again.kind, again.case_number, again.person, again.reason, again.review_on, again.records, again.posts,
        again.plates, again.since, again.until, ARRAY(
            SELECT DISTINCT covert_group FROM custody_record WHERE id = ANY (again.records) AND covert_group IS NOT NULL
            UNION SELECT unnest(again.groups)
        )
    RETURNING id INTO hold;
END
$$;
REVOKE ALL ON FUNCTION archive_holds_aside(), archive_hold_again(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION archive_holds_aside(), archive_hold_again(jsonb) TO platepost_web;
GRANT UPDATE (removed_at) ON archive_backup TO platepost_web;
"""


class Migration(migrations.Migration):
    """Two functions come, one goes."""

    dependencies = [("archive", "0002_kinds")]
    operations = [migrations.RunSQL(ASIDE)]

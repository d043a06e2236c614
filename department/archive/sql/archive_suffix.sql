-- The end of the names of a part's partitions.
CREATE OR REPLACE FUNCTION archive_suffix(class text, begins timestamptz, ends timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
SELECT '_' || class || CASE
    WHEN begins = '-infinity' THEN ''
    ELSE CASE WHEN ends - begins < interval '25 hours' THEN '_d' ELSE '_' END
        || to_char(begins AT TIME ZONE 'UTC', 'YYYYMMDD')
    END
$$;

REVOKE ALL ON FUNCTION archive_suffix FROM PUBLIC;

-- Where a record stands in the index of chains: all of a chain one after the other. Another chain may have the same
-- places: compare it.
CREATE OR REPLACE FUNCTION custody_line(chain text, sequence bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN ((hashtext(chain) & 1073741823)::bigint << 32) + sequence;

REVOKE ALL ON FUNCTION custody_line FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_line TO platepost_keeper;

CREATE INDEX IF NOT EXISTS custody_record_chain ON custody_record (custody_line(chain, sequence));

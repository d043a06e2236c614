"""Addresses of pictures that work once: in a table, as two requests at once save a session over one another."""

from django.db import migrations

TICKETS = """
CREATE TABLE search_ticket (
    id uuid PRIMARY KEY,
    session text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    opens jsonb NOT NULL
);
CREATE INDEX search_ticket_at ON search_ticket (at);
GRANT INSERT ON search_ticket TO platepost_web;

-- Return what a ticket of a session opens, once; no session lasts for longer than twelve hours.
CREATE FUNCTION search_use_ticket(used uuid, whose text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    opened jsonb;
BEGIN
    DELETE FROM public.search_ticket WHERE at < now() - interval '12 hours';
    DELETE FROM public.search_ticket WHERE id = used AND session = whose RETURNING opens INTO opened;
    RETURN opened;
END
$$;
REVOKE ALL ON FUNCTION search_use_ticket(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_use_ticket(uuid, text) TO platepost_web;
"""


class Migration(migrations.Migration):
    """A table."""

    dependencies = [("search", "0006_hidden")]
    operations = [migrations.RunSQL(TICKETS)]

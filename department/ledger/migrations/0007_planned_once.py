"""What every read of a record asks first, planned once a session: SQL functions were planned at each call."""

from django.db import migrations

PLANNED = """
CREATE OR REPLACE FUNCTION ledger_opened(kind text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM public.ledger_entry AS intent
        WHERE intent.entry = nullif(current_setting('platepost.entry', true), '')::uuid
        AND intent.event = kind
        AND intent.at > clock_timestamp() - interval '5 minutes'
        AND pg_xact_status(intent.transaction) = 'committed'
        AND NOT EXISTS (
            SELECT FROM public.ledger_entry AS later
            WHERE later.refers_to = intent.entry AND later.event IN ('shown', 'failed')
        )
    );
END
$$;
CREATE OR REPLACE FUNCTION ledger_open() RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN public.ledger_opened('intent');
END
$$;
"""


class Migration(migrations.Migration):
    """The same answers."""

    dependencies = [("ledger", "0006_agreements")]
    operations = [migrations.RunSQL(PLANNED)]

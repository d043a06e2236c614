"""A hit that comes while its entry is taken off the list is taken back, too: neither side saw what the other did."""

from importlib import import_module

from django.db import migrations

from platepost.department.database.functions import redefined

# Who takes an entry off waits for hits that are coming, and hits that come then wait for them. Each looks in a
# statement of its own behind that, which sees what the other has committed.
_ARRIVALS = 5_806_774_217
WAITING = f"""
CREATE OR REPLACE FUNCTION alerts_withdraw_listed(listed text[], only_group text, who text) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({_ARRIVALS});
    RETURN alerts_take_back(ARRAY(
        SELECT alert.record_id FROM alerts_alert AS alert JOIN custody_hit AS hit USING (record_id)
        WHERE hit.plate_matched = ANY (listed) AND alert.covert_group IS NOT DISTINCT FROM only_group
        AND alert.state NOT IN ('rejected', 'closed', 'withdrawn', 'accounted')
    ), 'entry_removed', who, false);
END
$$;
""" + redefined(
    import_module("platepost.department.lists.migrations.0005_dispatchers").LATE,
    "lists_take_back",
    {"BEGIN\n": f"BEGIN\n    PERFORM pg_advisory_xact_lock_shared({_ARRIVALS});\n"},
)


class Migration(migrations.Migration):
    """The seventh."""

    dependencies = [("lists", "0006_sources"), ("alerts", "0013_taken_back_late")]
    operations = [migrations.RunSQL(WAITING)]

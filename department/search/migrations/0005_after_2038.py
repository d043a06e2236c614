"""A week's beginning after January 2038 is no 32-bit number of seconds."""

from django.db import migrations

WIDE = """
DO $$
BEGIN
    EXECUTE replace(
        pg_get_functiondef('search_forget(smallint[], text, integer)'::regprocedure), '* 604800 +', '* 604800::bigint +'
    );
END
$$;
"""


class Migration(migrations.Migration):
    """The fifth."""

    dependencies = [("search", "0004_forget")]
    operations = [migrations.RunSQL(WIDE)]

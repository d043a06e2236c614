"""A hold of a time keeps a withdrawal with its hit, too, where it came after the part of the hit was over."""

from importlib import import_module

from django.db import migrations

from platepost.department.database.functions import redefined

_FOUND = "        passages := passages || found;\n"
HELD = redefined(
    import_module("platepost.department.archive.migrations.0010_hidden_held").HELD,
    "archive_kept",
    {
        _FOUND: _FOUND
        + """        -- Of the hit in another part; what hides a character as above.
        EXECUTE 'SELECT array_agg(DISTINCT passage) FROM custody_withdrawal AS gone WHERE ' || part || ' AND EXISTS ('
            'SELECT FROM custody_hit AS known WHERE known.hit = gone.hit AND known.passage = gone.passage'
            ' AND known.captured_at >= $4 AND known.captured_at < $5'
            || CASE WHEN hold.posts <> '{}' THEN ' AND known.post = ANY ($6)' ELSE '' END
            || CASE WHEN hold.plates <> '{}' THEN ' AND EXISTS (SELECT FROM unnest($7) AS plate'
                ' WHERE plate LIKE translate(known.plate_fold, ''?'', ''_'')'
                ' AND length(replace(known.plate_fold, ''?'', '''')) >= least(3, length(known.plate_fold)))' ELSE '' END
            || ')' INTO found USING wanted, begins, ends, hold.since, hold.until, hold.posts, hold.plates;
"""
        + _FOUND
    },
)


class Migration(migrations.Migration):
    """The eleventh."""

    dependencies = [("archive", "0010_hidden_held")]
    operations = [migrations.RunSQL(HELD)]

"""What every program may know of the schema: which migrations were applied."""

from django.db import migrations

from platepost.department.database.roles import AUDITOR, KEEPER, PURGER, WEB


class Migration(migrations.Migration):
    """Have each role see the applied migrations, so that no program runs on a schema that it does not know."""

    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(
            f"GRANT SELECT ON django_migrations TO {KEEPER}, {WEB}, {AUDITOR}, {PURGER}",
            f"REVOKE SELECT ON django_migrations FROM {KEEPER}, {WEB}, {AUDITOR}, {PURGER}",
        )
    ]

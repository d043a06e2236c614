"""A lead has its entry's case, and goes before it: an entry that goes would take leads along whose term is not over."""

from django.db import migrations

KINDS = """
ALTER TABLE lists_lead DROP COLUMN case_number;
CREATE VIEW lists_lead_kind AS
SELECT entry_id, found_at, (SELECT case_number FROM lists_entry WHERE id = entry_id) AS case_number FROM lists_lead;
CREATE VIEW lists_entry_kind AS
SELECT id, over_at, case_number FROM lists_entry
WHERE NOT EXISTS (SELECT FROM lists_lead WHERE entry_id = lists_entry.id);
UPDATE archive_kind SET relation = relation || '_kind' WHERE class IN ('list_entry', 'lookback');
"""


class Migration(migrations.Migration):
    """The archive counts and deletes by two views."""

    dependencies = [("lists", "0002_terms")]
    operations = [migrations.RunSQL(KINDS)]

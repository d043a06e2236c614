"""Purges count entries and leads of covert groups apart."""

from django.db import migrations

KINDS = """
CREATE OR REPLACE VIEW lists_lead_kind AS
SELECT entry_id, found_at, (SELECT case_number FROM lists_entry WHERE id = entry_id) AS case_number,
    (SELECT distribution FROM lists_entry WHERE id = entry_id) AS distribution FROM lists_lead;
CREATE OR REPLACE VIEW lists_entry_kind AS
SELECT id, over_at, case_number, distribution FROM lists_entry
WHERE NOT EXISTS (SELECT FROM lists_lead WHERE entry_id = lists_entry.id);
UPDATE archive_kind SET group_column = 'distribution' WHERE class IN ('list_entry', 'lookback');
"""


class Migration(migrations.Migration):
    """Both views say the group."""

    dependencies = [("lists", "0003_leads_first"), ("archive", "0005_covert_kinds")]
    operations = [migrations.RunSQL(KINDS)]

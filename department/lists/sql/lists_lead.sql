-- As the entry that a lead belongs to.
ALTER TABLE lists_lead ENABLE ROW LEVEL SECURITY;
CREATE POLICY pages ON lists_lead TO platepost_web
    USING (EXISTS (SELECT FROM lists_entry AS seen WHERE seen.id = entry_id));

GRANT SELECT, INSERT ON lists_lead TO platepost_web;

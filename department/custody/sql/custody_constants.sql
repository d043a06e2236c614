-- after: ledger_open
-- As the records to which the constants belong.
ALTER TABLE custody_constants ENABLE ROW LEVEL SECURITY;
CREATE POLICY keeper ON custody_constants TO platepost_keeper USING (true) WITH CHECK (true);
CREATE POLICY entry ON custody_constants FOR SELECT TO platepost_web, platepost_webhook USING ((SELECT ledger_open()));

GRANT SELECT, INSERT ON custody_constants TO platepost_keeper;
GRANT SELECT ON custody_constants TO platepost_web, platepost_webhook;

"""A custodian of records for simulated posts: it stores every record durably, and issues receipts."""

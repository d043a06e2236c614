"""The ledger: who asked for what, and why; no record is read without an entry in it."""

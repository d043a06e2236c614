"""Custody: receipts of the department's custodians, without which a record does not leave the post."""

"""From a passage to its records: reads, hits and withdrawals."""

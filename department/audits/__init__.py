"""Audits of how records were used: plans, samples, findings, rules against misuse, reports."""

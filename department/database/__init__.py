"""The department's PostgreSQL: its private cluster and its roles."""

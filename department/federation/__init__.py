"""Two departments answer each other's queries: each keeps its own records, and decides by its own policy."""

"""Who may do what: persons, their roles, certificates and training, and how they log in."""

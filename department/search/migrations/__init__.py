"""How search's tables came to be as they are."""

"""Commands of sharing: evidence, the public page, breaches."""

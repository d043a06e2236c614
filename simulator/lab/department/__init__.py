"""The department put to the test: many records, keepers that are killed, and a checker that trusts none of them."""

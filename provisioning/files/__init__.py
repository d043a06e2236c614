"""Files that only one command at a time may change, and what was begun on them."""

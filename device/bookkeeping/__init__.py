"""What a running post writes down: its reads and hits, what was done to it, and all of it in one order."""

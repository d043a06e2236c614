"""A day of messages, recorded: made from a seed, kept in a file, replayed to a broker."""

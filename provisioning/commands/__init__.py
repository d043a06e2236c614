"""The commands of `platepost provision`, a room each."""

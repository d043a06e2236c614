"""The reader's second answer: where something hides a character. It learns upon a reader, which stays as it is."""

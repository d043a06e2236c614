"""How good the recognizer is on pictures whose plates are known."""

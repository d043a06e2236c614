"""How good the recogniser is on pictures whose plates are known."""

"""What is kept and what is missing: the status page, the same for monitors, and what `nightly` reported."""

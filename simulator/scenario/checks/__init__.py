"""What a scenario may demand at its end: each kind of check with what it looks at in what came of the scenario."""

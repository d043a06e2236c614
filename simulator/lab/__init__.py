"""Long trials of the whole system: faults, fleets, power cuts."""

"""Training scenes of the detector: real photos, synthetic plates pasted into them, hard negatives, photometric changes."""

"""Training scenes of the detector: real photos, plates pasted into them, hard negatives, changes of light."""

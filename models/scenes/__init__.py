"""What training windows are made of: real photos, plates pasted into them, hard negatives, changes of light."""

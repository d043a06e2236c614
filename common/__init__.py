"""What all packages use: errors, files, settings, signals, languages; it imports nothing of the others."""

"""What the posts look for: entries by people, imports, second persons, requests to publish, and looks back."""

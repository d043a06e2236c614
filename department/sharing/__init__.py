"""What leaves the department, and what it says of itself: its policy, agencies, requests, breaches, the public page."""

"""The policy, agencies and agreements, requests from outside, breaches, and the public page."""

"""The fault campaign: posts that record and deliver while everything around them fails, and a judge of what came."""

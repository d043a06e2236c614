"""A department's and a technician's tools: the fleet's trust, posts, subscribers, hot-list packages."""

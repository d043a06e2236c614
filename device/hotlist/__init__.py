"""The hot list at a post: its delivery, its store and its part."""

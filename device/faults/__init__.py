"""Every fault that a post can have, with its cause, effect and remedy."""

"""A desktop's stand-ins for everything around a post: footage, board, broker, subscriber."""

"""The live page: whole posts on a desk, shown and driven in a browser."""

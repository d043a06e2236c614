"""A fleet on disk: authorities, posts, broker files, backups."""

"""New keys for lists and configurations: announced to posts, taken into use, and the former retired or revoked."""

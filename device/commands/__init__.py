"""The post's own sub-commands of `platepost`, a file each."""

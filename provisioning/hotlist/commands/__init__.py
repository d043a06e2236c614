"""The commands of `platepost provision hotlist`, a file each."""

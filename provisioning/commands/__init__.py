"""The commands of `platepost provision`, a file each. Only they and `platepost.provisioning.cli` use click."""

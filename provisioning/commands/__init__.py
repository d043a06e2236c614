"""The commands of `platepost provision`, a file each: click is here and in `provisioning.cli`, and nowhere else."""

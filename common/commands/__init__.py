"""What the commands of all packages are made with."""

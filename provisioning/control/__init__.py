"""What a department sends to its posts beside hot lists: signed configurations and commands."""

"""Django's settings for a department."""

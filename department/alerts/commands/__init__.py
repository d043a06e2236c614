"""Commands of alerts: their quality, and webhooks."""

"""The uplink: MQTT 5 over mutual TLS 1.3."""

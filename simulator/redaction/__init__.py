"""Redaction: footage that may be shared, without plates and without faces."""

"""The department's end of the wire: what keeps the records of its posts."""

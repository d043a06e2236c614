"""Certified people, and the log of what each did, when and why: signed and chained, for `platepost verify`."""

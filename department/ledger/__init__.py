"""The log of who accessed what, when and why: no one changes it, and each entry names the digest of the one before."""

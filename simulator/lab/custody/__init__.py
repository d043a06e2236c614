"""Custody put to the test: custodians that are killed and restored, intruders at the broker, disks taken back."""

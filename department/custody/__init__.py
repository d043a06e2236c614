"""Custody: which records of each chain are held, and the signed receipts that say so.

It knows neither database nor broker: the store tells it what was committed, and publishes what it makes.
"""

"""Who may have issued a plate, as records and lists name them."""

from typing import Final

# fmt: off
STATES: Final = (
    "AK", "AL", "AR", "AZ", "CA", "CO", "CT", "DC", "DE", "FL", "GA", "HI", "IA", "ID", "IL", "IN", "KS", "KY", "LA",
    "MA", "MD", "ME", "MI", "MN", "MO", "MS", "MT", "NC", "ND", "NE", "NH", "NJ", "NM", "NV", "NY", "OH", "OK", "OR",
    "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VA", "VT", "WA", "WI", "WV", "WY",
)
# fmt: on
"""The fifty states and the District of Columbia, by their letters, as hot lists name them."""
OTHER: Final = "other"
"""In records anyone but California, where none can be named; of the network, other countries."""
REGIONS: Final = (*(f"US-{state}" for state in STATES), OTHER)
"""What records say: ISO 3166-2, or `OTHER`. The network of the issuing state has its classes in this order."""

"""Words on plates: states, slogans, and the patterns of serials."""

from typing import Final

STATES: Final = (
    "ALABAMA", "Alaska", "ARIZONA", "Arkansas", "Colorado", "Connecticut", "DELAWARE", "FLORIDA", "GEORGIA",
    "HAWAII", "IDAHO", "Illinois", "INDIANA", "Iowa", "KANSAS", "Kentucky", "Louisiana", "MAINE", "Maryland",
    "Massachusetts", "MICHIGAN", "Minnesota", "MISSISSIPPI", "MISSOURI", "Montana", "Nebraska", "NEVADA",
    "NEW HAMPSHIRE", "New Jersey", "NEW MEXICO", "NEW YORK", "First in Flight", "NORTH DAKOTA", "Ohio", "OKLAHOMA",
    "Oregon", "PENNSYLVANIA", "Rhode Island", "South Carolina", "SOUTH DAKOTA", "Tennessee", "TEXAS", "UTAH",
    "Vermont", "VIRGINIA", "WASHINGTON", "West Virginia", "WISCONSIN", "Wyoming", "WASHINGTON, DC", "Ontario",
    "Beautiful British Columbia", "U.S. GOVERNMENT",
)  # fmt: skip

SLOGANS: Final = (
    "THE LONE STAR STATE", "Garden State", "EMPIRE STATE", "SUNSHINE STATE", "GRAND CANYON STATE",
    "Land of Lincoln", "10,000 lakes", "Great Lakes", "Sportsman's Paradise", "Constitution State",
    "THE FIRST STATE", "ALOHA STATE", "FAMOUS POTATOES", "Vacationland", "LIVE FREE OR DIE", "Ocean State",
    "EVERGREEN STATE", "PEACH STATE", "JACKSON", "NATIVE AMERICA", "THE SILVER STATE",
    "TAXATION WITHOUT REPRESENTATION", "www.example.gov", "The Natural State", "SHOW-ME STATE", "CRITICAL HABITAT",
    "IN GOD WE TRUST", "MADISON", "FOR OFFICIAL USE ONLY", "VETERAN", "DEALER", "",
)  # fmt: skip

US_PATTERNS: Final = (
    "AAA999", "999AAA", "AAA9999", "9999AAA", "AA9999", "9999AA", "AAA99A", "99A999", "9A9999A", "A999999",
    "999999", "9999999", "AA9A9A", "A99999", "AA99999", "99AAA9", "999A99A", "AAA999A", "9AAA999", "A9A9A9",
    "AA99AA", "999AA9", "?A9?9A", "AA9?9?", "A99AAA", "99AA99", "AA99A9", "99999AA", "AAAA999", "A9999", "999",
    "9999", "A99A9A", "9AA9999",
)  # fmt: skip
"""Of many states, for `platepost.models.plates.texts.from_pattern`; California's own stand with its designs."""

EUROPEAN_PATTERNS: Final = (
    "AA999AA", "AAA9999", "A999AA", "AA99AAA", "AAA999", "9999AAA", "AA9999A", "AAAA9999", "AA999999", "99AA999",
)  # fmt: skip

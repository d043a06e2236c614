"""How the plates of each issuer look: what the states have issued since about 1990, drawn from description.

A design says what stands where, what is behind it and what its pictures show; `platepost.models.plates` paints it.
Beside its own designs each state has special ones (universities, veterans, animals), of which there are hundreds: they
share the name.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, Final

import numpy as np

from platepost.models.plates import texts
from platepost.models.plates.designs import (
    BLACK,
    DARK_BLUE,
    DESIGNS,
    GOLD,
    GREEN,
    NAVY,
    RED,
    WHITE,
    Color,
    Design,
    Writer,
)
from platepost.models.plates.texts import US_PATTERNS
from platepost.wire.records.regions import OTHER, STATES

ISSUERS: Final = (*STATES, OTHER)
_WEIGHTS: Final = {"CA": 6.0, OTHER: 5.0}
"""How often an issuer comes, where a usual state counts 1."""
_OFTEN: Final = np.array([_WEIGHTS.get(issuer, 1.0) for issuer in ISSUERS])
SHARES: Final = _OFTEN / _OFTEN.sum()
"""The same as shares of all plates, by class."""
_SKY: Final[Color] = (235, 215, 185)
_CREAM: Final[Color] = (205, 235, 245)
_YELLOW: Final[Color] = (90, 220, 245)
_TEAL: Final[Color] = (165, 160, 40)
_MAROON: Final[Color] = (45, 25, 110)
_BLUE: Final[Color] = (150, 70, 25)
_SAND: Final[Color] = (150, 190, 215)
_SILVER: Final[Color] = (200, 200, 200)

_SERIF: Final = ("serif", "serif", "slab")
_SLAB: Final = ("slab", "slab", "serif")
_SANS: Final = ("sans", "sans", "sans", "")
_SCRIPT: Final = ("script", "script", "round")
_ROUND: Final = ("round", "round", "script")
_ANY: Final = ("", "serif", "slab", "sans", "sans", "round", "script")

_NAMES: Final = (
    "Alaska|Alabama|Arkansas|Arizona|California|Colorado|Connecticut|Washington DC|Delaware|Florida|Georgia|"
    "Hawaii|Iowa|Idaho|Illinois|Indiana|Kansas|Kentucky|Louisiana|Massachusetts|Maryland|Maine|Michigan|"
    "Minnesota|Missouri|Mississippi|Montana|North Carolina|North Dakota|Nebraska|New Hampshire|New Jersey|"
    "New Mexico|Nevada|New York|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|South Carolina|South Dakota|"
    "Tennessee|Texas|Utah|Virginia|Vermont|Washington|Wisconsin|West Virginia|Wyoming"
)
NAMES: Final = dict(zip(STATES, _NAMES.split("|"), strict=True))
"""Of the states, by ISO 3166-2."""

_FORMATS: Final = {
    "AK": "AAA999", "AL": "99A999A 9A9999A 99999AA 9AA9999", "AR": "999AAA AAA99A", "AZ": "AAA9999 999AAA",
    "CO": "999AAA AAA999", "CT": "999AAA AA99999 9AAAA9", "DC": "AA9999", "DE": "999999 99999",
    "FL": "A999AA AAAA99 999AAA A99AAA 999999A", "GA": "AAA9999 9999AAA", "HI": "AAA999", "IA": "AAA999 999AAA",
    "ID": "9A99999 A999999 9AA999", "IL": "A999999 9999999 999999 AA99999", "IN": "999AAA 99A9999 999A",
    "KS": "999AAA", "KY": "999AAA", "LA": "AAA999 999AAA", "MA": "999AAA 9999AA 99AA99 9AAA99",
    "MD": "AAA999 9AA9999 A999999", "ME": "9999AA", "MI": "AAA9999 9AAA99 AAA999", "MN": "AAA999 999AAA",
    "MO": "AA9A9A 999AAA", "MS": "AAA999 999AAA", "MT": "999999A 99A9999 AAA999", "NC": "AAA9999",
    "ND": "AAA999 999AAA", "NE": "AAA999 99A999 9A9999", "NH": "9999999 999999", "NJ": "A99AAA AAA99A AA999A",
    "NM": "999AAA AAA999", "NV": "999AAA 99A999", "NY": "AAA9999 AAA999 A999AA", "OH": "AAA9999 AA99AA",
    "OK": "999AAA AAA999", "OR": "999AAA AAA999", "PA": "AAA9999 AA99999", "RI": "AA999 999999", "SC": "999AAA AAA999",
    "SD": "99A999 9AA999 9A9999", "TN": "999AAA A9999A AAA9999", "TX": "AA9A999 AAA9999 A99AAA 999AAA AA9AA9",
    "UT": "A999AA 999AAA 9A9AA", "VA": "AAA9999 AAA999", "VT": "AAA999", "WA": "AAA9999 999AAA",
    "WI": "999AAA AAA9999", "WV": "9AA999 AAA999 AA9999", "WY": "999999 9999AA 99999",
}  # fmt: skip

_SPECIAL: Final = (
    "UNIVERSITY", "VETERAN", "DISABLED VETERAN", "STATE COLLEGE", "WILDLIFE", "CONSERVATION", "FIREFIGHTER",
    "IN GOD WE TRUST", "ALUMNI", "NATIONAL GUARD", "DEALER", "TRUCK", "APPORTIONED", "ANTIQUE", "EDUCATION",
    "Choose Life", "Protect Wildlife", "STATE PARKS", "AGRICULTURE", "PERMANENT TRAILER", "Share the Road",
    "PURPLE HEART", "GOLD STAR FAMILY", "COMMERCIAL", "", "", "",
)  # fmt: skip


def _like(
    top: str,
    foot: str,
    ink: Color,
    ground: Color = WHITE,
    painted: str = "plain",
    **more: Any,
) -> dict[str, Any]:
    """Describe one design: words above and below (alternatives parted by a bar), ink, ground and its painter."""
    return {"headings": tuple(top.split("|")), "footings": tuple(foot.split("|")), "colors": ((ground, ink),),
            "grounds": (painted, painted, "plain")} | more  # fmt: skip


_OWN: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "AK": (
        _like("ALASKA", "THE LAST FRONTIER|The Last Frontier", DARK_BLUE, GOLD, separators=("*",),
              logos=("flag", "shield"), weight=3),
        _like("ALASKA", "Celebrating Statehood 1959-2009|", NAVY, _SKY, "hills", weight=1),
        _like("ALASKA", "", BLACK, _SAND, "ghost", separators=("o",), logos=("animal",), weight=0.6),
    ),
    "AL": (
        _like("Sweet Home|Stars Fell On", "Alabama", NAVY, _SKY, "hills", faces=(_SCRIPT, _ROUND), weight=2),
        _like("ALABAMA", "www.alabama.travel|Heart of Dixie", BLACK, _CREAM, "wash", faces=(_SERIF, _SANS), weight=2),
        _like("Heart of Dixie", "ALABAMA", RED, WHITE, logos=("blot",), weight=0.7),
    ),
    "AR": (
        _like("Arkansas|ARKANSAS", "The Natural State", NAVY, _SKY, "wash", faces=(_SLAB, _SERIF),
              separators=("*", " "), logos=("star", "blot")),
        _like("Arkansas", "THE NATURAL STATE|The Natural State", RED, WHITE, faces=(_SLAB, _SLAB), separators=(" ",)),
    ),
    "AZ": (
        _like("ARIZONA", "GRAND CANYON STATE", GREEN, (225, 230, 200), "hills", faces=(_SANS, _SANS),
              inks=(_TEAL, _BLUE), weight=3),
        _like("ARIZONA", "GRAND CANYON STATE", NAVY, _SKY, "hills", picture=0.6, logos=("cactus",), weight=1),
        _like("ARIZONA", "GRAND CANYON STATE", WHITE, _MAROON, separators=("*", " "), logos=("cactus",), weight=0.7),
    ),
    "CO": (
        _like("COLORADO", "|", GREEN, WHITE, "peaks", faces=(_SANS, _SANS), inks=(WHITE,), separators=("-", " "),
              grounds=("peaks",), weight=3),
        _like("COLORADO", "|CIVIL AIR PATROL", BLACK, WHITE, "peaks", inks=(WHITE,), grounds=("peaks",),
              separators=(" ", "*")),
        _like("COLORADO", "DESIGNER", WHITE, GREEN, "hills", faces=(_SANS, _SANS), weight=0.5),
    ),
    "CT": (
        _like("CONNECTICUT|Connecticut", "Constitution State|CONSTITUTION STATE", NAVY, _SKY, "wash",
              faces=(_SANS, _SERIF), separators=(".", ".", " ")),
        _like("CONNECTICUT", "CONSTITUTION STATE", WHITE, DARK_BLUE, separators=(".", "-"), weight=0.4),
    ),
    "DC": (
        _like("WASHINGTON, DC|WASHINGTON D.C.",
              "TAXATION WITHOUT REPRESENTATION|END TAXATION WITHOUT REPRESENTATION|CELEBRATE & DISCOVER", NAVY,
              WHITE, separators=("*", "*", " "), logos=("flag",), faces=(_SANS, _SANS), weight=3),
        _like("DISTRICT OF COLUMBIA", "END TAXATION WITHOUT REPRESENTATION|", BLACK, WHITE, stacked=0.7,
              faces=(_SANS, _SANS)),
    ),
    "DE": (
        _like("THE FIRST STATE", "DELAWARE", (90, 200, 240), DARK_BLUE, faces=(_SANS, _SANS), splits=(), weight=3),
        _like("THE FIRST STATE", "DELAWARE", (90, 200, 240), NAVY, picture=0.8, faces=(_SANS, _SANS)),
    ),
    "FL": (
        _like("MYFLORIDA.COM|FLORIDA", "SUNSHINE STATE|IN GOD WE TRUST|ORANGE|MIAMI-DADE|BROWARD", GREEN,
              (230, 240, 230), faces=(_SLAB, _SANS), separators=("o",), logos=("fruit", "blot"), splits=(3,),
              weight=3),
        _like("FLORIDA", "SUNSHINE STATE|PALM BEACH", GREEN, WHITE, separators=("o",), logos=("blot", "fruit"),
              splits=(3,)),
        _like("Florida", "", BLACK, _SKY, "ghost", faces=(_ROUND, _ROUND), picture=0.5, weight=0.8),
    ),
    "GA": (
        _like("GEORGIA|Georgia", "GWINNETT|COBB|FULTON|DEKALB|IN GOD WE TRUST|CHATTAHOOCHEE", BLACK, WHITE, "wash",
              faces=(_SERIF, _SANS), separators=("o", " "), logos=("fruit",), weight=2),
        _like("Georgia|...on my mind", "Georgia|FULTON|HALL", NAVY, _CREAM, "wash", faces=(_ROUND, _SERIF),
              separators=("o",), logos=("fruit",)),
    ),
    "HI": (_like("HAWAII", "ALOHA STATE", BLACK, WHITE, "rainbow", faces=(_SANS, _SANS), grounds=("rainbow",)),),
    "IA": (
        _like("IOWA", "POLK|LINN|SCOTT|STORY|DALLAS|JOHNSON", NAVY, _SKY, "hills", faces=(_SANS, _SANS), weight=2),
        _like("IOWA", "POLK|LINN|COUNTY|WARREN", BLACK, WHITE, "hills", bars=(_BLUE, GREEN), inks=(WHITE,)),
        _like("Iowa", "POLK|SCOTT|COUNTY", WHITE, BLACK, faces=(_SERIF, _SANS), inks=(WHITE,), weight=0.7),
    ),
    "ID": (
        _like("IDAHO|Scenic IDAHO|Famous IDAHO Potatoes", "FAMOUS POTATOES|Famous Potatoes", BLACK, WHITE, "hills",
              faces=(_SERIF, _SERIF), bars=((70, 50, 180), _BLUE), inks=(WHITE,), weight=2),
        _like("Scenic IDAHO|IDAHO", "FAMOUS POTATOES", NAVY, (225, 215, 235), "hills", faces=(_SERIF, _SERIF),
              inks=(NAVY, RED), weight=2),
    ),
    "IL": (
        _like("Illinois", "Land of Lincoln", BLACK, _SKY, "ghost", faces=(_ROUND, _SERIF), splits=(1, 2, 3),
              separators=("", "o"), logos=("animal", "blot"), weight=2),
        _like("Illinois", "Land of Lincoln", RED, WHITE, "ghost", faces=(_SCRIPT, _SLAB), inks=(_BLUE, NAVY),
              weight=2),
        _like("ILLINOIS", "LAND OF LINCOLN|Land of Lincoln", RED, _SKY, "wash", faces=(_SERIF, _SERIF), picture=0.6,
              logos=("animal", "pillar")),
    ),
    "IN": (
        _like("INDIANA", "The Crossroads of America|Lincoln's Boyhood Home|www.in.gov", NAVY, _SKY, "hills",
              faces=(_SERIF, _SANS), weight=2),
        _like("INDIANA", "IN GOD WE TRUST", WHITE, DARK_BLUE, "blobs", faces=(_SERIF, _SERIF)),
        _like("INDIANA", "IN GOD WE TRUST|TRUCK|1816 BICENTENNIAL 2016", NAVY, WHITE, "wash", faces=(_SERIF, _SANS)),
    ),
    "KS": (
        _like("KANSAS", "|", BLACK, _SKY, "ghost", faces=(_SERIF, _SERIF), inks=(NAVY, BLACK), weight=3),
        _like("KANSAS", "THE WHEAT STATE|TRUCK", NAVY, WHITE, picture=0.7, logos=("tree", "star"),
              faces=(_SERIF, _SANS)),
        _like("KANSAS", "To the stars", BLACK, _CREAM, bars=(DARK_BLUE, None), inks=(GOLD,), faces=(_SERIF, _ROUND),
              weight=0.6),
    ),
    "KY": (
        _like("KENTUCKY|Kentucky", "JEFFERSON|FAYETTE|COUNTY|KENTON", NAVY, _SKY, "wash", faces=(_SERIF, _SANS),
              weight=2),
        _like("Kentucky", "UNBRIDLED SPIRIT|Bluegrass State|FAYETTE", NAVY, (240, 220, 200), "wash",
              faces=(_ROUND, _SCRIPT), weight=2),
        _like("KENTUCKY", "IN GOD WE TRUST|BOONE|BLUEGRASS STATE", NAVY, WHITE, "hills", faces=(_SERIF, _SERIF)),
    ),
    "LA": (
        _like("Louisiana", "Sportsman's Paradise|SPORTSMAN'S PARADISE|Bicentennial 1812-2012", NAVY, WHITE, "wash",
              faces=(_SCRIPT, _SERIF), inks=(RED, (50, 40, 190)), separators=("*", "o", " "), logos=("animal",),
              weight=3),
        _like("Louisiana", "Sportsman's Paradise|VETERAN", NAVY, _SKY, faces=(_ROUND, _SANS), stacked=0.5),
    ),
    "MA": (
        _like("Massachusetts", "The Spirit of America", RED, WHITE, faces=(_SLAB, _SERIF), inks=(_BLUE, DARK_BLUE),
              weight=4),
        _like("Massachusetts", "Preserve the Trust|Veteran|Cape & Islands", RED, WHITE, "wash", picture=0.9,
              stacked=0.7, faces=(_SLAB, _SERIF), inks=(_BLUE, DARK_BLUE)),
        _like("MASSACHUSETTS", "|", GREEN, WHITE, weight=0.4),
    ),
    "MD": (
        _like("Maryland|MARYLAND", "maryland.gov|www.maryland.gov|Treasure the Chesapeake", BLACK, WHITE,
              faces=(_ROUND, _SANS), separators=("*", "*", " "), logos=("shield",), weight=3),
        _like("MARYLAND|Maryland", "MARYLAND|WAR OF 1812", BLACK, WHITE, "ghost", faces=(_SERIF, _SERIF),
              bars=(None, None)),
        _like("Maryland", "maryland.gov|", BLACK, WHITE, faces=(_ROUND, _SANS), stacked=1.0, picture=0.6),
        _like("Maryland", "Protecting the Chesapeake|www.mdchesapeake", NAVY, _SKY, "hills", faces=(_ROUND, _ROUND),
              weight=0.8),
    ),
    "ME": (
        _like("MAINE", "Vacationland", BLACK, WHITE, "wash", faces=(_SERIF, _ROUND), picture=1.0,
              logos=("tree", "animal"), weight=3),
        _like("MAINE", "A NATURAL TREASURE|Vacationland", NAVY, _SKY, "hills", picture=0.8, logos=("animal",),
              stacked=0.6, faces=(_SERIF, _SANS), inks=(RED, GREEN)),
    ),
    "MI": (
        _like("MICHIGAN", "www.michigan.gov|GREAT LAKES SPLENDOR", DARK_BLUE, WHITE, faces=(_SANS, _SANS),
              bars=((130, 60, 20), None), inks=(WHITE,), weight=2),
        _like("MICHIGAN", "GREAT LAKES|Great Lakes", WHITE, DARK_BLUE, faces=(_SANS, _SANS)),
        _like("PURE MICHIGAN|Pure Michigan", "michigan.org|VETERAN", _BLUE, WHITE, faces=(("round", "sans"), _SANS),
              weight=2),
        _like("MICHIGAN", "GREAT LAKES SPLENDOR|Spectacular Peninsulas", NAVY, _SKY, "hills", faces=(_SANS, _SCRIPT)),
    ),
    "MN": (
        _like("Minnesota|EXPLORE Minnesota.com|Explore Minnesota", "10,000 lakes", NAVY, WHITE, "hills",
              faces=(_SLAB, _SLAB), bars=((225, 190, 120), None), separators=("-", " ", "*"), logos=("blot",),
              inks=(NAVY,), weight=4),
        _like("Minnesota|EXPLORE Minnesota.com", "10,000 lakes|CLASSIC", BLACK, WHITE, faces=(_SLAB, _SLAB),
              bars=((230, 200, 140), None)),
    ),
    "MO": (
        _like("MISSOURI|Missouri", "SHOW-ME STATE|Show-Me State", NAVY, WHITE, "wash", faces=(_SERIF, _SERIF),
              separators=("y", "*"), logos=("animal",), splits=(3,), weight=2),
        _like("MISSOURI", "SHOW-ME STATE", NAVY, (225, 235, 220), "wash", faces=(("sans", "slab"), _SERIF),
              separators=("y", "-"), splits=(3,)),
        _like("MISSOURI BICENTENNIAL|MISSOURI", "1821 2021", NAVY, WHITE, "ghost",
              bars=((70, 60, 190), (70, 60, 190)), inks=(WHITE,)),
    ),
    "MS": (
        _like("MISSISSIPPI|Mississippi", "HINDS|RANKIN|HARRISON|DESOTO|MADISON|JACKSON", NAVY, _SKY, "wash",
              faces=(_SLAB, _SANS), weight=2),
        _like("MISSISSIPPI", "HINDS|HARRISON|LEE|JONES", NAVY, (220, 230, 215), "ghost", faces=(_ROUND, _SANS),
              separators=("o", " "), logos=("emblem", "pillar"), weight=2),
        _like("MISSISSIPPI", "IN GOD WE TRUST|RANKIN", NAVY, _CREAM, "ghost", separators=("*",), logos=("seal",)),
    ),
    "MT": (
        _like("MONTANA", "BIG SKY COUNTRY|Big Sky Country|TREASURE STATE", DARK_BLUE, _SKY, "hills",
              faces=(_SERIF, _SERIF), separators=(".", "-", "*"), weight=2),
        _like("TREASURE STATE|BIG SKY", "MONTANA|MONTANA - 10", WHITE, DARK_BLUE, faces=(_SANS, _SANS)),
        _like("MONTANA", "TREASURE STATE|", BLACK, WHITE, "ghost", picture=0.6),
    ),
    "NC": (
        _like("First in Flight|FIRST IN FLIGHT", "NORTH CAROLINA", DARK_BLUE, WHITE, "ghost", faces=(_SANS, _SANS),
              inks=(RED, _BLUE), separators=("-", " "), weight=3),
        _like("First in Flight|First in Freedom", "NORTH CAROLINA", RED, WHITE, "hills", faces=(_SANS, _SANS)),
        _like("North Carolina|NORTH CAROLINA", "IN GOD WE TRUST|Parkway", NAVY, _SKY, "wash", weight=0.8),
    ),
    "ND": (
        _like("NORTH DAKOTA|Discover the Spirit NORTH DAKOTA", "Peace Garden State|PEACE GARDEN STATE", BLACK, _SKY,
              "hills", faces=(_SANS, _SERIF), picture=0.2, logos=("animal",), weight=2),
        _like("LEGENDARY NORTH DAKOTA|NORTH DAKOTA", "PEACE GARDEN STATE", NAVY, (220, 200, 150), "hills",
              faces=(_SERIF, _SANS)),
    ),
    "NE": (
        _like("NEBRASKA", "www.nebraska.gov|nebraska.gov|www.state.ne.us", NAVY, WHITE, "wash",
              faces=(_SERIF, _SANS), separators=("*", "-", " "), logos=("animal", "rider", "pillar"), weight=2),
        _like("NEBRASKA", "THE BEEF STATE|", NAVY, _SKY, "hills", faces=(("sans",), _SANS)),
        _like("NEBRASKA 1867-2017|NEBRASKA", "GENUINE NEBRASKA|", BLACK, _CREAM, "ghost", separators=("o",),
              logos=("rider", "seal")),
    ),
    "NH": (
        _like("LIVE FREE OR DIE", "NEW HAMPSHIRE|New Hampshire", GREEN, _SKY, "hills", faces=(_SERIF, _SERIF),
              splits=(3,), separators=(" ", "*"), logos=("blot", "animal"), weight=4),
        _like("NEW HAMPSHIRE", "LIVE FREE OR DIE", GREEN, WHITE, faces=(_SANS, _SANS)),
    ),
    "NJ": (
        _like("New Jersey", "Garden State", BLACK, (120, 225, 245), "wash", faces=(_SLAB, _SANS),
              separators=("*", "*", " "), logos=("blot",), grounds=("wash", "plain"), weight=5),
        _like("New Jersey", "Conserve Wildlife|Shore to Please|Garden State", BLACK, _SKY, "hills",
              faces=(_SLAB, _SERIF), stacked=0.5),
    ),
    "NM": (
        _like("|", "New Mexico USA|NEW MEXICO USA|New Mexico", RED, (40, 205, 245), faces=(_SERIF, _SERIF),
              separators=("*", "o"), logos=("star", "seal"), splits=(3,), weight=3),
        _like("CENTENNIAL 1912-2012|", "NEW MEXICO LAND OF ENCHANTMENT|NEW MEXICO", (60, 220, 240), _TEAL,
              faces=(_SANS, _SANS), separators=("*",), logos=("star", "seal"), weight=2),
        _like("Land of Enchantment", "New Mexico USA", RED, (40, 205, 245), faces=(_ROUND, _SERIF),
              separators=("*",), logos=("seal",)),
    ),
    "NV": (
        _like("NEVADA", "The Silver State|THE SILVER STATE", DARK_BLUE, (215, 205, 200), "hills",
              faces=(_SLAB, _SERIF), separators=(" ", ".", "-"), weight=3),
        _like("NEVADA", "Home Means Nevada|HOME MEANS NEVADA", BLACK, _SKY, "hills", faces=(_SLAB, _SLAB),
              separators=(".", " ")),
        _like("NEVADA", "THE SILVER STATE", DARK_BLUE, _SILVER, faces=(_SANS, _SANS)),
        _like("NEVADA", "THE SILVER STATE", WHITE, DARK_BLUE, faces=(_SANS, _SANS), weight=0.5),
    ),
    "NY": (
        _like("NEW YORK", "EMPIRE STATE", NAVY, WHITE, faces=(_SERIF, _SERIF), bars=(DARK_BLUE, None),
              inks=((60, 190, 245), WHITE), separators=("*", " "), logos=("blot",), weight=2),
        _like("NEW YORK", "EMPIRE STATE", NAVY, (40, 180, 240), faces=(_SERIF, _SERIF), bars=(DARK_BLUE, None),
              inks=((60, 190, 245),), separators=("*", " "), logos=("blot",), weight=2),
        _like("NEW YORK", "THE EMPIRE STATE|", NAVY, WHITE, separators=("o",), logos=("pillar", "rider"),
              inks=(RED, NAVY)),
        _like("NEW YORK", "EXCELSIOR", NAVY, WHITE, "hills", faces=(_SERIF, _SERIF), bars=(None, DARK_BLUE),
              inks=(NAVY,), weight=1.2),
    ),
    "OH": (
        _like("OHIO", "Birthplace of Aviation|BIRTHPLACE OF AVIATION|HAMILTON|FRANKLIN", NAVY, WHITE, "wash",
              faces=(_SERIF, _SERIF), weight=2),
        _like("Ohio", "Birthplace of Aviation|TRUCK|The Heart of it All!", NAVY, (235, 215, 200), "ghost",
              faces=(_ROUND, _SERIF), inks=(RED, NAVY), bars=((190, 120, 100), None), weight=2),
        _like("OHIO", "THE HEART OF IT ALL!|Bicentennial", BLACK, _CREAM, "wash", faces=(_SLAB, _SERIF)),
        _like("OHIO", "BIRTHPLACE OF AVIATION", NAVY, _SKY, "hills", faces=(_SANS, _SANS)),
    ),
    "OK": (
        _like("OKLAHOMA", "NATIVE AMERICA|Native America", GREEN, WHITE, faces=(_SANS, _SERIF),
              separators=("*", "o"), logos=("shield",), weight=2),
        _like("OKLAHOMA", "NATIVE AMERICA|CLASSIC", BLACK, _CREAM, "wash", faces=(_SERIF, _SANS), picture=0.7,
              logos=("rider", "seal"), weight=2),
        _like("OKLAHOMA|Explore OKLAHOMA", "TRAVELOK.COM|IMAGINE THAT", BLACK, _SKY, "blobs", faces=(_SANS, _SANS),
              separators=("-", " ")),
    ),
    "OR": (
        _like("Oregon", "|", NAVY, (225, 205, 205), "hills", faces=(_SERIF, _SERIF), separators=("*", "*", "o"),
              logos=("tree",), weight=4),
        _like("OREGON", "|PACIFIC WONDERLAND|PERMANENT", DARK_BLUE, _YELLOW, faces=(_SANS, _SANS)),
        _like("OREGON|Oregon", "|CRATER LAKE CENTENNIAL", WHITE, DARK_BLUE, "hills", faces=(_SERIF, _SANS),
              weight=0.7),
    ),
    "PA": (
        _like("PENNSYLVANIA", "WWW.STATE.PA.US|visitPA.com|WWW.STATE.PA.US", DARK_BLUE, WHITE, faces=(_SANS, _SANS),
              bars=(DARK_BLUE, (60, 210, 245)), inks=(WHITE,), separators=("*", "*", "-"), logos=("shield",),
              weight=4),
        _like("PENNSYLVANIA|Pennsylvania", "KEYSTONE STATE|WWW.STATE.PA.US|Let Freedom Ring", DARK_BLUE, WHITE,
              "wash", faces=(_SANS, _SANS), picture=0.3, bars=((170, 100, 50), None), inks=(WHITE,)),
        _like("KEYSTONE STATE", "PENNSYLVANIA", (50, 190, 240), DARK_BLUE, weight=0.5),
    ),
    "RI": (
        _like("Rhode Island", "Ocean State|OCEAN STATE", DARK_BLUE, WHITE, "hills", faces=(_SLAB, _ROUND),
              splits=(2,), weight=3),
        _like("RHODE ISLAND|Rhode Island", "OCEAN STATE|COMMERCIAL", DARK_BLUE, (235, 230, 200), "blobs",
              faces=(_SERIF, _SANS)),
    ),
    "SC": (
        _like("South Carolina", "Smiling Faces. Beautiful Places.|Travel2SC.com", NAVY, _SKY, "wash",
              faces=(_SERIF, _SERIF), separators=("*", "o"), logos=("tree",), splits=(3,), weight=2),
        _like("While I Breathe, I Hope|", "South Carolina|SOUTH CAROLINA", NAVY, WHITE, faces=(_SERIF, _SERIF),
              separators=("*",), logos=("tree",), bars=(DARK_BLUE, None), inks=(WHITE,), splits=(3,)),
        _like("IN GOD WE TRUST|UNIVERSITY|CLEMSON", "South Carolina", BLACK, WHITE, picture=0.7,
              faces=(_SERIF, _SERIF)),
    ),
    "SD": (
        _like("South Dakota|SOUTH DAKOTA", "Great Faces. Great Places.|GREAT FACES GREAT PLACES", NAVY, _SKY,
              "ghost", faces=(_SCRIPT, _SERIF), inks=(RED, (50, 40, 190)), weight=3),
        _like("South Dakota", "VETERAN|Great Faces. Great Places.", _BLUE, WHITE, "wash", faces=(_SCRIPT, _SANS),
              inks=(RED, _BLUE), picture=0.5),
    ),
    "TN": (
        _like("Tennessee|TENNESSEE", "The Volunteer State|VOLUNTEER STATE|DAVIDSON|SHELBY|KNOX", NAVY,
              (225, 235, 225), "hills", faces=(_SERIF, _SERIF), separators=("*", "-"), logos=("blot", "star"),
              weight=3),
        _like("TENNESSEE", "TNVACATION.COM|tnvacation.com|IN GOD WE TRUST", BLACK, (200, 225, 200), "hills",
              faces=(_SERIF, _SANS)),
        _like("TENNESSEE", "TNVACATION.COM", WHITE, DARK_BLUE, faces=(_SANS, _SANS), separators=("*",),
              logos=("seal",), inks=(WHITE,)),
    ),
    "TX": (
        _like("TEXAS", "THE LONE STAR STATE|The Lone Star State", BLACK, WHITE, faces=(_SANS, _SANS),
              separators=("*", "."), logos=("blot", "star"), weight=3),
        _like("TEXAS", "THE LONE STAR STATE", NAVY, _SKY, "hills", faces=(_SANS, _SANS), separators=("*", " "),
              logos=("blot", "star"), weight=2),
        _like("TEXAS", "THE LONE STAR STATE|TRUCK", _BLUE, WHITE, separators=("*",), logos=("blot",),
              inks=(RED, NAVY)),
        _like("TEXAS", "THE LONE STAR STATE|LONE STAR STATE", WHITE, BLACK, faces=(_SANS, _SANS), inks=(WHITE,),
              picture=0.3, logos=("star",), weight=0.7),
    ),
    "UT": (
        _like("UTAH!|Utah!|UTAH", "Greatest Snow on Earth|GREATEST SNOW ON EARTH|Ski Utah", NAVY, _SKY, "wash",
              faces=(_SERIF, _SERIF), picture=0.8, logos=("rider",), weight=2),
        _like("Utah|UTAH", "LIFE ELEVATED|Life Elevated|CENTENNIAL 1896-1996", NAVY, (190, 210, 235), "hills",
              faces=(_SERIF, _SANS), separators=("o", " "), logos=("blot", "seal"), weight=3),
        _like("UTAH", "|", WHITE, BLACK, faces=(_SANS, _SANS), inks=(WHITE,)),
        _like("Utah", "IN GOD WE TRUST|UNIVERSITY", NAVY, WHITE, picture=0.7, faces=(_SERIF, _SANS), inks=(RED,)),
    ),
    "VA": (
        _like("VIRGINIA|Virginia", "|Virginia is for Lovers|400th Anniversary", NAVY, WHITE, faces=(_SERIF, _SERIF),
              inks=(_BLUE, NAVY), weight=5),
        _like("Virginia|VIRGINIA", "Wildlife Conservationist|Heritage|1607 400th Anniversary 2007", NAVY, _SKY,
              "ghost", picture=0.5, faces=(_SERIF, _SERIF)),
    ),
    "VT": (
        _like("Vermont", "Green Mountain State", WHITE, (70, 105, 20), faces=(_SERIF, _SANS), inks=(WHITE,),
              weight=5),
        _like("Green Mountain State", "Vermont", WHITE, (70, 105, 20), faces=(_SANS, _SERIF), picture=0.8),
    ),
    "WA": (
        _like("WASHINGTON|Washington", "EVERGREEN STATE|Evergreen State", DARK_BLUE, WHITE, "hills",
              faces=(_SANS, _SANS), inks=(RED, (50, 40, 190)), weight=4),
        _like("WASHINGTON", "EVERGREEN STATE", NAVY, WHITE, "ghost", faces=(_SERIF, _SANS), inks=(RED,)),
    ),
    "WI": (
        _like("WISCONSIN", "America's Dairyland", BLACK, WHITE, faces=(_SANS, _SERIF), inks=(RED, _MAROON),
              separators=("-", " "), weight=4),
        _like("WISCONSIN", "AMERICA'S DAIRYLAND|TRUCK|FARM|APPORTIONED", RED, WHITE, "bands", faces=(_SANS, _SANS),
              separators=("-", " ")),
    ),
    "WV": (
        _like("West Virginia", "Wild, Wonderful|Wild Wonderful", NAVY, WHITE, faces=(_SERIF, _SERIF),
              bars=(DARK_BLUE, (60, 190, 240)), inks=(WHITE, (60, 190, 245)), separators=(" ", "*"), logos=("blot",),
              weight=4),
        _like("West Virginia", "Veteran|CLASSIC|Antique Vehicle", NAVY, WHITE, picture=0.7, stacked=0.7,
              faces=(_SERIF, _SERIF)),
    ),
    "WY": (
        _like("WYOMING", "|Forever West|", BLACK, _SKY, "hills", faces=(_SERIF, _SERIF), picture=0.4, splits=(1, 2),
              separators=("o", "*"), logos=("rider", "animal"), weight=3),
        _like("Wyoming|WYOMING", "Like No Place on Earth|", NAVY, (200, 215, 235), "hills", splits=(1, 2),
              separators=("*",), logos=("rider",), faces=(_SERIF, _ROUND), weight=2),
    ),
}  # fmt: skip

_CALIFORNIAN: Final = "california_"
"""How the names of California's designs begin in `platepost.models.plates.DESIGNS`."""
_BRUSHED: Final = {
    "california_passenger": 4, "california_commercial": 4, "california_trailer": 4, "california_apportioned": 4,
    "california_personalised": 3, "california_picture": 2, "california_kids": 2, "california_motorcycle": 1,
}  # fmt: skip
"""Of five plates of the modern designs, how many have the name as written with a brush."""

_ABROAD: Final = (
    _like("ONTARIO", "YOURS TO DISCOVER|A PLACE TO GROW", DARK_BLUE, WHITE, separators=("*",), logos=("seal",),
          weight=1),
    _like("Beautiful|BRITISH COLUMBIA", "British Columbia|Beautiful British Columbia", DARK_BLUE, WHITE, "wash",
          separators=("*", " "), logos=("flag",), faces=(_SANS, _SANS), weight=1),
    _like("Québec", "Je me souviens", DARK_BLUE, WHITE, separators=(" ", "*"), weight=0.5),
    _like("Alberta|MANITOBA|SASKATCHEWAN|NOVA SCOTIA|NEW BRUNSWICK|YUKON",
          "Wild Rose Country|FRIENDLY|LAND OF LIVING SKIES|CANADA'S OCEAN PLAYGROUND", RED, WHITE, "wash", weight=1),
    _like("U.S. GOVERNMENT", "FOR OFFICIAL USE ONLY", BLACK, WHITE, faces=(_SANS, _SANS), weight=0.6),
    _like("BAJA CALIFORNIA|SONORA|CHIHUAHUA|MEXICO|JALISCO", "MEXICO|MEX|FRONT", BLACK, WHITE, "bands", weight=0.8),
)  # fmt: skip
_ABROAD_LONG: Final = ("european", "asian_long")


def draw_look(state: str, rng: np.random.Generator) -> Design:
    """Draw a design of one of `platepost.wire.records.regions.STATES`, such as CA, or of `OTHER`."""
    looks, shares = _observe(state)
    return looks[int(rng.choice(len(looks), p=shares))]


@cache
def _observe(state: str) -> tuple[tuple[Design, ...], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    looks = tuple(_californian() if state == "CA" else _abroad() if state == OTHER else _american(state))
    weights = np.array([look.weight for look in looks])
    return looks, weights / weights.sum()


def _californian() -> Iterator[Design]:
    for name, look in DESIGNS.items():
        if name.startswith(_CALIFORNIAN):
            brushed = _BRUSHED.get(name, 0)
            yield replace(look, faces=(("script",) * brushed + ("sans",) * (5 - brushed), ()))
    sun = _like(
        "CALIFORNIA",
        "The Golden State",
        NAVY,
        WHITE,
        faces=(_SANS, _ROUND),
        inks=(RED,),
        grounds=("plain", "hills"),
        weight=1.0,
    )
    yield Design("CA sun", texts.california_passenger, splits=(), **sun)
    grounds = ("plain", "wash", "hills", "ghost")
    special = _like("California|CALIFORNIA|California", "|".join(_SPECIAL), NAVY, WHITE, grounds=grounds)
    yield Design("CA special", _writer("CA"), picture=0.6, stacked=0.3, faces=(_SCRIPT, ()), **special)


def _american(state: str) -> Iterator[Design]:
    usual: dict[str, Any] = {"splits": (2, 3, 3, 3, 4), "separators": (" ", "", "-")}
    for number, own in enumerate(_OWN[state]):
        yield Design(f"{state} {number}", _writer(state), **usual | own)
    share = sum(own.get("weight", 1.0) for own in _OWN[state])
    name = NAMES[state]
    common = {"stacked": 0.5, "picture": 0.6, "grounds": ("plain", "plain", "wash", "hills", "ghost", "bands")}
    for colors, part in (
        ((WHITE, NAVY), 0.12),
        ((WHITE, BLACK), 0.12),
        ((BLACK, WHITE), 0.04),
        ((DARK_BLUE, WHITE), 0.04),
        ((_CREAM, RED), 0.06),
    ):
        own = _like(
            f"{name.upper()}|{name}",
            "|".join(_SPECIAL),
            colors[1],
            colors[0],
            faces=(_ANY, _ANY),
            weight=share * part,
        )
        yield Design(f"{state} special", _writer(state), **usual | own | common)


def _abroad() -> Iterator[Design]:
    for number, own in enumerate(_ABROAD):
        yield Design(f"abroad {number}", _writer(OTHER), splits=(3, 4), **{"separators": (" ",)} | own)
    yield from (DESIGNS[name] for name in _ABROAD_LONG)


def _writer(state: str) -> Writer:
    own = tuple(_FORMATS.get(state, "").split()) or US_PATTERNS

    def write(rng: np.random.Generator) -> str:
        kind = rng.random()
        patterns = own if kind < 0.5 else US_PATTERNS
        if kind >= 0.85:
            return texts.personalised(rng)
        return texts.from_pattern(rng, patterns[int(rng.integers(len(patterns)))])

    return write

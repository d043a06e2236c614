"""Sixty texts as someone might write them: what names a forbidden use, however it is spelled, and what is innocent."""

FORBIDDEN = {
    # Written plainly.
    "asked for by ICE": "immigration",
    "ICE asked us: immigration enforcement, deportation": "immigration",
    "for CBP at the checkpoint": "immigration",
    "HSI task force": "immigration",
    "ERO target": "immigration",
    "detainer lodged, pick up": "immigration",
    "help for border patrol": "immigration",
    "order of removal from 2019": "immigration",
    "undocumented driver": "immigration",
    "287(g) program": "immigration",
    "plates at the protest on Main Street": "protest",
    "who parked near the demonstration": "protest",
    "known activists": "protest",
    "No Kings day": "protest",
    "had an abortion, search for female": "reproductive care",
    "seen at Planned Parenthood": "reproductive care",
    "my girlfriend, tell me when she drives by": "personal use",
    "my ex": "personal use",
    "as a favor for a friend": "personal use",
    # Spelled around.
    "asked for by I.C.E.": "immigration",
    "asked for by I C E": "immigration",
    "i.c.e. hold": "immigration",
    "ICE_ERO list": "immigration",
    "DHS/ERO": "immigration",
    "I\u200bC\u200bE wants it": "immigration",  # zero-width spaces
    "\uff29\uff23\uff25 wants it": "immigration",  # full-width
    "\u0406\u0421\u0415 wants it": "immigration",  # Cyrillic
    "\u0399\u03f9\u0395 wants it": "immigration",  # Greek
    "\U0001d408\U0001d402\U0001d404 wants it": "immigration",  # mathematical bold
    "\U0001f1ee\U0001f1e8\U0001f1ea wants it": "immigration",  # regional indicators
    "I\u0336C\u0336E\u0336 wants it": "immigration",  # struck through
    "\u026a\u1d04\u1d07 wants it": "immigration",  # small capitals
    "I\u00adC\u00adE wants it": "immigration",  # soft hyphens
    "immi-gration matter": "immigration",
    "1mm1grat10n matter": "immigration",
    "d e p o r t": "immigration",
    "Deport\u0430tion list": "immigration",  # a Cyrillic a
    "bord\u00e9r p\u00e0trol": "immigration",
    "pr0test at city hall": "protest",
    "my\u00a0girl\u200bfriend": "personal use",
}
"""By text, the forbidden use that it names."""
INNOCENT = (
    "suspect slipped on ice",
    "Ice on the road, two cars hit",
    "iced tea bottle left in the stolen car",
    "ice cream truck taken at knife point",
    "twice seen at the service station",
    "police officer, off duty, is the victim",
    "heroin sold from a white van",
    "zero visibility, hit and run",
    "unlawful detainer served on the tenant",
    "suspect fled in his girlfriend's car",
    "victim is the suspect's ex-wife",
    "rally point is the north lot",
    "climbed over a picket fence",
    "undocumented damage to the rear bumper",
    "demonstration of the system for the council",
    "burglary of a clinic, register taken",
    "carjacking near the export terminal",
    "witness saw the deputy report it",
    "Alice and Eric took the spare key",
    "stolen from the parking of the Hotel Reno",
)
"""What stops no one, and reports no one."""

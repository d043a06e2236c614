#!/usr/bin/env python3
"""Draw the diagrams of the documentation, docs/images/*.svg: scripts/diagrams.py [NAME...].

A diagram is a grid of boxes with arrows between them. A browser or a renderer of SVG needs nothing else: the colors
follow the reader's light or dark setting.
"""

import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
MARGIN = 16
LINE = 17
"""Pixels from one line of text to the next."""
CHARACTERS = 7.1
"""Pixels of a character, on average; a box is wrapped by it."""
STYLE = """\
    rect { fill: #fff; stroke: #5b6b7b; stroke-width: 1.5; rx: 8 }
    .page { fill: #fff; stroke: none; rx: 0 }
    .warning { fill: #fdeaea; stroke: #b3261e }
    .key { fill: #fbf3e0; stroke: #8a5a00 }
    text { fill: #17212b }
    .head { font-weight: 600 }
    .note, .label { fill: #44525f; font-size: 13px }
    path { fill: none; stroke: #1f6fb2; stroke-width: 2 }
    path.arrow { marker-end: url(#tip) }
    path.trust { stroke: #8a5a00; stroke-dasharray: 5 4; marker-end: url(#trusted) }
    #tip path { fill: #1f6fb2; stroke: none }
    #trusted path { fill: #8a5a00; stroke: none }
    @media (prefers-color-scheme: dark) {
      rect { fill: #1b242d; stroke: #8fa1b3 }
      .page { fill: #0d1318 }
      .warning { fill: #3b1d1d; stroke: #e58a84 }
      .key { fill: #33290f; stroke: #e0ae55 }
      text { fill: #e8eef4 }
      .note, .label { fill: #b4c1cd }
      path { stroke: #6db3ea }
      path.trust { stroke: #e0ae55 }
      #tip path { fill: #6db3ea }
      #trusted path { fill: #e0ae55 }
    }
"""
TIP = (
    '    <marker id="{}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 10 5 0 10z"/></marker>\n'
)


def opening(title: str, width: int, height: int) -> Iterator[str]:
    """Yield the first lines of a picture."""
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" '
        'aria-labelledby="title" font-family="system-ui, sans-serif" font-size="14">'
    )
    yield f'  <title id="title">{escape(title)}</title>'
    yield f"  <style>\n{STYLE}  </style>"
    yield f"  <defs>\n{TIP.format('tip')}{TIP.format('trusted')}  </defs>"
    yield f'  <rect class="page" width="{width}" height="{height}"/>'


@dataclass(frozen=True)
class Box:
    """A box in a cell of the grid: `place` is its column and row, `high` how many rows it spans."""

    place: tuple[int, int]
    head: str
    note: str = ""
    kind: str = ""
    high: int = 1


@dataclass(frozen=True)
class Arrow:
    """An arrow between two boxes, with a label; of the class `trust` where one certifies the other."""

    start: str
    end: str
    label: str = ""
    kind: str = "arrow"


@dataclass
class Diagram:
    """The boxes of a diagram by name, its arrows, and its measures in pixels."""

    title: str
    boxes: dict[str, Box]
    arrows: list[Arrow]
    width: int = 172
    gap: int = 34
    drop: int = 36
    heights: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Give each row the height of its highest box."""
        rows = 1 + max(box.place[1] + box.high - 1 for box in self.boxes.values())
        self.heights = [40] * rows
        for box in self.boxes.values():
            needed = 24 + LINE * len(self.lines(box))
            spanned = sum(self.heights[box.place[1] : box.place[1] + box.high]) + self.drop * (box.high - 1)
            self.heights[box.place[1] + box.high - 1] += max(0, needed - spanned)

    def lines(self, box: Box) -> list[tuple[str, str]]:
        """Return the lines of a box, each with its class."""
        wide = int((self.width - 24) / CHARACTERS)
        head = [("head", line) for line in textwrap.wrap(box.head, wide - 1)]
        return head + [("note", line) for part in box.note.split("\n") for line in textwrap.wrap(part, wide)]

    def bounds(self, box: Box) -> tuple[int, int, int, int]:
        """Return left, top, right, and bottom of a box."""
        column, row = box.place
        left = MARGIN + column * (self.width + self.gap)
        top = MARGIN + sum(self.heights[:row]) + self.drop * row
        height = sum(self.heights[row : row + box.high]) + self.drop * (box.high - 1)
        return left, top, left + self.width, top + height

    def path(self, arrow: Arrow) -> tuple[str, int, int]:
        """Return the path of an arrow, and where its label goes."""
        first, second = self.boxes[arrow.start], self.boxes[arrow.end]
        a, b = self.bounds(first), self.bounds(second)
        top, bottom = max(a[1], b[1]), min(a[3], b[3])
        if top < bottom:  # side by side
            y = (top + bottom) // 2
            start, end = (a[2], b[0]) if a[0] < b[0] else (a[0], b[2])
            return f"M{start} {y}H{end}", (start + end) // 2, y - 6
        if first.place[0] == second.place[0]:
            x = (a[0] + a[2]) // 2
            start, end = (a[3], b[1]) if a[1] < b[1] else (a[1], b[3])
            return f"M{x} {start}V{end}", x + 8, (start + end) // 2 + 4
        x = (b[0] + b[2]) // 2
        y = (a[1] + a[3]) // 2
        start = a[2] if a[0] < b[0] else a[0]
        return f"M{start} {y}H{x}V{b[1] if a[1] < b[1] else b[3]}", (start + x) // 2, y - 6

    def draw(self) -> Iterator[str]:
        """Yield the lines of the picture."""
        bounds = [self.bounds(box) for box in self.boxes.values()]
        width, height = max(each[2] for each in bounds) + MARGIN, max(each[3] for each in bounds) + MARGIN
        yield from opening(self.title, width, height)
        for box in self.boxes.values():
            left, top, right, bottom = self.bounds(box)
            yield f'  <rect class="{box.kind}" x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"/>'
            for number, (kind, line) in enumerate(self.lines(box)):
                y = top + 26 + LINE * number
                yield f'  <text class="{kind}" x="{left + 12}" y="{y}">{escape(line)}</text>'
        for arrow in self.arrows:
            path, x, y = self.path(arrow)
            yield f'  <path class="{arrow.kind}" d="{path}"/>'
            anchor = "start" if "V" in path and "H" not in path else "middle"
            if arrow.label:
                yield f'  <text class="label" x="{x}" y="{y}" text-anchor="{anchor}">{escape(arrow.label)}</text>'
        yield "</svg>\n"


def steps(title: str, *texts: tuple[str, str], across: int = 4, kinds: dict[int, str] | None = None) -> Diagram:
    """Return a diagram of steps in rows, the second from right to left below the first."""
    boxes = {}
    for number, (head, note) in enumerate(texts):
        row, column = divmod(number, across)
        place = (column if row % 2 == 0 else across - 1 - column, row)
        boxes[str(number)] = Box(place, head, note, (kinds or {}).get(number, ""))
    return Diagram(title, boxes, [Arrow(str(number), str(number + 1)) for number in range(len(texts) - 1)])


DIAGRAMS = {
    "alert": Diagram(
        "The states of an alert",
        {
            "new": Box((0, 0), "new", "The console shows it with sound."),
            "taken": Box((1, 0), "taken", "One person compares plate, state, and vehicle."),
            "waiting": Box((1, 1), "waiting", "If the match is not exact, a second person compares, too."),
            "confirmed": Box((2, 0), "confirmed", "Ask the state's system."),
            "actionable": Box((3, 0), "actionable", "Officers may act."),
            "closed": Box((3, 1), "closed", "The outcome is recorded."),
            "rejected": Box(
                (0, 2),
                "rejected",
                "From any open state: misread, other state, other vehicle, illegible, or stale entry.",
            ),
            "withdrawn": Box(
                (1, 2), "withdrawn", "From any state: the hit is no longer supported. Advise units.", "warning"
            ),
        },
        [
            Arrow("new", "taken"),
            Arrow("taken", "confirmed"),
            Arrow("taken", "waiting"),
            Arrow("waiting", "confirmed"),
            Arrow("confirmed", "actionable"),
            Arrow("actionable", "closed"),
        ],
    ),
    "evidence": steps(
        "How evidence is handed over",
        ("Collect", "Search, select reads, Add to evidence."),
        ("Order", "With the recipient's public key."),
        ("Make", "The server signs the package and encrypts it to the recipient."),
        ("Book", "The file on its medium, with a property number."),
        ("Open", "Only the recipient's private key opens it."),
        ("Verify", "With the public keys of archive service and register."),
        across=3,
    ),
    "audit": steps(
        "How searches are audited",
        ("Plan", "Who audits, how often, how many searches."),
        ("Draw", "A seed in the access log chooses the samples."),
        ("Judge", "Compare each with the case file."),
        ("Finding", "The person or a supervisor answers within 14 days."),
        ("Close", "An auditor closes it within 30 days."),
        ("Report", "A month's numbers, without persons and plates."),
        across=3,
    ),
    "purge": Diagram(
        "How records are deleted",
        {
            "kept": Box((0, 0), "Record", "Kept for the term of its class, within the law."),
            "due": Box((1, 0), "Due", "The term is over."),
            "hold": Box((1, 1), "Hold", "Keeps it for evidence, a request, or litigation.", "key"),
            "plan": Box((2, 0), "Plan", "One records manager plans; another approves."),
            "run": Box((3, 0), "Purge", "Record and pictures are deleted."),
            "certificate": Box((3, 1), "Certificate", "Signed: what is gone, and by whose decision."),
        },
        [
            Arrow("kept", "due"),
            Arrow("due", "plan"),
            Arrow("hold", "due"),
            Arrow("plan", "run"),
            Arrow("run", "certificate"),
        ],
    ),
    "breach": steps(
        "How to respond to a breach, within 30 days",
        ("1. Open", "An incident: account, device, subscriber, or backup."),
        ("2. Contain", "Disable, revoke, replace credentials."),
        ("3. Compute", "Whom it affects, encrypted to you."),
        ("4. Look up", "Registered owners, in the state's registry."),
        ("5. Notify", "Print or send the notices."),
        ("6. Record", "That people were notified: the clock ends."),
        across=3,
    ),
    "unit": Diagram(
        "A unit on its pole",
        {
            "lane": Box((0, 0), "One lane", "Camera and infrared lamp point at it."),
            "unit": Box((1, 0), "Unit", "Computer, camera, lamp, tamper switch, status light.\nClosed case.", high=2),
            "uplink": Box((2, 0), "Uplink", "Network to the broker and the enrollment server."),
            "laptop": Box((0, 1), "Your laptop or phone", "At the Ethernet port: 192.168.50.2"),
            "power": Box((2, 1), "Power", "From the cabinet."),
            "drive": Box((1, 2), "USB drive", "Your identity; later the signed report."),
        },
        [
            Arrow("unit", "lane"),
            Arrow("unit", "uplink"),
            Arrow("laptop", "unit"),
            Arrow("power", "unit"),
            Arrow("drive", "unit"),
        ],
        width=200,
    ),
    "fleet": Diagram(
        "The keys of a fleet",
        {
            "root": Box(
                (0, 0), "Root", "Offline. Vouches for the other keys, and for new ones after a theft.", "key", high=3
            ),
            "authority": Box((1, 0), "Issuing authority", "Signs certificates.", "key"),
            "lists": Box((1, 1), "Key for hot lists", "Signs each list.", "key"),
            "settings": Box((1, 2), "Key for configurations", "Signs settings and the register of posts' keys.", "key"),
            "holders": Box((2, 0), "Posts, people, services", "Each with a key of its own."),
            "list": Box((2, 1), "Hot list", "Encrypted to each post."),
            "posts": Box((2, 2), "Posts, archive service", "Accept nothing else."),
        },
        [
            Arrow("root", "authority", kind="trust"),
            Arrow("root", "lists", kind="trust"),
            Arrow("root", "settings", kind="trust"),
            Arrow("authority", "holders", kind="trust"),
            Arrow("lists", "list", kind="trust"),
            Arrow("settings", "posts", kind="trust"),
        ],
        width=206,
        gap=44,
    ),
    "enrollment": steps(
        "How a unit becomes a post in service",
        ("Office: card", "Prepare the card of the unit."),
        ("Office: invite", "A code for one post, one technician, one hour."),
        ("Unit: enroll", "It makes its keys and sends a request with the code."),
        ("Office: list", "Build and publish a hot list for the new post."),
        ("Unit: aim, accept", "The technician aims and counts thirty vehicles."),
        ("Office: report", "Verify and keep the signed report."),
        across=3,
    ),
    "hotlist": Diagram(
        "From exports to the posts",
        {
            "exports": Box((0, 0), "Exports", "Of the state, the county, your own."),
            "build": Box((1, 0), "Build", "Mapping, checks, and a limit for jumps in size."),
            "rejected": Box((1, 1), "Rejected rows", "By line, with the reason.", "warning"),
            "package": Box((2, 0), "Package", "Signed, numbered, encrypted to each post."),
            "broker": Box((3, 0), "Broker", "Keeps it until it expires."),
            "drive": Box((2, 1), "USB drive", "For a post without a network."),
            "posts": Box((3, 1), "Posts", "Activate or reject it, and report which."),
        },
        [
            Arrow("exports", "build"),
            Arrow("build", "rejected"),
            Arrow("build", "package"),
            Arrow("package", "broker"),
            Arrow("package", "drive"),
            Arrow("broker", "posts"),
            Arrow("drive", "posts"),
        ],
    ),
    "server": Diagram(
        "The programs of a department's server",
        {
            "broker": Box((0, 0), "Broker", "Records of all posts."),
            "keep": Box((1, 0), "keep", "The archive service: verifies, stores, signs receipts."),
            "database": Box((2, 0), "Database", "PostgreSQL. Each program has its own role.", high=4),
            "browsers": Box((0, 1), "Browsers", "Through a web server with TLS."),
            "serve": Box((1, 1), "serve", "The pages; the console in its own process."),
            "outside": Box((0, 2), "Public, partners, CAD", "Through services of their own."),
            "others": Box((1, 2), "Other programs", "Public page, partners, webhooks, metrics."),
            "nightly": Box((1, 3), "nightly", "Verifies, purges, backs up."),
        },
        [
            Arrow("broker", "keep"),
            Arrow("keep", "database"),
            Arrow("browsers", "serve"),
            Arrow("serve", "database"),
            Arrow("outside", "others"),
            Arrow("others", "database"),
            Arrow("nightly", "database"),
        ],
        width=210,
    ),
    "backup": Diagram(
        "Backups and their tests",
        {
            "server": Box((0, 0), "Department's server", "Has only the public key."),
            "disk": Box((1, 0), "Backup disk", "Encrypted, each night."),
            "copy": Box((2, 0), "Another place", "A copy of each backup, by rclone."),
            "log": Box((0, 1), "Log of receipts, holds", "On a disk of their own. Never restored.", "key"),
            "test": Box((1, 1), "Restore test", "Another machine, with the private key, each month."),
        },
        [Arrow("server", "disk"), Arrow("disk", "copy"), Arrow("server", "log"), Arrow("disk", "test")],
        width=210,
        gap=52,
    ),
}


def wiring() -> str:
    """Return the picture of the wiring of a unit: each pin of the board, its resistor, and what is connected."""
    rows = [
        ("illuminator_pin", "10 kΩ to ground", "Driver of the infrared lamp", "with a limit of its own"),
        ("camera_power_pin", "10 kΩ to 3.3 V", "Camera power switch", "on unless switched off"),
        ("heater_pin", "10 kΩ to ground", "Heater switch", "at the window"),
        ("status_light_pin", "none", "Status light", "with its series resistor"),
        ("tamper_pin", "internal pull-up", "Tamper switch to ground", "closed with the case"),
        ("door_pin", "internal pull-up", "Door switch to ground", "closed with the door"),
    ]
    high = 62
    height = 2 * MARGIN + 64 + high * len(rows)
    parts = [
        *opening("Wiring of a unit", 760, height),
        f'  <rect x="{MARGIN}" y="{MARGIN}" width="190" height="{height - 2 * MARGIN}"/>',
        f'  <text class="head" x="{MARGIN + 12}" y="{MARGIN + 26}">Raspberry Pi</text>',
        f'  <rect x="504" y="{MARGIN}" width="240" height="46"/>',
        f'  <text class="head" x="516" y="{MARGIN + 28}">Camera</text>',
        f'  <path d="M206 {MARGIN + 23}H504"/>',
        f'  <text class="label" x="355" y="{MARGIN + 16}" text-anchor="middle">ribbon cable</text>',
    ]
    for number, (pin, resistor, device, remark) in enumerate(rows):
        y = MARGIN + 64 + high * number
        middle = y + 23
        parts += [
            f'  <text class="note" x="{MARGIN + 12}" y="{middle + 5}">{pin}</text>',
            f'  <path d="M206 {middle}H504"/>',
            f'  <rect x="504" y="{y}" width="240" height="48"/>',
            f'  <text class="head" x="516" y="{y + 21}">{escape(device)}</text>',
            f'  <text class="note" x="516" y="{y + 38}">{escape(remark)}</text>',
        ]
        if "to" in resistor:
            parts += [
                f'  <path d="M330 {middle}V{middle + 8}M330 {middle + 26}V{middle + 32}M320 {middle + 32}H340"/>',
                f'  <rect class="key" x="324" y="{middle + 7}" width="12" height="20" style="rx: 2px"/>',
                f'  <text class="label" x="348" y="{middle + 22}">{resistor}</text>',
            ]
        elif resistor != "none":
            parts.append(f'  <text class="label" x="355" y="{middle - 6}" text-anchor="middle">{resistor}</text>')
    return "\n".join([*parts, "</svg>\n"])


def pictures() -> Iterator[tuple[str, str]]:
    """Yield each diagram's name and picture."""
    for name, diagram in DIAGRAMS.items():
        yield name, "\n".join(diagram.draw())
    yield "wiring", wiring()


def main(names: list[str]) -> None:
    """Draw those that are named, or all."""
    for name, picture in pictures():
        if not names or name in names:
            (IMAGES / f"{name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

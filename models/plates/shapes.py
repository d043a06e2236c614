"""The characters of North American dies as strokes, each in the variants that makers have.

A stroke is a polyline in the unit square, x to the right and y down. The proportions were taken by eye from photographs
of plates; what varies between makers is drawn.
"""

import numpy as np

Point = tuple[float, float, float]
"""x, y and the share of the face's corner radius at this corner (0: a sharp one)."""
Stroke = list[Point]


def _one(rng: np.random.Generator) -> list[Stroke]:
    kind = rng.random()
    if kind < 0.18:
        return [[(0.5, 0, 0), (0.5, 1, 0)]]
    drop, reach = float(rng.uniform(0.08, 0.26)), float(rng.uniform(0.0, 0.3))
    flag: Stroke = [(reach, drop, 0), (0.62, 0, 0), (0.62, 1, 0)]
    if kind < 0.62:
        return [flag]
    if kind < 0.75:  # the flag drawn level, like a serif
        flag = [(reach, 0.03, 0), (0.6, 0.03, 0), (0.6, 1, 0)]
    return [flag, [(float(rng.uniform(-0.1, 0.2)), 1, 0), (float(rng.uniform(0.95, 1.2)), 1, 0)]]


def _two(rng: np.random.Generator) -> list[Stroke]:
    turn = float(rng.uniform(0.36, 0.55))
    kind = rng.random()
    start: Stroke = [(0, float(rng.uniform(0.2, 0.3)), 0), (0, 0, 1), (1, 0, 1)]
    if kind < 0.6:
        return [[*start, (1, turn, 0.9), (0, 1, 0.0), (1, 1, 0)]]
    if kind < 0.85:
        return [[*start, (1, turn, 0.9), (0, float(rng.uniform(0.72, 0.85)), 0.6), (0, 1, 0), (1, 1, 0)]]
    return [[*start, (1, turn, 1), (0, turn + 0.05, 1), (0, 1, 0), (1, 1, 0)]]


def _three(rng: np.random.Generator) -> list[Stroke]:
    waist, end = float(rng.uniform(0.42, 0.5)), float(rng.uniform(0.7, 0.8))
    if rng.random() < 0.15:
        return [[(0, 0, 0), (1, 0, 0), (0.4, waist - 0.04, 0), (1, waist, 1), (1, 1, 1), (0, 1, 1), (0, end, 0)]]
    inner = float(rng.uniform(0.3, 0.55))
    top: Stroke = [(0, 1 - end, 0), (0, 0, 1), (0.97, 0, 1), (0.97, waist, 1), (inner, waist, 0)]
    return [top, [(inner, waist, 0), (1, waist, 1), (1, 1, 1), (0, 1, 1), (0, end, 0)]]


def _four(rng: np.random.Generator) -> list[Stroke]:
    bar = float(rng.uniform(0.6, 0.8))
    stem = float(rng.uniform(0.62, 0.85))
    if rng.random() < 0.4:
        return [[(stem, 1, 0), (stem, 0, 0), (0, bar, 0), (1, bar, 0)]]
    lean = float(rng.uniform(0.0, 0.6))  # open: the arm ends left of the stem, which starts lower
    rise = float(rng.uniform(0.0, 0.5) if rng.random() < 0.5 else rng.uniform(0.38, 0.62))
    return [[(lean, 0, 0), (0, bar, 0), (1, bar, 0)], [(stem, rise, 0), (stem, 1, 0)]]


def _five(rng: np.random.Generator) -> list[Stroke]:
    waist = float(rng.uniform(0.37, 0.46))
    corner = float(rng.choice([0.0, 0.0, 0.4]))
    right = float(rng.uniform(0.88, 1.0))
    start: Stroke = [(right, 0, 0), (0.04, 0, 0), (0.0, waist + 0.02, corner)]
    return [[*start, (1, waist, 1), (1, 1, 1), (0, 1, 1), (0, float(rng.uniform(0.7, 0.8)), 0)]]


def _six(rng: np.random.Generator) -> list[Stroke]:
    waist = float(rng.uniform(0.38, 0.48))
    if rng.random() < 0.25:
        return [[(0.72, 0, 0), (0, 0.5, 0.8), (0, 1, 1), (1, 1, 1), (1, waist, 1), (0.05, waist, 0.6), (0, 0.62, 0)]]
    end = float(rng.uniform(0.14, 0.28))
    head: Stroke = [(1, end, 0), (1, 0, 1), (0, 0, 1), (0, 1, 1), (1, 1, 1)]
    return [[*head, (1, waist, 1), (0.0, waist, float(rng.choice([0, 1]))), (0, waist + 0.12, 0)]]


def _turned(strokes: list[Stroke]) -> list[Stroke]:
    return [[(1 - x, 1 - y, r) for x, y, r in stroke] for stroke in strokes]


def _seven(rng: np.random.Generator) -> list[Stroke]:
    foot = float(rng.uniform(0.15, 0.5))
    if rng.random() < 0.6:
        return [[(0, 0, 0), (1, 0, 0), (foot, 1, 0)]]
    drop = float(rng.uniform(0.1, 0.3))
    start: Stroke = [(0, 0.1, 0), (0, 0, 0)] if rng.random() < 0.2 else [(0, 0, 0)]
    return [[*start, (1, 0, 0), (1, drop, 0.5), (foot, 0.6, 0.8), (foot, 1, 0)]]


def _eight(rng: np.random.Generator) -> list[Stroke]:
    waist, inset = float(rng.uniform(0.43, 0.5)), float(rng.uniform(0, 0.1))
    upper: Stroke = [
        (0.5, 0, 0),
        (1 - inset, 0, 1),
        (1 - inset, waist, 1),
        (inset, waist, 1),
        (inset, 0, 1),
        (0.5, 0, 0),
    ]
    lower: Stroke = [(0.5, waist, 0), (1, waist, 1), (1, 1, 1), (0, 1, 1), (0, waist, 1), (0.5, waist, 0)]
    return [upper, lower]


def _ring(right: float = 1.0) -> Stroke:
    return [(0.5, 0, 0), (right, 0, 1), (right, 1, 1), (0, 1, 1), (0, 0, 1), (0.5, 0, 0)]


def _a(rng: np.random.Generator) -> list[Stroke]:
    bar = float(rng.uniform(0.58, 0.76))
    flat = float(rng.uniform(0, 0.2)) if rng.random() < 0.6 else 0.0
    kind = rng.random()
    if kind < 0.06:
        return [[(0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 0)], [(0, bar, 0), (1, bar, 0)]]
    if kind < 0.25:  # upright sides under a gable
        eaves, inset = float(rng.uniform(0.25, 0.45)), float(rng.uniform(0, 0.1))
        flat = float(rng.uniform(0, 0.15))
        roof: Stroke = [(0.5 - flat, 0, 0), (0.5 + flat, 0, 0)]
        return [[(0, 1, 0), (inset, eaves, 0.6), *roof, (1 - inset, eaves, 0.6), (1, 1, 0)], [(0, bar, 0), (1, bar, 0)]]
    reach = 0.5 * bar
    sides: Stroke = [(0, 1, 0), (0.5 - flat, 0, 0), (0.5 + flat, 0, 0), (1, 1, 0)]
    return [sides, [(0.5 - reach, bar, 0), (0.5 + reach, bar, 0)]]


def _b(rng: np.random.Generator) -> list[Stroke]:
    waist, upper = float(rng.uniform(0.44, 0.5)), float(rng.uniform(0.88, 1.0))
    top: Stroke = [(0, 0, 0), (upper, 0, 1), (upper, waist, 1), (0, waist, 0)]
    return [top, [(0, waist, 0), (1, waist, 1), (1, 1, 1), (0, 1, 0), (0, 0, 0)]]


def _c(rng: np.random.Generator) -> list[Stroke]:
    end = float(rng.uniform(0.17, 0.32))
    return [[(1, end, 0), (1, 0, 1), (0, 0, 1), (0, 1, 1), (1, 1, 1), (1, 1 - end, 0)]]


def _g(rng: np.random.Generator) -> list[Stroke]:
    end, bar, inner = float(rng.uniform(0.17, 0.3)), float(rng.uniform(0.5, 0.62)), float(rng.uniform(0.4, 0.65))
    kind = rng.random()
    main: Stroke = [(1, end, 0), (1, 0, 1), (0, 0, 1), (0, 1, 1)]
    if kind < 0.75:
        return [[*main, (1, 1, 1), (1, bar, 0), (inner, bar, 0)]]
    return [[*main, (1, 1, 1), (1, bar, 0)], [(inner, bar, 0), (1.0, bar, 0), (1, 1, 0)]]  # with a spur


def _i(rng: np.random.Generator) -> list[Stroke]:
    if rng.random() < 0.55:
        return [[(0.5, 0, 0), (0.5, 1, 0)]]
    left, right = float(rng.uniform(-0.15, 0.15)), float(rng.uniform(0.85, 1.15))
    return [[(0.5, 0, 0), (0.5, 1, 0)], [(left, 0, 0), (right, 0, 0)], [(left, 1, 0), (right, 1, 0)]]


def _j(rng: np.random.Generator) -> list[Stroke]:
    hook: Stroke = [(1, 0, 0), (1, 1, 1), (0, 1, 1), (0, float(rng.uniform(0.62, 0.8)), 0)]
    return [hook, [(float(rng.uniform(0.3, 0.6)), 0, 0), (1, 0, 0)]] if rng.random() < 0.25 else [hook]


def _k(rng: np.random.Generator) -> list[Stroke]:
    meet = float(rng.uniform(0.52, 0.66))
    part = float(rng.uniform(0.0, 0.35))
    arm: Stroke = [(1, 0, 0), (0, meet, 0)]
    return [[(0, 0, 0), (0, 1, 0)], arm, [(part, meet * (1 - part), 0), (1, 1, 0)]]


def _m(rng: np.random.Generator) -> list[Stroke]:
    middle = float(rng.uniform(0.35, 0.62)) if rng.random() < 0.8 else 1.0
    return [[(0, 1, 0), (0, 0, 0), (0.5, middle, 0), (1, 0, 0), (1, 1, 0)]]


def _w(rng: np.random.Generator) -> list[Stroke]:
    middle = float(rng.uniform(0.35, 0.65)) if rng.random() < 0.8 else 0.02
    foot = float(rng.choice([0.0, 0.1, 0.2, 0.24]))
    return [[(0, 0, 0), (foot, 1, 0), (0.5, middle, 0), (1 - foot, 1, 0), (1, 0, 0)]]


def _p(rng: np.random.Generator) -> list[Stroke]:
    waist = float(rng.uniform(0.46, 0.58))
    return [[(0, 1, 0), (0, 0, 0), (1, 0, 1), (1, waist, 1), (0, waist, 0)]]


def _r(rng: np.random.Generator) -> list[Stroke]:
    waist = float(rng.uniform(0.44, 0.54))
    bowl: Stroke = [(0, 1, 0), (0, 0, 0), (1, 0, 1), (1, waist, 1), (0, waist, 0)]
    kind = rng.random()
    if kind < 0.75:
        return [bowl, [(float(rng.uniform(0.3, 0.6)), waist, 0), (1, 1, 0)]]
    return [bowl, [(0.5, waist, 0), (1, waist + 0.04, 0.7), (1, 1, 0)]]


def _q(rng: np.random.Generator) -> list[Stroke]:
    kind = rng.random()
    if kind < 0.55:
        tail: Stroke = [(float(rng.uniform(0.4, 0.6)), float(rng.uniform(0.68, 0.8)), 0), (0.98, 0.98, 0)]
    elif kind < 0.85:
        tail = [(float(rng.uniform(0.4, 0.65)), float(rng.uniform(0.72, 0.85)), 0), (1.06, 1.06, 0)]
    else:
        tail = [(0.5, 0.78, 0), (0.5, 1.06, 0)]
    return [_ring(), tail]


def _s(rng: np.random.Generator) -> list[Stroke]:
    waist, end = float(rng.uniform(0.45, 0.5)), float(rng.uniform(0.18, 0.28))
    tilt = float(rng.choice([0.0, 0.03, 0.06]))
    top: Stroke = [(1, end, 0), (1, 0, 1), (0, 0, 1), (0, waist - tilt, 1)]
    return [[*top, (1, waist + tilt, 1), (1, 1, 1), (0, 1, 1), (0, 1 - end, 0)]]


def _zero(rng: np.random.Generator) -> list[Stroke]:
    return [_ring(), [(0.15, 0.8, 0), (0.85, 0.2, 0)]] if rng.random() < 0.03 else [_ring()]


def _y(rng: np.random.Generator) -> list[Stroke]:
    fork = float(rng.uniform(0.42, 0.58))
    if rng.random() < 0.25:  # upright arms that bend in
        bend = fork * float(rng.uniform(0.4, 0.75))
        return [[(0, 0, 0), (0, bend, 0.7), (0.5, fork, 0), (1, bend, 0.7), (1, 0, 0)], [(0.5, fork, 0), (0.5, 1, 0)]]
    return [[(0, 0, 0), (0.5, fork, 0), (1, 0, 0)], [(0.5, fork, 0), (0.5, 1, 0)]]


def _v(rng: np.random.Generator) -> list[Stroke]:
    if rng.random() < 0.3:  # upright sides that taper late
        waist = float(rng.uniform(0.35, 0.7))
        return [[(0, 0, 0), (0, waist, 0.6), (0.5, 1, 0), (1, waist, 0.6), (1, 0, 0)]]
    blunt = 0.0 if rng.random() < 0.4 else float(rng.uniform(0.04, 0.26))  # Arizona's is all but a U
    return [[(0, 0, 0), (0.5 - blunt, 1, 0), (0.5 + blunt, 1, 0), (1, 0, 0)]]


def strokes_of(character: str, rng: np.random.Generator) -> list[Stroke]:
    """One variant of a character, as strokes in the unit square."""
    variants = {
        "0": _zero, "1": _one, "2": _two, "3": _three, "4": _four, "5": _five, "6": _six, "7": _seven, "8": _eight,
        "A": _a, "B": _b, "C": _c, "G": _g, "I": _i, "J": _j, "K": _k, "M": _m, "P": _p, "Q": _q, "R": _r, "S": _s,
        "V": _v, "W": _w, "Y": _y,
    }  # fmt: skip
    if character in variants:
        return variants[character](rng)
    bar = float(rng.uniform(0.44, 0.52))
    short = float(rng.uniform(0.7, 0.95))
    fixed: dict[str, list[Stroke]] = {
        "9": _turned(_six(rng)),
        "D": [[(0, 0, 0), (1, 0, 1), (1, 1, 1), (0, 1, 0), (0, 0, 0), (0.2, 0, 0)]],
        "E": [[(1, 0, 0), (0, 0, 0), (0, 1, 0), (1, 1, 0)], [(0, bar, 0), (short, bar, 0)]],
        "F": [[(1, 0, 0), (0, 0, 0), (0, 1, 0)], [(0, bar, 0), (short, bar, 0)]],
        "H": [[(0, 0, 0), (0, 1, 0)], [(1, 0, 0), (1, 1, 0)], [(0, bar, 0), (1, bar, 0)]],
        "L": [[(0, 0, 0), (0, 1, 0), (1, 1, 0)]],
        "N": [[(0, 1, 0), (0, 0, 0), (1, 1, 0), (1, 0, 0)]],
        "O": [_ring()],
        "T": [[(0, 0, 0), (1, 0, 0)], [(0.5, 0, 0), (0.5, 1, 0)]],
        "U": [[(0, 0, 0), (0, 1, 1), (1, 1, 1), (1, 0, 0)]],
        "X": [[(0, 0, 0), (1, 1, 0)], [(1, 0, 0), (0, 1, 0)]],
        "Z": [[(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)]],
    }
    return fixed[character]

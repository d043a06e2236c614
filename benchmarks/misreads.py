"""What the reader takes characters for, by its own alternatives: makes `department/search/misreads.json`.

Each drawn plate is read once. Where an alternative differs from the text read in one place, its probability says how
likely the other character stands on the plate. No truth is used, so a department can make the file of its own reads.

::

    python benchmarks/misreads.py --plates 6000 --output department/search/misreads.json
"""

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from platepost.device.vision.ctc import folded
from platepost.device.vision.reader import Reader
from platepost.models.plates import degrade, fonts, framed, render_plate

LEAST = 0.0001
"""Probability below which a pair is left out."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plates", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--reader", type=Path, default=Path("models/reader.tflite"))
    parser.add_argument("--output", type=Path, required=True)
    asked = parser.parse_args()
    reader = Reader(asked.reader)
    rng = np.random.default_rng(asked.seed)
    fonts.fetch()
    seen: Counter[str] = Counter()
    others: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for number in range(asked.plates):
        if number % 500 == 0:
            print(f"{number} plates", flush=True)
        plate = render_plate(rng, height=96)
        reading = reader.read_rectified(degrade(framed(plate, rng), rng), again=True)
        text = folded(reading.text)
        seen.update(text)
        for alternative in reading.alternatives:
            other = folded(alternative.text)
            places = [at for at, pair in enumerate(zip(text, other, strict=False)) if pair[0] != pair[1]]
            if len(other) == len(text) and len(places) == 1:
                others[text[places[0]]][other[places[0]]] += alternative.probability
    pairs = {
        read: {
            true: round(share, 5)
            for true, weight in sorted(others[read].items(), key=lambda item: -item[1])
            if (share := weight / seen[read]) >= LEAST
        }
        for read in sorted(seen)
    }
    made = {"reader": reader.model.digest, "plates": asked.plates, "seed": asked.seed, "misread": pairs}
    asked.output.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

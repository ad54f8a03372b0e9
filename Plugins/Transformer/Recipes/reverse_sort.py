#!/usr/bin/env python3
"""Letters to be reversed or sorted, as tables of pairs: training and test.

usage: reverse_sort.py [FOLDER]. A task is a word and 2 to 16 random letters, each length and either task equally often:
"sort q b f b" with the answer "b b f q", or "reverse q b f b" with "b f b q". No letters of the test are in the training
data, for either task.
"""

import random
import string
import sys
from pathlib import Path

TASKS = {"sort": sorted, "reverse": lambda letters: letters[::-1]}
LENGTHS = range(2, 17)


def draw(generator, length, taken):
    while True:
        letters = tuple(generator.choices(string.ascii_lowercase, k=length))
        if letters not in taken:
            return letters


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    generator = random.Random(1)
    test = set()
    for name, count in [("reverse-sort-test.tsv", 1000), ("reverse-sort-train.tsv", 40000)]:
        with open(folder / name, "w") as file:
            print("task\tanswer", file=file)
            for index in range(count):
                letters = draw(generator, LENGTHS[index // len(TASKS) % len(LENGTHS)], test)
                if name == "reverse-sort-test.tsv":
                    test.add(letters)
                task = list(TASKS)[index % len(TASKS)]
                print(f"{task} {' '.join(letters)}\t{' '.join(TASKS[task](letters))}", file=file)
        print(f"{name}: {count} pairs")


main()

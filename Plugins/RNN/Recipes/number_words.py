#!/usr/bin/env python3
"""English number words and their digits, as tables of pairs: train, test, and test pairs with long numbers only.

usage: number_words.py [FOLDER]. The numbers are random, with each count of digits equally often. None of four digits or more
is there twice; of those with fewer there are so few that all files may have them.
"""

import random
import sys
from pathlib import Path

ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen").split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
SCALES = ["", "thousand", "million", "billion"]


def below_thousand(number):
    words = []
    if number >= 100:
        words += [ONES[number // 100], "hundred"]
        if number % 100:
            words.append("and")
    number %= 100
    if number >= 20:
        words.append(TENS[number // 10 - 2])
        number %= 10
        if number == 0:
            return words
    elif number == 0:
        return words
    return words + [ONES[number]]


def words(number):
    if number == 0:
        return "zero"
    groups = []
    while number:
        groups.append(number % 1000)
        number //= 1000
    result = []
    for scale in reversed(range(len(groups))):
        if groups[scale]:
            if scale == 0 and result and groups[0] < 100:
                result.append("and")
            result += below_thousand(groups[scale]) + ([SCALES[scale]] if scale else [])
    return " ".join(result)


def draw(generator, digits, known):
    while True:
        number = generator.randrange(10 ** (digits - 1) if digits > 1 else 0, 10**digits)
        # Small numbers are few: all files may have them.
        if number not in known or digits <= 3:
            known.add(number)
            return number


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    generator = random.Random(1)
    known = set()
    files = [("number-words-test.tsv", 1000, range(1, 13)), ("number-words-long.tsv", 500, range(10, 13)),
             ("number-words-train.tsv", 30000, range(1, 13))]
    for name, count, lengths in files:
        with open(folder / name, "w") as file:
            print("words\tdigits", file=file)
            for index in range(count):
                number = draw(generator, lengths[index % len(lengths)], known)
                print(f"{words(number)}\t{number}", file=file)
        print(f"{name}: {count} pairs")


main()

#!/usr/bin/env python3
"""Images of Fashion-MNIST, half of them upside down, and labels that say which. IDX files.

usage: upside_down.py [FOLDER]. Writes upside-down-{train,test}-{images,labels}: the first 30,000 training images and the 10,000
test images of Debian's package dataset-fashion-mnist, each turned by half a turn (1) or not (0), at random. What kind of
clothing they show says nothing about it. After Gidaris, Singh, Komodakis: Unsupervised Representation Learning by Predicting
Image Rotations, ICLR 2018.
"""

import gzip
import random
import sys
from pathlib import Path

SOURCE = Path("/usr/share/datasets/fashion-mnist")
SIDE = 28
PIXELS = SIDE * SIDE


def idx(shape, content):
    """The bytes of an IDX file of unsigned bytes."""
    header = bytes([0, 0, 8, len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)
    return header + bytes(content)


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    generator = random.Random(1)
    for name, source, count in [("train", "train", 30000), ("test", "t10k", 10000)]:
        images = gzip.decompress((SOURCE / f"{source}-images-idx3-ubyte.gz").read_bytes())[16:]
        labels = generator.choices(range(2), k=count)
        turned = bytearray()
        for index, label in enumerate(labels):
            image = images[index * PIXELS:(index + 1) * PIXELS]
            # Read backwards, rows and columns change their direction.
            turned += image[::-1] if label else image
        (folder / f"upside-down-{name}-images").write_bytes(idx([count, SIDE, SIDE], turned))
        (folder / f"upside-down-{name}-labels").write_bytes(idx([count], labels))
        print(f"upside-down-{name}-images, upside-down-{name}-labels: {count} images")


main()

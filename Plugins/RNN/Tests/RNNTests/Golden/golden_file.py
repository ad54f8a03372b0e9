"""Golden files of the RNN family: what PyTorch computes, for the tests to compare with."""
import pathlib
import sys

FOLDER = pathlib.Path(__file__).parent
sys.path.insert(0, str(FOLDER.parents[4] / "SDK/Python"))
from lamina_golden import GoldenFile, random


class Golden(GoldenFile):
    """The cases of one layer."""

    def __init__(self, component):
        super().__init__(FOLDER / f"layer_{component}")

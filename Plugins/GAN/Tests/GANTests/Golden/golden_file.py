"""Golden files of the GAN family: what PyTorch computes, for the tests to compare with."""
import pathlib
import sys

FOLDER = pathlib.Path(__file__).parent
sys.path.insert(0, str(FOLDER.parents[4] / "SDK/Python"))
import lamina_golden
from lamina_golden import random


class GoldenFile(lamina_golden.GoldenFile):
    """The cases of one layer or block."""

    def __init__(self, kind, name):
        super().__init__(FOLDER / f"{kind}_{name}")

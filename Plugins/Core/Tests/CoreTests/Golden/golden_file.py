"""Golden files of the components: what PyTorch computes, for the tests to compare with."""

import pathlib
import sys

import torch

FOLDER = pathlib.Path(__file__).parent
sys.path.insert(0, str(FOLDER.parents[4] / "SDK/Python"))
import lamina_golden
from lamina_golden import random


class GoldenFile(lamina_golden.GoldenFile):
    def __init__(self, name):
        super().__init__(FOLDER / name)

    def case(self, name, attributes, tensors, **more):
        """`tensors`: what follows the case's name and a slash, e.g. "input.0"."""
        self.describe(name, attributes=attributes, **more)
        for key, value in tensors.items():
            self.put(name, key, value)


def loss_case(file, name, attributes, function, inputs, differentiable=(0,), gradient=1.7):
    """Runs `function(*inputs)` and its backward with the scalar output gradient `gradient`. None: not connected."""
    leaves = [
        value.clone().requires_grad_(True) if index in differentiable else value for index, value in enumerate(inputs)
    ]
    output = function(*leaves)
    assert output.shape == (), f"{name}: a loss is a scalar"
    tensors = {f"input.{index}": value for index, value in enumerate(inputs) if value is not None}
    tensors["output.0"] = output
    if differentiable:
        tensors["output_gradient.0"] = torch.tensor(gradient, dtype=output.dtype)
        output.backward(tensors["output_gradient.0"])
        tensors.update({f"input_gradient.{index}": leaves[index].grad for index in differentiable})
    file.case(name, attributes, tensors, phase="training" if differentiable else "inference")

"""Writes golden files: several cases of one component in a safetensors file, as SDK/Sources/LaminaTesting reads them."""

import json
import pathlib

import torch
from safetensors.torch import save_file


class GoldenFile:
    def __init__(self, name):
        self.path = pathlib.Path(__file__).parent / f"{name}.safetensors"
        self.tensors = {}
        self.metadata = {}

    def case(self, name, attributes, tensors, **more):
        """`tensors`: what follows the case's name and a slash, e.g. "input.0"."""
        self.metadata[name] = json.dumps({"attributes": attributes, **more}, sort_keys=True)
        for key, value in tensors.items():
            value = value.detach().clone()
            self.tensors[f"{name}/{key}"] = (value.float() if value.is_floating_point() else value).contiguous()

    def write(self):
        save_file(self.tensors, self.path, self.metadata)
        self.sort_header()
        print(self.path.name, self.path.stat().st_size, "bytes", len(self.metadata), "cases")

    def sort_header(self):
        """save_file writes the metadata in an order that changes from run to run."""
        data = self.path.read_bytes()
        size = int.from_bytes(data[:8], "little")
        header = json.dumps(json.loads(data[8:8 + size]), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        padded = header.encode().ljust(size)
        assert len(padded) == size, "the header has grown"
        self.path.write_bytes(data[:8] + padded + data[8 + size:])


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

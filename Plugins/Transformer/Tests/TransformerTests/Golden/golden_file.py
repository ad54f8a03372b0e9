"""Golden files of the Transformer family: what PyTorch computes, for the tests to compare with.

A file of a layer holds its cases: attributes and phase as JSON in the metadata, tensors named
`<case>/input.0`, `<case>/parameter.weight`, `<case>/output.0`, `<case>/output_gradient.0`, `<case>/input_gradient.0`,
`<case>/parameter_gradient.weight`.
"""
import json
import pathlib
import zlib

import torch
from safetensors.torch import save

FOLDER = pathlib.Path(__file__).parent


class GoldenFile:
    """Cases of one layer or block: a JSON text and tensors of each."""

    def __init__(self, kind, name):
        self.path, self.tensors, self.cases = FOLDER / f"{kind}_{name}.safetensors", {}, {}
        torch.manual_seed(zlib.crc32(name.encode()))  # a new case changes no other file

    def describe(self, case, **what):
        self.cases[case] = json.dumps(what)

    def put(self, case, name, tensor):
        self.tensors[f"{case}/{name}"] = tensor.detach().contiguous().clone()

    def save(self):
        data = save(self.tensors, metadata=self.cases)
        # The library writes the metadata in random order; sorted, equal content gives equal bytes.
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8:8 + size])
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)
        self.path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size:])
        print(f"{self.path.name}: {', '.join(self.cases)}, {self.path.stat().st_size} bytes")


class Golden(GoldenFile):
    """The cases of one layer."""

    def __init__(self, component):
        super().__init__("layer", component)

    def add(self, case, attributes, inputs, parameters, compute):
        """Runs compute(inputs, parameters) forward and backward with random gradients of all outputs."""
        inputs = {i: x.clone().requires_grad_(x.is_floating_point()) for i, x in inputs.items()}
        parameters = {name: value.detach().clone().requires_grad_() for name, value in parameters.items()}
        outputs = compute(inputs, parameters)
        gradients = [torch.randn(y.shape) for y in outputs]
        torch.autograd.backward(outputs, gradients)
        self.describe(case, attributes=attributes, phase="training")
        for i, x in inputs.items():
            self.put(case, f"input.{i}", x)
            if x.is_floating_point():
                self.put(case, f"input_gradient.{i}", x.grad)
        for i, (y, dy) in enumerate(zip(outputs, gradients)):
            self.put(case, f"output.{i}", y)
            self.put(case, f"output_gradient.{i}", dy)
        for name, value in parameters.items():
            self.put(case, "parameter." + name, value)
            self.put(case, "parameter_gradient." + name, value.grad)

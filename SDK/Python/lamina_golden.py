"""Writes golden files, cases of one component in a safetensors file, as `checkLayer` and `checkOptimizer` of LaminaTesting
read them: attributes and more as a JSON text per case in the metadata, tensors named `<case>/input.0` and so on.

Tensors of `random` are not stored: the text of their case has `"random": {"input.0": [seed, low, high, dimension, …]}`,
from which the reader draws the same numbers. Needs numpy and torch.
"""
import json
import pathlib
import zlib

import numpy as np
import torch

DTYPES = {
    torch.float32: "F32", torch.float64: "F64", torch.int64: "I64", torch.int32: "I32", torch.uint8: "U8",
    torch.bool: "BOOL",
}
# What `random` has drawn, by shape and bytes, so that `GoldenFile.put` knows it again; and the last seed.
DRAWN, last_seed = {}, 0
# The tensors that are given to the component. What it computes is always stored, even if it is what was given.
GIVEN = {"input", "parameter", "buffer", "output_gradient", "target", "gradients"}


def philox(seed, stream, count):
    """The first `count` words of Philox 4x32-10 (Salmon et al. 2011), as `lamina_random_bits` draws them."""
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    x = [blocks & low, blocks >> half, np.full_like(blocks, stream & 0xFFFFFFFF), np.full_like(blocks, stream >> 32)]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        first, second = x[0] * np.uint64(0xD2511F53), x[2] * np.uint64(0xCD9E8D57)
        x = [second >> half ^ x[1] ^ np.uint64(key[0]), second & low,
             first >> half ^ x[3] ^ np.uint64(key[1]), first & low]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(x, 1).reshape(-1)[:count]


def random(*shape, low=-2, high=2):
    """Uniform, another sequence each time: what `TensorValue.uniform(shape, low...high, seed: …)` draws."""
    global last_seed
    last_seed += 1
    shape = list(shape[0] if shape and not isinstance(shape[0], int) else shape)
    words = philox(last_seed, 0x7E57, int(np.prod(shape)))
    unit = (words >> np.uint64(8)).astype(np.float32) * np.float32(2**-24)
    values = np.float32(low) + unit * (np.float32(high) - np.float32(low))
    result = torch.from_numpy(values).reshape(shape)
    DRAWN[identity(result)] = [last_seed, low, high, *shape]
    return result


def identity(tensor):
    return tuple(tensor.shape), tensor.numpy().tobytes()


class GoldenFile:
    """Cases of one component. `path`: without the ending."""

    def __init__(self, path):
        global last_seed
        self.path, self.tensors, self.cases = pathlib.Path(f"{path}.safetensors"), {}, {}
        # A new case changes no other file.
        last_seed = 0
        torch.manual_seed(zlib.crc32(self.path.stem.encode()))

    def describe(self, case, **what):
        """`what`: attributes, phase, tolerance, …"""
        self.cases[case] = what

    def put(self, case, name, tensor):
        """A tensor of a case that is described. Floats become float32."""
        tensor = tensor.detach().clone().contiguous()
        tensor = tensor.float() if tensor.is_floating_point() else tensor
        drawn = DRAWN.get(identity(tensor)) if name.split(".")[0] in GIVEN else None
        if drawn:
            self.cases[case].setdefault("random", {})[name] = drawn
        else:
            self.tensors[f"{case}/{name}"] = tensor

    def add(self, case, attributes, inputs, parameters, compute):
        """Runs compute(inputs, parameters) of a layer forward and backward with random gradients of all outputs."""
        inputs = {i: x.clone().requires_grad_(x.is_floating_point()) for i, x in inputs.items()}
        parameters = {name: value.detach().clone().requires_grad_() for name, value in parameters.items()}
        outputs = compute(inputs, parameters)
        gradients = [random(y.shape) for y in outputs]
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

    def save(self):
        # By hand, because the library puts the metadata in another order every time.
        def compact(value):
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

        header, content = {"__metadata__": {case: compact(what) for case, what in sorted(self.cases.items())}}, b""
        for name, tensor in sorted(self.tensors.items()):
            data = tensor.numpy().tobytes()
            header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape),
                            "data_offsets": [len(content), len(content) + len(data)]}
            content += data
        text = compact(header).encode()
        text += b" " * (-len(text) % 8)
        self.path.write_bytes(len(text).to_bytes(8, "little") + text + content)
        print(f"{self.path.name}: {len(self.cases)} cases, {self.path.stat().st_size} bytes")

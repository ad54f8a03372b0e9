"""Golden files of the GAN family: what PyTorch computes, for the tests to compare with.

A file holds cases of one layer or block. The metadata has a JSON text per case, {"attributes": {…}, …}; tensors are named
`<case>/input.0`, `<case>/parameter.weight`, `<case>/buffer.weight_u`, `<case>/output.0` and so on.
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
        tensor = tensor.float() if tensor.is_floating_point() else tensor
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

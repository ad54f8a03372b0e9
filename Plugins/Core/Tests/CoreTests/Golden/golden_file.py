"""Writes golden files: several cases of one component in a safetensors file, as LaminaTesting reads them."""

import json
import pathlib

import torch


DTYPES = {torch.float32: "F32", torch.int64: "I64", torch.int32: "I32", torch.uint8: "U8", torch.bool: "BOOL"}


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
        # By hand, because the library puts the metadata in another order every time.
        header, content = {"__metadata__": dict(sorted(self.metadata.items()))}, b""
        for name, tensor in sorted(self.tensors.items()):
            data = tensor.numpy().tobytes()
            header[name] = {
                "dtype": DTYPES[tensor.dtype],
                "shape": list(tensor.shape),
                "data_offsets": [len(content), len(content) + len(data)],
            }
            content += data
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        self.path.write_bytes(len(text).to_bytes(8, "little") + text + content)
        print(self.path.name, self.path.stat().st_size, "bytes", len(self.metadata), "cases")


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

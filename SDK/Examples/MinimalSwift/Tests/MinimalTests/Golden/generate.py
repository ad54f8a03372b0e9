"""Writes layer_scale.safetensors with PyTorch. Run by hand: python3 generate.py (needs torch and safetensors)."""
import json
import pathlib

import torch
from safetensors.torch import save_file

torch.manual_seed(1)
tensors, cases = {}, {}
for case, shape in {"matrix": (4, 3), "sequence": (2, 5, 6)}.items():
    x = torch.randn(shape, requires_grad=True)
    gamma = torch.randn(shape[-1], requires_grad=True)
    y = x * gamma
    dy = torch.randn(shape)
    y.backward(dy)
    cases[case] = json.dumps({"attributes": {}, "phase": "training"})
    values = {"input.0": x, "parameter.gamma": gamma, "output.0": y, "output_gradient.0": dy,
              "input_gradient.0": x.grad, "parameter_gradient.gamma": gamma.grad}
    tensors.update({f"{case}/{name}": value.detach() for name, value in values.items()})
save_file(tensors, pathlib.Path(__file__).parent / "layer_scale.safetensors", metadata=cases)

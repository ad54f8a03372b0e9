"""Writes the golden files of the RNN family with PyTorch. Run by hand: python3 generate.py (needs torch, safetensors).

A file holds the cases of one component: attributes and phase as JSON in the metadata, tensors named
`<case>/input.0`, `<case>/parameter.weight_ih_l0`, `<case>/output.0`, `<case>/output_gradient.0`,
`<case>/input_gradient.0`, `<case>/parameter_gradient.weight_ih_l0`.
"""
import json
import pathlib
import zlib

import torch
from safetensors.torch import save

FOLDER = pathlib.Path(__file__).parent

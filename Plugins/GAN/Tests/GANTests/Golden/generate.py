#!/usr/bin/env python3
"""Writes golden files of the GAN family's layers with PyTorch, in double precision: layer_<name>.safetensors.

Run by hand: python3 generate.py (needs torch).
"""
import torch
from torch import nn

from golden_file import GoldenFile, random


def rounded(*shape):
    """Random numbers, of which the files hold the seed alone."""
    return random(*shape).double()


def minibatch_discrimination():
    """Written as in the paper: a table of all pairs."""
    golden = GoldenFile("layer", "minibatch_discrimination")
    for case, batch, features, kernels, dimensions in (
            ("pairs", 5, 4, 3, 2), ("odd", 17, 7, 5, 3), ("single", 1, 3, 2, 4), ("line", 9, 2, 4, 1)):
        x, weight = rounded(batch, features).requires_grad_(), rounded(features, kernels, dimensions).requires_grad_()
        m = torch.einsum("nf,fbc->nbc", x, weight)
        distances = (m[:, None] - m[None]).abs().sum(-1)
        y = torch.cat([x, (-distances).exp().sum(1)], 1)
        dy = rounded(*y.shape)
        y.backward(dy)
        golden.describe(case, attributes=dict(kernels=kernels, dimensions=dimensions), phase="training")
        for name, value in (("input.0", x), ("parameter.weight", weight), ("output.0", y), ("output_gradient.0", dy),
                            ("input_gradient.0", x.grad), ("parameter_gradient.weight", weight.grad)):
            golden.put(case, name, value)
    golden.save()


def spectral_norm():
    """What torch.nn.utils.spectral_norm makes of a layer, seen from the layer's output without normalisation."""
    golden = GoldenFile("layer", "spectral_norm")
    for case, attributes, make, shape, training in (
            ("dense", {}, lambda b: nn.Linear(5, 4, b), [3, 5], True),
            ("sequence", dict(iterations=3), lambda b: nn.Linear(3, 6, b), [2, 4, 3], True),
            ("image", dict(kernel=3), lambda b: nn.Conv2d(3, 5, 3, 2, 1, bias=b), [2, 3, 6, 5], True),
            ("no_bias", dict(kernel=[2, 4], bias=False), lambda b: nn.Conv2d(2, 7, (2, 4), bias=b), [3, 2, 4, 6], True),
            ("signal", dict(kernel=4), lambda b: nn.Conv1d(4, 3, 4, bias=b), [2, 4, 9], True),
            ("inference", dict(kernel=1), lambda b: nn.Conv2d(6, 4, 1, bias=b), [2, 6, 3, 3], False)):
        has_bias = attributes.get("bias", True)
        plain = make(has_bias).double()
        with torch.no_grad():
            for parameter in plain.parameters():
                parameter.copy_(rounded(*parameter.shape))
        x = rounded(*shape)
        weight = plain.weight.detach().clone().requires_grad_()
        bias = plain.bias.detach().clone().requires_grad_() if has_bias else None
        layer = nn.utils.spectral_norm(plain, n_power_iterations=attributes.get("iterations", 1)).train(training)
        for buffer in (layer.weight_u, layer.weight_v):
            buffer.copy_(buffer.float())
        before = {name: value.clone() for name, value in layer.named_buffers()}
        wanted = layer(x).detach()
        # z is what the layer gives without normalisation and bias.
        with torch.no_grad():
            z = torch.func.functional_call(make(False).double(), {"weight": weight}, (x,))
        z = z.float().double().requires_grad_()
        sigma = layer.weight_u @ weight.flatten(1) @ layer.weight_v
        y = z / sigma
        if has_bias:
            y = y + (bias if "kernel" not in attributes else bias.reshape(-1, *[1] * (len(shape) - 2)))
        assert torch.allclose(y, wanted, rtol=1e-5, atol=1e-5)
        dy = rounded(*y.shape)
        y.backward(dy)
        golden.describe(case, attributes=attributes, phase="training" if training else "inference")
        values = {"input.0": z, "input.1": x, "parameter.weight": weight, "output.0": y, "output_gradient.0": dy,
                  "input_gradient.0": z.grad, "input_gradient.1": torch.zeros_like(x),
                  "parameter_gradient.weight": weight.grad}
        if has_bias:
            values |= {"parameter.bias": bias, "parameter_gradient.bias": bias.grad}
        for name, value in before.items():
            values |= {f"buffer.{name}": value}
            if training:
                values |= {f"buffer_after.{name}": getattr(layer, name)}
        for name, value in values.items():
            golden.put(case, name, value)
    golden.save()


if __name__ == "__main__":
    torch.set_num_threads(1)
    minibatch_discrimination()
    spectral_norm()

#!/usr/bin/env python3
"""Writes what PyTorch's double backward makes of gradient penalties: penalties.safetensors beside this file.

    python3 Tests/GraphTests/Golden/generate.py

Each case is a chain of layers, a critic D, with random weights. In double precision P = 10 · mean_i (‖∇D(x_i)‖ − 1)² and its
gradient for all parameters are computed with `create_graph=True`. The file holds, as float32:

    <case>/input               [N, ...]
    <case>/input_gradient      [N, ...]: of the sum of the outputs
    <case>/penalty             []
    <case>/parameter.<i>       in the order of `parameters()`, which is that of Lamina
    <case>/gradient.<i>        ∂P/∂parameter

and in its metadata "cases": per name the layers, [[component, attributes], ...].
"""
import json, os
import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))


class HardSigmoid(nn.Module):
    """PyTorch's own has no second derivative."""

    def forward(self, x):
        return (x + 3).clamp(0, 6) / 6


def dense(inputs, units, bias=True):
    return nn.Linear(inputs, units, bias), ["core.dense", {"units": units, "bias": bias}]


def conv(axes, inputs, filters, kernel, transposed=False, **more):
    name = ("ConvTranspose" if transposed else "Conv") + f"{axes}d"
    ours = "cnn.conv_transpose" if transposed else "cnn.conv"
    return getattr(nn, name)(inputs, filters, kernel, **more), [
        f"{ours}{axes}d",
        {"filters": filters, "kernel": [kernel], **{key: [value] if key != "groups" else value for key, value in more.items()}},
    ]


def leaky(slope=0.2):
    return nn.LeakyReLU(slope), ["core.leaky_relu", {"slope": slope}]


def plain(module, name, **attributes):
    return module, ["core." + name, attributes]


def norm(module):
    """With weights and biases that are not all 1 and 0."""
    for parameter in module.parameters():
        parameter.data = 0.5 + torch.rand_like(parameter)
    return module


flatten = lambda: (nn.Flatten(), ["core.flatten", {}])

torch.manual_seed(1)
CASES = {
    "dense": ([3, 5], [dense(5, 7), leaky(), dense(7, 6, bias=False), leaky(), dense(6, 1)]),
    "one element": ([1, 1], [dense(1, 1), plain(nn.Tanh(), "tanh"), dense(1, 1)]),
    "conv": (
        [3, 2, 7, 5],
        [conv(2, 2, 4, 3, stride=2, padding=1), leaky(), conv(2, 4, 3, 3, padding=1), leaky(), flatten(), dense(36, 1)],
    ),
    "smooth": (
        [3, 4],
        [
            dense(4, 6), plain(nn.Tanh(), "tanh"), dense(6, 5), plain(nn.SiLU(), "silu"), dense(5, 5),
            plain(nn.Softplus(2, 3), "softplus", beta=2, threshold=3), dense(5, 1),
        ],
    ),
    "smoother": (
        [4, 4],
        [
            dense(4, 6), plain(nn.GELU(), "gelu"), dense(6, 5), plain(nn.GELU("tanh"), "gelu", approximate="tanh"),
            dense(5, 5), plain(nn.ELU(0.7), "elu", alpha=0.7), dense(5, 4), plain(nn.SELU(), "selu"), dense(4, 4),
            plain(nn.Sigmoid(), "sigmoid"), dense(4, 1),
        ],
    ),
    "sharp": (
        [5, 3],
        [
            dense(3, 9), plain(nn.ReLU(), "relu"), dense(9, 9), plain(nn.ReLU6(), "relu6"), dense(9, 9),
            plain(nn.Hardswish(), "hard_swish"), dense(9, 9), plain(nn.Hardtanh(-2, 2), "hard_tanh", minimum=-2, maximum=2),
            dense(9, 9), plain(HardSigmoid(), "hard_sigmoid"), dense(9, 1),
        ],
    ),
    "softmax": (
        [3, 4],
        [dense(4, 5), plain(nn.Softmax(-1), "softmax"), dense(5, 4), plain(nn.LogSoftmax(-1), "log_softmax"), dense(4, 1)],
    ),
    "norms": (
        [3, 4],
        [
            dense(4, 6), plain(norm(nn.LayerNorm(6)), "layer_norm", dimensions=1), plain(nn.Tanh(), "tanh"), dense(6, 6),
            plain(norm(nn.GroupNorm(2, 6)), "group_norm", groups=2), leaky(), dense(6, 4),
            plain(norm(nn.LayerNorm(4, bias=False)), "layer_norm", bias=False), dense(4, 1),
        ],
    ),
    "image norms": (
        [3, 1, 5, 4],
        [
            conv(2, 1, 4, 3, padding=1), plain(norm(nn.GroupNorm(2, 4)), "group_norm", groups=2), leaky(),
            conv(2, 4, 2, 3), plain(norm(nn.InstanceNorm2d(2, affine=True)), "instance_norm2d", affine=True),
            plain(nn.SiLU(), "silu"), conv(2, 2, 2, 1), plain(nn.InstanceNorm2d(2), "instance_norm2d"),
            plain(nn.Tanh(), "tanh"), flatten(), dense(12, 5),
            plain(nn.LayerNorm(5, elementwise_affine=False), "layer_norm", affine=False), dense(5, 1),
        ],
    ),
    "axes": (
        [2, 2, 5],
        [
            conv(1, 2, 4, 3, padding=1, groups=2), plain(nn.Tanh(), "tanh"),
            conv(1, 4, 2, 3, transposed=True, stride=2), plain(nn.Softplus(), "softplus"), flatten(), dense(22, 1),
        ],
    ),
    "volume": (
        [2, 1, 3, 3, 2],
        [
            conv(3, 1, 2, 2), plain(nn.SiLU(), "silu"), (nn.AvgPool3d((2, 2, 1)), ["cnn.avg_pool3d", {"size": [2, 2, 1]}]),
            plain(nn.Sigmoid(), "sigmoid"), (nn.AdaptiveAvgPool3d(1), ["cnn.global_avg_pool3d", {}]), flatten(), dense(2, 1),
        ],
    ),
}


def main():
    tensors, cases = {}, {}
    for name, (shape, layers) in CASES.items():
        critic = nn.Sequential(*[module for module, _ in layers])
        for parameter in critic.parameters():
            # Larger than usual, so that no derivative vanishes; what is stored is what is computed with.
            parameter.data = (parameter.data * 1.7).float().double()
        x = torch.randn(shape).double().requires_grad_(True)
        (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
        penalty = 10 * ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()
        parameters = list(critic.parameters())
        wanted = torch.autograd.grad(penalty, parameters, allow_unused=True)
        values = {"input": x, "input_gradient": gradient, "penalty": penalty}
        for index, (parameter, grad) in enumerate(zip(parameters, wanted)):
            values[f"parameter.{index}"] = parameter
            values[f"gradient.{index}"] = torch.zeros_like(parameter) if grad is None else grad
        for key, value in values.items():
            tensors[f"{name}/{key}"] = np.ascontiguousarray(value.detach().numpy().astype(np.float32))
        cases[name] = [layer for _, layer in layers]
        print(name, [p.shape for p in parameters], penalty.item())
    path = os.path.join(HERE, "penalties.safetensors")
    save_file(tensors, path, {"cases": json.dumps(cases, sort_keys=True)})
    print(os.path.getsize(path), "bytes")


main()

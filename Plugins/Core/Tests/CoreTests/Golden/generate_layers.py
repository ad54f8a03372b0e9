"""Golden values of the layers from PyTorch, computed in double precision: python3 generate_layers.py"""

import torch
import torch.nn.functional as F
from torch import nn

from golden_file import GoldenFile, random


def indices(count, *shape, dtype=torch.int64):
    return torch.randint(0, count, shape, dtype=dtype)


def randomized(module):
    """The module with random parameters and buffers: initial ones (1, 0) would hide mistakes."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(random(parameter.shape, low=-0.9, high=0.9))
        for name, buffer in module.named_buffers():
            if buffer.dtype == torch.int64:
                buffer.fill_(7)
            else:
                buffer.copy_(random(buffer.shape, low=0.5, high=1.5))
    return module


class Layer:
    """The golden file of one layer."""

    def __init__(self, name):
        self.file = GoldenFile(f"layer_{name}")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if not any(error):
            self.file.save()

    def case(self, name, attributes, function, *inputs, phase="training", **more):
        """`function`: a module or a function of the inputs, with one output or a tuple. None: input not connected."""
        wide = [x.double() if x is not None and x.is_floating_point() else x for x in inputs]
        tensors = {f"input.{i}": x for i, x in enumerate(inputs) if x is not None}
        is_module = isinstance(function, nn.Module)
        if is_module:
            function = function.double().train(phase == "training")
            tensors.update({f"parameter.{key}": value for key, value in function.named_parameters()})
            tensors.update({f"buffer.{key}": value.clone() for key, value in function.named_buffers()})
        if phase == "training":
            wide = [x.requires_grad_(True) if x is not None and x.is_floating_point() else x for x in wide]
        outputs = function(*wide)
        outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
        tensors.update({f"output.{i}": y for i, y in enumerate(outputs)})
        if phase == "training":
            if is_module:
                tensors.update({f"buffer_after.{key}": value for key, value in function.named_buffers()})
            gradients = [random(y.shape) for y in outputs]
            torch.autograd.backward(outputs, [gradient.double() for gradient in gradients])
            tensors.update({f"output_gradient.{i}": gradient for i, gradient in enumerate(gradients)})
            for i, x in enumerate(wide):
                if x is not None and x.requires_grad:
                    tensors[f"input_gradient.{i}"] = x.grad
            if is_module:
                tensors.update({f"parameter_gradient.{key}": value.grad for key, value in function.named_parameters()})
        self.file.case(name, attributes, tensors, phase=phase, **more)


def activations():
    # From deep saturation to around the bends; the exact bends themselves, where PyTorch takes a side.
    wide = torch.cat([torch.linspace(-30, 30, 31), torch.linspace(-3.5, 3.5, 36)])
    edges = torch.tensor([-6.0, -3, -1, -0.5, 0, 0.5, 1, 3, 6, 20, 21, 88, 100, -88, -100])

    def activation(name, function, **variants):
        with Layer(name) as layer:
            layer.case("wide", {}, function, wide)
            layer.case("edges", {}, function, edges)
            layer.case("image", {}, function, random(2, 3, 2, 5))
            layer.case("scalar", {}, function, torch.tensor(0.75))
            for variant, (attributes, other) in variants.items():
                layer.case(variant, attributes, other, wide)

    activation("relu", F.relu)
    activation("relu6", F.relu6)
    activation("leaky_relu", F.leaky_relu, steep=({"slope": 0.3}, lambda x: F.leaky_relu(x, 0.3)))
    activation("elu", F.elu, alpha=({"alpha": 0.4}, lambda x: F.elu(x, 0.4)))
    activation("selu", F.selu)
    activation("gelu", F.gelu, tanh=({"approximate": "tanh"}, lambda x: F.gelu(x, approximate="tanh")))
    activation("silu", F.silu)
    activation("sigmoid", torch.sigmoid)
    activation("tanh", torch.tanh)
    activation(
        "softplus", F.softplus, sharp=({"beta": 2.5, "threshold": 8.1}, lambda x: F.softplus(x, 2.5, 8.1)),
        falling=({"beta": -1.5}, lambda x: F.softplus(x, -1.5)))
    activation("hard_sigmoid", F.hardsigmoid)
    activation("hard_swish", F.hardswish)
    activation("hard_tanh", F.hardtanh, narrow=({"minimum": -0.25, "maximum": 2}, lambda x: F.hardtanh(x, -0.25, 2)))

    with Layer("prelu") as layer:
        layer.case("shared", {}, randomized(nn.PReLU()), random(6, 7))
        layer.case("shared_vector", {}, randomized(nn.PReLU()), random(33))
        layer.case("image", {"num_parameters": 3}, randomized(nn.PReLU(3)), random(2, 3, 4, 5))
        layer.case("features", {"num_parameters": 19}, randomized(nn.PReLU(19)), random(6, 19))
        layer.case("edges", {}, randomized(nn.PReLU()), edges)

    for name, function in [("softmax", F.softmax), ("log_softmax", F.log_softmax)]:
        with Layer(name) as layer:
            layer.case("rows", {}, lambda x: function(x, -1), random(5, 10, low=-8, high=8))
            layer.case("vector", {}, lambda x: function(x, -1), random(17))
            layer.case("columns", {"axis": 0}, lambda x: function(x, 0), random(6, 21))
            layer.case("channels", {"axis": 1}, lambda x: function(x, 1), random(2, 5, 3, 4))
            layer.case("width", {"axis": 3}, lambda x: function(x, 3), random(2, 5, 3, 4))
            layer.case("batch", {"axis": -4}, lambda x: function(x, 0), random(2, 5, 3, 4))
            layer.case("one", {"axis": 1}, lambda x: function(x, 1), random(3, 1))
            layer.case("long", {}, lambda x: function(x, -1), random(2, 300))
            layer.case("large", {}, lambda x: function(x, -1), random(3, 9, low=600, high=1400))


def linear():
    with Layer("dense") as layer:
        layer.case("matrix", {"units": 3}, randomized(nn.Linear(5, 3)), random(4, 5))
        layer.case("no_bias", {"units": 3, "bias": False}, randomized(nn.Linear(5, 3, bias=False)), random(4, 5))
        layer.case("vector", {"units": 2}, randomized(nn.Linear(7, 2)), random(7))
        layer.case("sequence", {"units": 4}, randomized(nn.Linear(6, 4)), random(2, 3, 6))
        layer.case("grid", {"units": 3}, randomized(nn.Linear(2, 3)), random(2, 3, 2, 2))
        layer.case("wide", {"units": 33}, randomized(nn.Linear(17, 33)), random(9, 17))
        layer.case("inference", {"units": 3}, randomized(nn.Linear(5, 3)), random(4, 5), phase="inference")

    with Layer("matmul") as layer:
        layer.case("matrices", {}, torch.matmul, random(3, 4), random(4, 5))
        layer.case("transpose_a", {"transpose_a": True}, lambda a, b: a.mT @ b, random(4, 3), random(4, 5))
        layer.case("transpose_b", {"transpose_b": True}, lambda a, b: a @ b.mT, random(3, 4), random(5, 4))
        layer.case(
            "transpose_both", {"transpose_a": True, "transpose_b": True}, lambda a, b: a.mT @ b.mT, random(2, 4, 3),
            random(2, 5, 4))
        layer.case("batch", {}, torch.matmul, random(2, 3, 4), random(2, 4, 5))
        layer.case("heads", {"transpose_b": True}, lambda a, b: a @ b.mT, random(2, 3, 4, 5), random(2, 3, 6, 5))
        layer.case("shared_right", {}, torch.matmul, random(2, 3, 4, 5), random(5, 2))
        layer.case("shared_left", {}, torch.matmul, random(4, 5), random(2, 3, 5, 2))
        layer.case(
            "shared_left_transposed", {"transpose_a": True}, lambda a, b: a.mT @ b, random(5, 4), random(2, 5, 2))
        layer.case("broadcast", {}, torch.matmul, random(3, 1, 2, 4), random(1, 5, 4, 3))
        layer.case("broadcast_inner", {}, torch.matmul, random(3, 5, 2, 4), random(3, 1, 4, 3))
        layer.case("dot", {}, torch.matmul, random(6), random(6))
        layer.case("matrix_vector", {}, torch.matmul, random(2, 3, 4), random(4))
        layer.case("vector_matrix", {}, torch.matmul, random(4), random(2, 4, 3))

    with Layer("embedding") as layer:
        layer.case("words", {"count": 7, "dimension": 5}, randomized(nn.Embedding(7, 5)), indices(7, 3, 4))
        layer.case(
            "int32", {"count": 7, "dimension": 5}, randomized(nn.Embedding(7, 5)), indices(7, 9, dtype=torch.int32))
        layer.case(
            "padding", {"count": 5, "dimension": 3, "padding_index": 2}, randomized(nn.Embedding(5, 3, padding_idx=2)),
            torch.tensor([[2, 1], [0, 2], [4, 4]]))
        layer.case(
            "padding_from_end", {"count": 5, "dimension": 3, "padding_index": -1},
            randomized(nn.Embedding(5, 3, padding_idx=-1)), torch.tensor([4, 1, 4]))
        layer.case("scalar", {"count": 4, "dimension": 19}, randomized(nn.Embedding(4, 19)), torch.tensor(3))


# With a mean of a thousand deviations, floats keep four digits; differences of large sums would keep none.
FAR = {"output": 2e-4, "gradient": 4e-4}


def normalization():
    def batch_norm(dimensions, module, shapes):
        channels = shapes[0][1]
        with Layer(f"batch_norm{dimensions}d") as layer:
            for index, shape in enumerate(shapes):
                layer.case(f"shape_{index}", {}, randomized(module(channels)), random(*shape, low=-3, high=5))
            layer.case(
                "settings", {"momentum": 0.3, "epsilon": 0.01}, randomized(module(channels, momentum=0.3, eps=0.01)),
                random(*shapes[0]))
            layer.case("plain", {"affine": False}, randomized(module(channels, affine=False)), random(*shapes[0]))
            layer.case(
                "untracked", {"track_running_stats": False}, randomized(module(channels, track_running_stats=False)),
                random(*shapes[0]))
            layer.case("inference", {}, randomized(module(channels)), random(*shapes[0]), phase="inference")
            layer.case(
                "inference_plain", {"affine": False}, randomized(module(channels, affine=False)), random(*shapes[0]),
                phase="inference")
            layer.case(
                "inference_untracked", {"track_running_stats": False},
                randomized(module(channels, track_running_stats=False)), random(*shapes[0]), phase="inference")
            layer.case("far_mean", {}, randomized(module(channels)), random(*shapes[0], low=998, high=1002),
                       tolerance=FAR)

    batch_norm(1, nn.BatchNorm1d, [(6, 3), (4, 3, 7), (5, 3, 1)])
    batch_norm(2, nn.BatchNorm2d, [(3, 5, 4, 3), (1, 5, 3, 3), (4, 5, 1, 1)])
    batch_norm(3, nn.BatchNorm3d, [(2, 3, 2, 3, 4)])

    with Layer("layer_norm") as layer:
        layer.case("last", {}, randomized(nn.LayerNorm(7)), random(3, 4, 7, low=-3, high=5))
        layer.case("three", {"dimensions": 3}, randomized(nn.LayerNorm((3, 2, 5))), random(2, 3, 2, 5))
        layer.case("all", {"dimensions": 2}, randomized(nn.LayerNorm((4, 6))), random(4, 6))
        layer.case(
            "plain", {"affine": False, "epsilon": 0.1}, nn.LayerNorm(9, elementwise_affine=False, eps=0.1),
            random(5, 9))
        layer.case("no_bias", {"bias": False}, randomized(nn.LayerNorm(33, bias=False)), random(5, 33))
        layer.case("far_mean", {}, randomized(nn.LayerNorm(20)), random(3, 20, low=998, high=1002), tolerance=FAR)

    with Layer("group_norm") as layer:
        layer.case("image", {"groups": 3}, randomized(nn.GroupNorm(3, 6)), random(2, 6, 3, 4, low=-3, high=5))
        layer.case("one_group", {"groups": 1}, randomized(nn.GroupNorm(1, 4)), random(3, 4, 5))
        layer.case("single_channels", {"groups": 4}, randomized(nn.GroupNorm(4, 4)), random(3, 4, 5))
        layer.case("features", {"groups": 2}, randomized(nn.GroupNorm(2, 8)), random(3, 8))
        layer.case(
            "volume", {"groups": 2, "epsilon": 0.02}, randomized(nn.GroupNorm(2, 4, eps=0.02)), random(2, 4, 2, 3, 2))
        layer.case("plain", {"groups": 2, "affine": False}, nn.GroupNorm(2, 6, affine=False), random(2, 6, 3, 3))

    def instance_norm(dimensions, module, shape):
        channels = shape[1]
        with Layer(f"instance_norm{dimensions}d") as layer:
            layer.case("plain", {}, module(channels), random(*shape, low=-3, high=5))
            layer.case(
                "affine", {"affine": True, "epsilon": 0.02}, randomized(module(channels, affine=True, eps=0.02)),
                random(*shape))
            layer.case(
                "tracked", {"track_running_stats": True, "momentum": 0.3},
                randomized(module(channels, track_running_stats=True, momentum=0.3)), random(*shape))
            layer.case("inference", {}, module(channels), random(*shape), phase="inference")
            layer.case(
                "inference_tracked", {"track_running_stats": True, "affine": True},
                randomized(module(channels, track_running_stats=True, affine=True)), random(*shape), phase="inference")

    instance_norm(1, nn.InstanceNorm1d, (3, 4, 7))
    instance_norm(2, nn.InstanceNorm2d, (2, 3, 4, 5))
    instance_norm(3, nn.InstanceNorm3d, (2, 3, 2, 3, 4))


def shapes():
    with Layer("identity") as layer:
        layer.case("image", {}, lambda x: x.clone(), random(2, 3, 4, 5))
    with Layer("flatten") as layer:
        layer.case("image", {}, lambda x: x.flatten(1), random(2, 3, 4, 5))
        layer.case("middle", {"start_axis": 1, "end_axis": 2}, lambda x: x.flatten(1, 2), random(2, 3, 4, 5))
        layer.case("all", {"start_axis": 0}, lambda x: x.flatten(), random(2, 3, 4))
        layer.case("matrix", {}, lambda x: x.flatten(1), random(2, 3))
        layer.case("scalar", {"start_axis": 0}, lambda x: x.flatten(), torch.tensor(2.5))
    with Layer("reshape") as layer:
        layer.case("image", {"shape": [3, 4, 5]}, lambda x: x.reshape(2, 3, 4, 5), random(2, 60))
        layer.case("hole", {"shape": [5, -1]}, lambda x: x.reshape(2, 5, 12), random(2, 3, 4, 5))
        layer.case("vector", {"shape": []}, lambda x: x.reshape(4), random(4, 1))
    with Layer("permute") as layer:
        layer.case("transpose", {"axes": [1, 0]}, lambda x: x.permute(1, 0), random(19, 33))
        layer.case("channels_last", {"axes": [0, 2, 3, 1]}, lambda x: x.permute(0, 2, 3, 1), random(2, 3, 4, 5))
        layer.case("channels_first", {"axes": [0, 3, 1, 2]}, lambda x: x.permute(0, 3, 1, 2), random(2, 3, 4, 5))
        layer.case("heads", {"axes": [0, 2, 1, 3]}, lambda x: x.permute(0, 2, 1, 3), random(2, 3, 4, 5))
        layer.case("reverse", {"axes": [-1, 2, 1, 0]}, lambda x: x.permute(3, 2, 1, 0), random(2, 3, 4, 5))
        layer.case("identity", {"axes": [0, 1, 2]}, lambda x: x.permute(0, 1, 2), random(2, 3, 4))
    with Layer("concat") as layer:
        layer.case("features", {}, lambda *x: torch.cat(x, 1), random(4, 3), random(4, 5))
        layer.case(
            "channels", {}, lambda *x: torch.cat(x, 1), random(2, 3, 4, 5), random(2, 1, 4, 5), random(2, 2, 4, 5))
        layer.case("last", {"axis": -1}, lambda *x: torch.cat(x, -1), random(2, 3, 4, 5), random(2, 3, 4, 2))
        layer.case("batch", {"axis": 0}, lambda *x: torch.cat(x, 0), random(2, 3), random(1, 3))
        layer.case("single", {"axis": 1}, lambda *x: torch.cat(x, 1), random(2, 3))
    with Layer("split") as layer:
        layer.case("parts", {"parts": 3}, lambda x: x.split(2, 1), random(4, 6))
        layer.case("sizes", {"sizes": [1, 4, 1]}, lambda x: x.split([1, 4, 1], 1), random(2, 6, 3, 4))
        layer.case("last", {"axis": -1, "sizes": [3, 2]}, lambda x: x.split([3, 2], -1), random(2, 3, 4, 5))
    with Layer("slice") as layer:
        layer.case("features", {"start": 1, "end": 4}, lambda x: x[:, 1:4], random(3, 6))
        layer.case("step", {"start": 1, "step": 2}, lambda x: x[:, 1::2], random(2, 6, 3, 4))
        layer.case("from_end", {"axis": -1, "start": -3, "end": -1}, lambda x: x[..., -3:-1], random(2, 3, 4, 5))
        layer.case("beyond", {"axis": 2, "start": -99, "end": 99}, lambda x: x[:, :, -99:99], random(2, 3, 4))
        layer.case("batch", {"axis": 0, "end": 2}, lambda x: x[:2], random(5, 3))
        layer.case("last", {"axis": 1, "start": -1}, lambda x: x[:, -1:], random(2, 7, 3))
    with Layer("pad") as layer:
        layer.case("image", {"before": [1, 2], "after": [0, 3]}, lambda x: F.pad(x, (2, 3, 1, 0)), random(2, 3, 4, 5))
        layer.case(
            "value", {"axes": [1], "before": 1, "after": 2, "value": -0.5},
            lambda x: F.pad(x, (0, 0, 1, 2), value=-0.5), random(2, 3, 4))
        layer.case("reflect", {"before": [1, 2], "after": [3, 4], "mode": "reflect"},
                   lambda x: F.pad(x, (2, 4, 1, 3), mode="reflect"), random(2, 3, 4, 5))
        layer.case("replicate", {"before": [1, 2], "after": [3, 6], "mode": "replicate"},
                   lambda x: F.pad(x, (2, 6, 1, 3), mode="replicate"), random(2, 3, 4, 5))
        layer.case("reflect_sequence", {"before": 3, "after": 2, "mode": "reflect"},
                   lambda x: F.pad(x, (3, 2), mode="reflect"), random(2, 3, 20))


def arithmetic():
    pairs = {
        "equal": ((2, 3, 4, 5), (2, 3, 4, 5)),
        "odd": ((37,), (37,)),
        "features": ((6, 19), (19,)),
        "channels": ((2, 3, 4, 5), (3, 1, 1)),
        "channels_4d": ((2, 3, 4, 5), (1, 3, 1, 1)),
        "samples": ((4, 3, 2), (4, 1, 1)),
        "scalar": ((3, 5), ()),
        "both": ((4, 1, 3), (1, 5, 1)),
        "left": ((5,), (2, 3, 5)),
        "width": ((2, 3, 4, 5), (5,)),
        "position": ((3, 4, 5), (1, 4, 5)),
    }

    def binary(name, function):
        with Layer(name) as layer:
            for case, (left, right) in pairs.items():
                divisor = random(*right)
                if name == "divide":
                    divisor = divisor.sign() * (divisor.abs() + 0.5)
                layer.case(case, {}, function, random(*left), divisor)
            if name == "add":
                layer.case("three", {}, lambda a, b, c: a + b + c, random(2, 3), random(2, 3), random(2, 3))
                layer.case("three_shapes", {}, lambda a, b, c: a + b + c, random(3), random(2, 1), random(4, 1, 1))

    binary("add", lambda a, b: a + b)
    binary("subtract", lambda a, b: a - b)
    binary("multiply", lambda a, b: a * b)
    binary("divide", lambda a, b: a / b)


def reductions():
    cases = {
        "all": (None, (3, 4, 5)),
        "last": ([-1], (3, 4, 5)),
        "first": ([0], (6, 19)),
        "middle": ([1], (3, 4, 5)),
        "spatial": ([2, 3], (2, 3, 4, 5)),
        "channels": ([0, 2, 3], (2, 3, 4, 5)),
        "outer": ([0, 2], (2, 3, 4, 5)),
        "none": ([], (3, 4)),
        "vector": (None, (37,)),
        "scalar": (None, ()),
        "whole": ([0, 1, 2, 3], (2, 3, 4, 5)),
    }
    functions = {"reduce_sum": torch.sum, "reduce_mean": torch.mean, "reduce_max": torch.amax, "reduce_min": torch.amin}
    for name, function in functions.items():
        with Layer(name) as layer:
            for case, (axes, shape) in cases.items():
                for keep in (False, True) if case in ("all", "last", "outer", "scalar") else (False,):
                    # In PyTorch no axes are all axes; here they are none.
                    dim = tuple(range(len(shape))) if axes is None else tuple(axes)
                    run = (lambda x: function(x, dim=dim, keepdim=keep)) if dim else (lambda x: x.clone())
                    attributes = {"keep_dimensions": keep} | ({} if axes is None else {"axes": axes})
                    layer.case(f"{case}_{'kept' if keep else 'dropped'}", attributes, run, random(*shape))
            ties = torch.tensor([[1.0, 2, 2, 1], [3, 3, 3, 3], [0, -1, 0, -1]])
            layer.case("ties", {"axes": [1]}, lambda x: function(x, dim=1), ties)


if __name__ == "__main__":
    activations()
    linear()
    normalization()
    shapes()
    arithmetic()
    reductions()

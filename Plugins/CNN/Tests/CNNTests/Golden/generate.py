"""Writes the golden files of the CNN family with PyTorch. Run by hand: python3 generate.py (needs torch, safetensors).

A file holds the cases of one component: attributes and phase as JSON in the metadata, tensors named
`<case>/input.0`, `<case>/parameter.weight`, `<case>/output.0`, `<case>/output_gradient.0`, `<case>/input_gradient.0`,
`<case>/parameter_gradient.weight`.
"""
import json
import pathlib
import zlib

import torch
import torch.nn.functional as F
from safetensors.torch import save

FOLDER = pathlib.Path(__file__).parent
CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
ADAPTIVE_MAX = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}
ADAPTIVE_AVERAGE = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


class Golden:
    """The cases of one component."""

    def __init__(self, component):
        self.component, self.tensors, self.cases = component, {}, {}
        torch.manual_seed(zlib.crc32(component.encode()))  # a new case changes no other component's file

    def add(self, case, attributes, x, parameters, compute):
        """Runs compute(x, **parameters) forward and backward with a random output gradient."""
        x = x.clone().requires_grad_()
        parameters = {name: value.clone().requires_grad_() for name, value in parameters.items()}
        y = compute(x, **parameters)
        dy = torch.randn(y.shape)
        y.backward(dy)
        self.cases[case] = json.dumps({"attributes": attributes, "phase": "training"})
        self.put(case, "input.0", x)
        self.put(case, "output.0", y)
        self.put(case, "output_gradient.0", dy)
        self.put(case, "input_gradient.0", x.grad)
        for name, value in parameters.items():
            self.put(case, "parameter." + name, value)
            self.put(case, "parameter_gradient." + name, value.grad)

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
        path = FOLDER / f"layer_{self.component}.safetensors"
        path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size:])


def pad_pairs(x, pairs, value=0.0):
    """Pads with (before, after) per axis, first axis first; F.pad wants the last axis first."""
    flat = [v for pair in reversed(pairs) for v in pair]
    return F.pad(x, flat, value=value)


def convolution(axes, cases):
    golden = Golden(f"conv{axes}d")
    for case, shape, attributes in cases:
        groups = attributes.get("groups", 1)
        kernel = attributes["kernel"]
        kernel = [kernel] * axes if isinstance(kernel, int) else kernel
        padding = attributes.get("padding", 0)
        stride, dilation = attributes.get("stride", 1), attributes.get("dilation", 1)
        parameters = {"weight": torch.randn(attributes["filters"], shape[1] // groups, *kernel) / 2}
        if attributes.get("bias", True):
            parameters["bias"] = torch.randn(attributes["filters"])

        def compute(x, weight, bias=None):
            if isinstance(padding, list) and len(padding) == 2 * axes:
                x = pad_pairs(x, list(zip(padding[0::2], padding[1::2])))
                return CONVOLVE[axes](x, weight, bias, stride, 0, dilation, groups)
            return CONVOLVE[axes](x, weight, bias, stride, padding, dilation, groups)

        golden.add(case, attributes, torch.randn(shape), parameters, compute)
    golden.save()


def transposed(axes, cases):
    golden = Golden(f"conv_transpose{axes}d")
    for case, shape, attributes in cases:
        groups = attributes.get("groups", 1)
        kernel = attributes["kernel"]
        kernel = [kernel] * axes if isinstance(kernel, int) else kernel
        padding = attributes.get("padding", 0)
        stride, dilation = attributes.get("stride", 1), attributes.get("dilation", 1)
        extra = attributes.get("output_padding", 0)
        parameters = {"weight": torch.randn(shape[1], attributes["filters"] // groups, *kernel) / 2}
        if attributes.get("bias", True):
            parameters["bias"] = torch.randn(attributes["filters"])

        def compute(x, weight, bias=None):
            if isinstance(padding, list) and len(padding) == 2 * axes:
                y = TRANSPOSE[axes](x, weight, bias, stride, 0, extra, groups, dilation)
                for axis in range(axes):
                    y = y.narrow(2 + axis, padding[2 * axis], y.shape[2 + axis] - padding[2 * axis] - padding[2 * axis + 1])
                return y
            return TRANSPOSE[axes](x, weight, bias, stride, padding, extra, groups, dilation)

        golden.add(case, attributes, torch.randn(shape), parameters, compute)
    golden.save()


def sliding(name, axes, cases):
    golden = Golden(f"{name}_pool{axes}d")
    for case, shape, attributes in cases:
        size, stride = attributes["size"], attributes.get("stride")
        padding, ceil_mode = attributes.get("padding", 0), attributes.get("ceil_mode", False)

        def compute(x):
            pad = padding
            if isinstance(padding, list) and len(padding) == 2 * axes:
                x = pad_pairs(x, list(zip(padding[0::2], padding[1::2])), float("-inf") if name == "max" else 0.0)
                pad = 0
            if name == "max":
                return MAX[axes](x, size, stride, pad, attributes.get("dilation", 1), ceil_mode)
            return AVERAGE[axes](x, size, stride, pad, ceil_mode, attributes.get("count_include_pad", True))

        golden.add(case, attributes, torch.randn(shape), {}, compute)
    if name == "max" and axes == 2:  # equal values: the first wins
        x = torch.randint(0, 3, (2, 3, 6, 6)).float()
        golden.add("ties", {"size": 3, "stride": 2, "padding": 1}, x, {}, lambda x: F.max_pool2d(x, 3, 2, 1))
        nan, low, high = float("nan"), float("-inf"), float("inf")
        x = torch.tensor([[nan, 1, low, low], [5, 2, low, low], [high, 3, 1, nan], [high, 3, nan, 9]]).reshape(1, 1, 4, 4)
        golden.add("special_values", {"size": 2}, x, {}, lambda x: F.max_pool2d(x, 2))
    golden.save()


def adaptive(axes, shape, sizes):
    for name, function in (("max", ADAPTIVE_MAX[axes]), ("avg", ADAPTIVE_AVERAGE[axes])):
        golden = Golden(f"adaptive_{name}_pool{axes}d")
        for size in sizes:
            case = "to_" + "_".join(map(str, size if isinstance(size, list) else [size]))
            golden.add(case, {"output_size": size}, torch.randn(shape), {}, lambda x: function(x, size))
        golden.save()
        golden = Golden(f"global_{name}_pool{axes}d")
        golden.add("all", {}, torch.randn(shape), {}, lambda x: function(x, 1))
        golden.save()


def resampling():
    golden = Golden("upsample2d")
    for case, shape, attributes in (
            ("nearest", [2, 3, 3, 4], {}), ("nearest_per_axis", [1, 2, 2, 3], {"factor": [3, 1]}),
            ("bilinear", [2, 3, 3, 4], {"mode": "bilinear"}), ("bilinear_odd", [1, 17, 2, 3], {"factor": 3, "mode": "bilinear"}),
            ("bilinear_per_axis", [1, 2, 4, 1], {"factor": [1, 4], "mode": "bilinear"})):
        factor, mode = attributes.get("factor", 2), attributes.get("mode", "nearest")
        golden.add(case, attributes, torch.randn(shape), {}, torch.nn.Upsample(
            scale_factor=tuple(factor) if isinstance(factor, list) else factor, mode=mode))
    golden.save()
    golden = Golden("pixel_shuffle")
    for case, shape, factor in (("double", [2, 8, 3, 2], 2), ("triple", [1, 27, 2, 3], 3), ("same", [2, 3, 2, 2], 1)):
        golden.add(case, {"factor": factor}, torch.randn(shape), {}, torch.nn.PixelShuffle(factor))
    golden.save()


convolution(1, [
    ("plain", [2, 3, 11], {"filters": 4, "kernel": 3}),
    ("stride", [2, 3, 12], {"filters": 5, "kernel": 4, "stride": 3, "padding": 2}),
    ("same_even", [1, 2, 9], {"filters": 3, "kernel": 4, "padding": "same"}),
    ("before_after", [2, 2, 7], {"filters": 2, "kernel": 3, "padding": [3, 1], "bias": False}),
    ("dilation_groups", [2, 4, 13], {"filters": 6, "kernel": 3, "dilation": 2, "groups": 2}),
])
convolution(2, [
    ("plain", [2, 3, 7, 9], {"filters": 4, "kernel": 3}),
    ("one_by_one", [2, 5, 4, 4], {"filters": 3, "kernel": 1, "bias": False}),
    ("one_by_one_stride", [1, 16, 7, 5], {"filters": 16, "kernel": 1, "stride": 2}),
    ("valid", [1, 2, 6, 6], {"filters": 3, "kernel": [3, 2], "padding": "valid"}),
    ("same_odd", [2, 3, 6, 5], {"filters": 4, "kernel": 5, "padding": "same"}),
    ("same_even", [2, 2, 6, 5], {"filters": 3, "kernel": [2, 4], "padding": "same"}),
    ("same_even_dilated", [1, 2, 9, 8], {"filters": 3, "kernel": [4, 2], "dilation": [2, 3], "padding": "same"}),
    ("per_axis", [2, 3, 9, 11], {"filters": 4, "kernel": [3, 5], "stride": [2, 3], "padding": [1, 2]}),
    ("asymmetric", [2, 3, 6, 7], {"filters": 4, "kernel": 3, "padding": [0, 2, 3, 1]}),
    ("wide_padding", [2, 2, 3, 3], {"filters": 3, "kernel": 2, "padding": 4}),
    ("stride_skips_end", [2, 3, 8, 10], {"filters": 4, "kernel": 3, "stride": 3, "padding": 1}),
    ("stride_over_kernel", [2, 3, 10, 9], {"filters": 4, "kernel": 2, "stride": 4}),
    ("kernel_is_input", [3, 2, 5, 4], {"filters": 7, "kernel": [5, 4]}),
    ("dilation", [2, 3, 12, 11], {"filters": 4, "kernel": 3, "dilation": [2, 3], "padding": 2}),
    ("groups", [2, 6, 7, 7], {"filters": 9, "kernel": 3, "groups": 3, "padding": 1}),
    ("depthwise", [2, 5, 8, 8], {"filters": 5, "kernel": 3, "groups": 5, "padding": 1, "stride": 2}),
    ("depthwise_wide", [1, 16, 5, 4], {"filters": 32, "kernel": 3, "groups": 16, "padding": "same", "bias": False}),
    ("vector_channels", [1, 16, 5, 5], {"filters": 16, "kernel": 3, "padding": 1}),
    ("odd_channels", [3, 9, 4, 4], {"filters": 11, "kernel": 3, "padding": 1}),
])
convolution(3, [
    ("plain", [1, 2, 4, 5, 6], {"filters": 3, "kernel": 2}),
    ("stride_padding", [2, 2, 5, 6, 5], {"filters": 3, "kernel": 3, "stride": [1, 2, 2], "padding": 1}),
    ("asymmetric", [1, 2, 3, 4, 4], {"filters": 2, "kernel": 2, "padding": [1, 0, 0, 2, 1, 1]}),
    ("same_dilated", [1, 3, 4, 5, 5], {"filters": 2, "kernel": [1, 2, 3], "dilation": [1, 2, 1], "padding": "same"}),
    ("depthwise", [1, 4, 4, 4, 4], {"filters": 4, "kernel": 3, "groups": 4, "padding": 1, "bias": False}),
])
transposed(1, [
    ("plain", [2, 3, 7], {"filters": 4, "kernel": 3}),
    ("stride", [2, 4, 6], {"filters": 3, "kernel": 4, "stride": 3, "padding": 1, "output_padding": 2}),
    ("groups", [2, 4, 6], {"filters": 6, "kernel": 3, "dilation": 2, "groups": 2, "bias": False}),
])
transposed(2, [
    ("plain", [2, 3, 5, 4], {"filters": 4, "kernel": 3}),
    ("project", [2, 6, 1, 1], {"filters": 4, "kernel": 5}),
    ("double", [2, 8, 3, 4], {"filters": 5, "kernel": 4, "stride": 2, "padding": 1}),
    ("output_padding", [1, 3, 4, 5], {"filters": 2, "kernel": 3, "stride": [2, 3], "padding": 1, "output_padding": [1, 2]}),
    ("far_output_padding", [2, 2, 4, 3], {"filters": 3, "kernel": 2, "dilation": [3, 4], "output_padding": [2, 3]}),
    ("far_output_padding_padded", [1, 2, 4, 3], {"filters": 3, "kernel": 3, "dilation": 3, "stride": 2, "padding": 2, "output_padding": [2, 0]}),
    ("asymmetric", [2, 3, 4, 4], {"filters": 2, "kernel": 4, "stride": 2, "padding": [1, 0, 2, 1]}),
    ("stride_over_kernel", [2, 3, 4, 4], {"filters": 4, "kernel": 2, "stride": 4, "output_padding": [3, 1]}),
    ("groups", [2, 6, 4, 4], {"filters": 4, "kernel": 3, "stride": 2, "groups": 2, "dilation": 2}),
    ("depthwise", [1, 4, 5, 5], {"filters": 4, "kernel": 3, "groups": 4, "padding": 1, "bias": False}),
])
transposed(3, [
    ("stride", [1, 3, 2, 3, 3], {"filters": 2, "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1}),
    ("per_axis", [2, 2, 3, 2, 2], {"filters": 3, "kernel": [1, 2, 3], "stride": [1, 2, 1]}),
])
sliding("max", 1, [
    ("plain", [2, 3, 9], {"size": 2}),
    ("padding_dilation", [2, 3, 12], {"size": 3, "stride": 2, "padding": 1, "dilation": 2, "ceil_mode": True}),
])
sliding("max", 2, [
    ("plain", [2, 3, 8, 6], {"size": 2}),
    ("odd_size", [2, 3, 7, 9], {"size": 2}),
    ("overlap", [1, 16, 7, 7], {"size": 3, "stride": 2, "padding": 1}),
    ("overlap_wide", [1, 19, 4, 5], {"size": 3, "stride": 1, "padding": 1}),
    ("ceil", [2, 3, 8, 7], {"size": 3, "stride": 2, "ceil_mode": True}),
    ("ceil_padding", [2, 2, 6, 6], {"size": 2, "stride": 3, "padding": 1, "ceil_mode": True}),
    ("per_axis", [2, 3, 9, 8], {"size": [2, 3], "stride": [3, 1], "padding": [1, 0]}),
    ("asymmetric", [2, 3, 6, 6], {"size": 3, "stride": 2, "padding": [0, 1, 1, 0]}),
    ("dilation", [2, 3, 9, 10], {"size": [2, 3], "stride": 1, "dilation": [3, 2], "padding": [1, 1]}),
    ("large_window", [1, 1, 20, 18], {"size": [17, 16], "stride": 2}),
])
sliding("max", 3, [
    ("plain", [1, 2, 4, 5, 6], {"size": 2}),
    ("padding", [1, 2, 5, 4, 5], {"size": [3, 2, 3], "stride": 2, "padding": 1}),
])
sliding("avg", 1, [
    ("plain", [2, 3, 9], {"size": 3}),
    ("padding", [2, 3, 10], {"size": 4, "stride": 3, "padding": 2, "count_include_pad": False}),
])
sliding("avg", 2, [
    ("plain", [2, 3, 8, 6], {"size": 2}),
    ("overlap", [1, 16, 7, 6], {"size": 3, "stride": 2, "padding": 1}),
    ("exclude_pad", [2, 3, 9, 7], {"size": 3, "stride": 2, "padding": 1, "count_include_pad": False}),
    ("ceil", [2, 3, 8, 7], {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ("ceil_exclude_pad", [2, 3, 8, 7], {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False}),
    ("asymmetric", [2, 3, 6, 6], {"size": [2, 3], "stride": 2, "padding": [1, 0, 0, 1]}),
])
sliding("avg", 3, [
    ("plain", [1, 2, 4, 5, 6], {"size": 2}),
    ("exclude_pad", [1, 2, 5, 4, 5], {"size": 3, "stride": 2, "padding": 1, "count_include_pad": False}),
])
adaptive(1, [2, 3, 10], [1, 3, 4, 10, 13])
adaptive(2, [2, 5, 7, 9], [1, [3, 4], [7, 9], [8, 2]])
adaptive(3, [1, 2, 4, 5, 3], [1, [2, 3, 2]])
resampling()

"""Writes the golden files of the CNN family with PyTorch. Run by hand: python3 generate.py (needs torch)."""
import pathlib
import sys

import torch
import torch.nn.functional as F

FOLDER = pathlib.Path(__file__).parent
sys.path.insert(0, str(FOLDER.parents[4] / "SDK/Python"))
from lamina_golden import GoldenFile, random

CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
ADAPTIVE_MAX = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}
ADAPTIVE_AVERAGE = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


class Golden(GoldenFile):
    """The cases of one layer with one input."""

    def __init__(self, component):
        super().__init__(FOLDER / f"layer_{component}")

    def add(self, case, attributes, x, parameters, compute):
        super().add(case, attributes, {0: x}, parameters, lambda inputs, values: [compute(inputs[0], **values)])


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
        parameters = {"weight": random(attributes["filters"], shape[1] // groups, *kernel, low=-1, high=1)}
        if attributes.get("bias", True):
            parameters["bias"] = random(attributes["filters"])

        def compute(x, weight, bias=None):
            if isinstance(padding, list) and len(padding) == 2 * axes:
                x = pad_pairs(x, list(zip(padding[0::2], padding[1::2])))
                return CONVOLVE[axes](x, weight, bias, stride, 0, dilation, groups)
            return CONVOLVE[axes](x, weight, bias, stride, padding, dilation, groups)

        golden.add(case, attributes, random(shape), parameters, compute)
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
        parameters = {"weight": random(shape[1], attributes["filters"] // groups, *kernel, low=-1, high=1)}
        if attributes.get("bias", True):
            parameters["bias"] = random(attributes["filters"])

        def compute(x, weight, bias=None):
            if isinstance(padding, list) and len(padding) == 2 * axes:
                y = TRANSPOSE[axes](x, weight, bias, stride, 0, extra, groups, dilation)
                for axis in range(axes):
                    y = y.narrow(2 + axis, padding[2 * axis], y.shape[2 + axis] - padding[2 * axis] - padding[2 * axis + 1])
                return y
            return TRANSPOSE[axes](x, weight, bias, stride, padding, extra, groups, dilation)

        golden.add(case, attributes, random(shape), parameters, compute)
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

        golden.add(case, attributes, random(shape), {}, compute)
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
            golden.add(case, {"output_size": size}, random(shape), {}, lambda x: function(x, size))
        golden.save()
        golden = Golden(f"global_{name}_pool{axes}d")
        golden.add("all", {}, random(shape), {}, lambda x: function(x, 1))
        golden.save()


def resampling():
    golden = Golden("upsample2d")
    for case, shape, attributes in (
            ("nearest", [2, 3, 3, 4], {}), ("nearest_per_axis", [1, 2, 2, 3], {"factor": [3, 1]}),
            ("bilinear", [2, 3, 3, 4], {"mode": "bilinear"}), ("bilinear_odd", [1, 17, 2, 3], {"factor": 3, "mode": "bilinear"}),
            ("bilinear_per_axis", [1, 2, 4, 1], {"factor": [1, 4], "mode": "bilinear"})):
        factor, mode = attributes.get("factor", 2), attributes.get("mode", "nearest")
        golden.add(case, attributes, random(shape), {}, torch.nn.Upsample(
            scale_factor=tuple(factor) if isinstance(factor, list) else factor, mode=mode))
    golden.save()
    golden = Golden("pixel_shuffle")
    for case, shape, factor in (("double", [2, 8, 3, 2], 2), ("triple", [1, 27, 2, 3], 3), ("same", [2, 3, 2, 2], 1)):
        golden.add(case, {"factor": factor}, random(shape), {}, torch.nn.PixelShuffle(factor))
    golden.save()


convolution(1, [
    ("plain", [2, 3, 11], {"filters": 4, "kernel": 3}),
    ("stride", [2, 3, 12], {"filters": 5, "kernel": 4, "stride": 3, "padding": 2}),
    ("same_even", [1, 2, 9], {"filters": 3, "kernel": 4, "padding": "same"}),
    ("before_after", [2, 2, 7], {"filters": 2, "kernel": 3, "padding": [3, 1], "bias": False}),
    ("dilation_groups", [2, 4, 13], {"filters": 6, "kernel": 3, "dilation": 2, "groups": 2}),
])
convolution(2, [
    ("plain", [2, 3, 5, 7], {"filters": 4, "kernel": 3}),
    ("one_by_one", [2, 5, 4, 4], {"filters": 3, "kernel": 1, "bias": False}),
    ("one_by_one_stride", [1, 16, 5, 3], {"filters": 16, "kernel": 1, "stride": 2}),
    ("valid", [1, 2, 6, 6], {"filters": 3, "kernel": [3, 2], "padding": "valid"}),
    ("same_odd", [1, 3, 6, 5], {"filters": 4, "kernel": 5, "padding": "same"}),
    ("same_even", [2, 2, 6, 5], {"filters": 3, "kernel": [2, 4], "padding": "same"}),
    ("same_even_dilated", [1, 2, 9, 8], {"filters": 3, "kernel": [4, 2], "dilation": [2, 3], "padding": "same"}),
    ("per_axis", [1, 3, 9, 11], {"filters": 4, "kernel": [3, 5], "stride": [2, 3], "padding": [1, 2]}),
    ("asymmetric", [1, 3, 6, 7], {"filters": 4, "kernel": 3, "padding": [0, 2, 3, 1]}),
    ("wide_padding", [1, 2, 3, 3], {"filters": 3, "kernel": 2, "padding": 4}),
    ("stride_skips_end", [1, 3, 8, 10], {"filters": 4, "kernel": 3, "stride": 3, "padding": 1}),
    ("stride_over_kernel", [1, 3, 10, 9], {"filters": 4, "kernel": 2, "stride": 4}),
    ("kernel_is_input", [3, 2, 5, 4], {"filters": 7, "kernel": [5, 4]}),
    ("dilation", [1, 3, 10, 11], {"filters": 4, "kernel": 3, "dilation": [2, 3], "padding": 2}),
    ("groups", [2, 6, 5, 4], {"filters": 9, "kernel": 3, "groups": 3, "padding": 1}),
    ("depthwise", [2, 5, 6, 6], {"filters": 5, "kernel": 3, "groups": 5, "padding": 1, "stride": 2}),
    ("depthwise_wide", [1, 16, 5, 4], {"filters": 32, "kernel": 3, "groups": 16, "padding": "same", "bias": False}),
    ("vector_channels", [1, 16, 5, 5], {"filters": 16, "kernel": 3, "padding": 1}),
    ("odd_channels", [2, 9, 4, 3], {"filters": 11, "kernel": 3, "padding": 1}),
])
convolution(3, [
    ("plain", [1, 2, 4, 5, 6], {"filters": 3, "kernel": 2}),
    ("stride_padding", [2, 2, 4, 5, 4], {"filters": 3, "kernel": 3, "stride": [1, 2, 2], "padding": 1}),
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
    ("far_output_padding", [1, 2, 4, 3], {"filters": 3, "kernel": 2, "dilation": [3, 4], "output_padding": [2, 3]}),
    ("far_output_padding_padded", [1, 2, 4, 3], {"filters": 3, "kernel": 3, "dilation": 3, "stride": 2, "padding": 2, "output_padding": [2, 0]}),
    ("asymmetric", [2, 3, 4, 4], {"filters": 2, "kernel": 4, "stride": 2, "padding": [1, 0, 2, 1]}),
    ("stride_over_kernel", [1, 3, 4, 3], {"filters": 4, "kernel": 2, "stride": 4, "output_padding": [3, 1]}),
    ("groups", [1, 6, 4, 4], {"filters": 4, "kernel": 3, "stride": 2, "groups": 2, "dilation": 2}),
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
    ("odd_size", [2, 3, 5, 7], {"size": 2}),
    ("overlap", [1, 16, 7, 7], {"size": 3, "stride": 2, "padding": 1}),
    ("overlap_wide", [1, 19, 4, 5], {"size": 3, "stride": 1, "padding": 1}),
    ("ceil", [1, 3, 8, 7], {"size": 3, "stride": 2, "ceil_mode": True}),
    ("ceil_padding", [2, 2, 6, 6], {"size": 2, "stride": 3, "padding": 1, "ceil_mode": True}),
    ("per_axis", [1, 3, 9, 8], {"size": [2, 3], "stride": [3, 1], "padding": [1, 0]}),
    ("asymmetric", [2, 3, 6, 6], {"size": 3, "stride": 2, "padding": [0, 1, 1, 0]}),
    ("dilation", [1, 3, 8, 9], {"size": [2, 3], "stride": 1, "dilation": [3, 2], "padding": [1, 1]}),
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
    ("exclude_pad", [1, 3, 9, 7], {"size": 3, "stride": 2, "padding": 1, "count_include_pad": False}),
    ("ceil", [1, 3, 8, 7], {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ("ceil_exclude_pad", [1, 3, 8, 7], {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False}),
    ("asymmetric", [2, 3, 6, 6], {"size": [2, 3], "stride": 2, "padding": [1, 0, 0, 1]}),
])
sliding("avg", 3, [
    ("plain", [1, 2, 4, 5, 6], {"size": 2}),
    ("exclude_pad", [1, 2, 5, 4, 5], {"size": 3, "stride": 2, "padding": 1, "count_include_pad": False}),
])
adaptive(1, [2, 3, 10], [1, 3, 4, 10, 13])
adaptive(2, [2, 3, 7, 9], [1, [3, 4], [7, 9], [8, 2]])
adaptive(3, [1, 2, 4, 5, 3], [1, [2, 3, 2]])
resampling()

#!/usr/bin/env python3
"""Writes golden files of the GAN family's blocks with PyTorch: block_<name>.safetensors beside this file.

Run by hand: python3 generate_blocks.py (needs torch). Everything is computed in double precision, in training.
The networks are written out with PyTorch's modules. The metadata has {"attributes": {…}} per case; tensors are named
`<case>/input.0`, `<case>/parameter.<name>`, `<case>/buffer.<name>` (of spectral norms), `<case>/target`, `<case>/output`, and,
of the mean squared error between output and target, `<case>/input_gradient.0` and `<case>/parameter_gradient.<name>`.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

from golden_file import GoldenFile


class Network(nn.Module):
    """Modules by our nodes' names, in which a slash stands for PyTorch's forbidden dot."""

    def __init__(self, forward, **modules):
        super().__init__()
        self.run = forward
        for name, module in modules.items():
            self.add_module(name.replace("__", "/"), module)

    def __getitem__(self, name):
        return getattr(self, name.replace(".", "/"), None)

    def forward(self, *inputs):
        return self.run(self, *inputs)


def ours(network):
    """(kind, our name, tensor) of every parameter, and of every buffer of a spectral norm."""
    for path, module in network.named_modules():
        path = path.replace("/", ".")
        prefix = path + "." if path else ""
        is_spectral = hasattr(module, "weight_u")
        for name, value in module.named_parameters(recurse=False):
            if is_spectral:
                name = {"weight_orig": "linear.weight", "bias": "norm.bias"}[name]
            yield "parameter", prefix + name, value
        if is_spectral:
            yield "buffer", prefix + "norm.weight_u", module.weight_u
            yield "buffer", prefix + "norm.weight_v", module.weight_v


class Golden(GoldenFile):
    """The cases of one block."""

    def __init__(self, block):
        super().__init__("block", block)

    def add(self, case, attributes, network, *inputs):
        """Random parameters, forward, and backward of the distance to a random target. None: not connected."""
        network = network.double().train()
        with torch.no_grad():
            for parameter in network.parameters():
                # Neither zeros nor ones, which biases and norms begin with: they would hide where they act.
                scale = 2 / math.sqrt(parameter[0].numel()) if parameter.dim() > 1 else 0.3
                offset = 1 if parameter.dim() == 1 and bool((parameter == 1).all()) else 0
                parameter.copy_((offset + scale * torch.randn_like(parameter)).float())
            for kind, _, value in ours(network):
                if kind == "buffer":
                    value.copy_(value.float())
        inputs = [x.float().double().requires_grad_() if x.is_floating_point() else x for x in inputs]
        self.describe(case, attributes=attributes)
        for kind, name, value in ours(network):
            self.put(case, f"{kind}.{name}", value)
        output = network(*inputs)
        target = torch.randn(output.shape).double()
        F.mse_loss(output, target).backward()
        for index, x in enumerate(inputs):
            self.put(case, f"input.{index}", x)
            if x.is_floating_point():
                self.put(case, f"input_gradient.{index}", x.grad)
        self.put(case, "target", target)
        self.put(case, "output", output)
        for kind, name, value in ours(network):
            if kind == "parameter":
                self.put(case, "parameter_gradient." + name, value.grad)


def leaky(x):
    return F.leaky_relu(x, 0.2)


def mlp():
    golden = Golden("mlp_generator")

    def generate(net, z, label=None):
        x = z if label is None else torch.cat([z, net["label_embedding"](label)], 1)
        return torch.tanh(net["head"](F.relu(net["fc2"](F.relu(net["fc1"](x))))))

    golden.add("plain", dict(units=[5, 6], shape=[2]),
               Network(generate, fc1=nn.Linear(3, 5), fc2=nn.Linear(5, 6), head=nn.Linear(6, 2)), torch.randn(4, 3))
    golden.add("classes", dict(units=[5, 6], shape=[1, 2, 3], classes=3),
               Network(lambda *a: generate(*a).reshape(-1, 1, 2, 3), label_embedding=nn.Embedding(3, 3),
                       fc1=nn.Linear(5, 5), fc2=nn.Linear(5, 6), head=nn.Linear(6, 6)),
               torch.randn(4, 2), torch.tensor([0, 2, 2, 1]))
    golden.save()
    golden = Golden("mlp_discriminator")

    def judge(net, x, label=None):
        x = x.flatten(1) if label is None else torch.cat([x.flatten(1), net["label_embedding"](label)], 1)
        return net["head"](leaky(net["fc1"](x)))

    golden.add("plain", dict(units=[5]), Network(judge, fc1=nn.Linear(2, 5), head=nn.Linear(5, 1)), torch.randn(4, 2))
    golden.add("classes", dict(units=[5], classes=2),
               Network(judge, label_embedding=nn.Embedding(2, 2), fc1=nn.Linear(8, 5), head=nn.Linear(5, 1)),
               torch.randn(3, 1, 2, 3), torch.tensor([1, 0, 1]))
    spectral = nn.utils.spectral_norm
    golden.add("spectral", dict(units=[5], norm="spectral"),
               Network(judge, fc1=spectral(nn.Linear(3, 5)), head=spectral(nn.Linear(5, 1))), torch.randn(4, 3))
    golden.save()


def dcgan():
    golden = Golden("dcgan_generator")

    def generate(net, z, label=None):
        x = z if label is None else torch.cat([z, net["label_embedding"](label)], 1)
        x, stage = x[..., None, None], 1
        while net[f"bn{stage}"]:
            x, stage = F.relu(net[f"bn{stage}"](net[f"conv{stage}"](x))), stage + 1
        return torch.tanh(net[f"conv{stage}"](x))

    golden.add("plain", dict(filters=2, size=12),
               Network(generate, conv1=nn.ConvTranspose2d(3, 4, 3), bn1=nn.BatchNorm2d(4),
                       conv2=nn.ConvTranspose2d(4, 2, 4, 2, 1), bn2=nn.BatchNorm2d(2),
                       conv3=nn.ConvTranspose2d(2, 1, 4, 2, 1)), torch.randn(3, 3))
    golden.add("classes", dict(filters=3, size=4, stages=1, channels=2, bias=False, classes=3),
               Network(generate, label_embedding=nn.Embedding(3, 3), conv1=nn.ConvTranspose2d(5, 3, 2, bias=False),
                       bn1=nn.BatchNorm2d(3), conv2=nn.ConvTranspose2d(3, 2, 4, 2, 1)),
               torch.randn(4, 2), torch.tensor([2, 0, 1, 1]))
    golden.save()
    golden = Golden("dcgan_discriminator")

    def judge(net, x, label=None):
        if label is not None and not net["projection"]:
            x = torch.cat([x, net["label_embedding"](label).reshape(-1, 1, *x.shape[2:])], 1)
        stage = 1
        while net[f"conv{stage}"]:
            x = net[f"conv{stage}"](x)
            x, stage = leaky(net[f"bn{stage}"](x) if net[f"bn{stage}"] else x), stage + 1
        x = x.flatten(1)
        y = net["head"](x)
        return y + (net["label_embedding"](label) * x).sum(1, keepdim=True) if net["projection"] else y

    def convolutions(channels, wrap=lambda layer: layer, norm=True):
        norms = dict(bn2=nn.BatchNorm2d(4)) if norm else {}
        return dict(conv1=wrap(nn.Conv2d(channels, 2, 4, 2, 1)), conv2=wrap(nn.Conv2d(2, 4, 4, 2, 1)),
                    head=wrap(nn.Linear(16, 1)), **norms)

    golden.add("plain", dict(filters=2), Network(judge, **convolutions(1)), torch.randn(3, 1, 8, 8))
    golden.add("plane", dict(filters=2, size=8, classes=3),
               Network(judge, label_embedding=nn.Embedding(3, 64), **convolutions(3)), torch.randn(3, 2, 8, 8),
               torch.tensor([0, 2, 1]))
    # Whether a network has a projection is seen from this module, which has no parameters.
    golden.add("projection", dict(filters=2, size=8, classes=3, condition="projection"),
               Network(judge, label_embedding=nn.Embedding(3, 16), projection=nn.Identity(), **convolutions(1)),
               torch.randn(3, 1, 8, 8), torch.tensor([1, 1, 0]))
    golden.add("spectral", dict(filters=2, norm="spectral"),
               Network(judge, **convolutions(1, nn.utils.spectral_norm, False)), torch.randn(3, 1, 8, 8))
    golden.save()


def spectral():
    golden = Golden("spectral_dense")
    golden.add("plain", dict(units=4), nn.utils.spectral_norm(nn.Linear(3, 4)), torch.randn(5, 3))
    golden.add("sequence", dict(units=2, iterations=2, bias=False),
               nn.utils.spectral_norm(nn.Linear(5, 2, False), n_power_iterations=2), torch.randn(2, 3, 5))
    golden.save()
    golden = Golden("spectral_conv2d")
    golden.add("plain", dict(filters=4, kernel=3, padding=1), nn.utils.spectral_norm(nn.Conv2d(3, 4, 3, padding=1)),
               torch.randn(2, 3, 5, 4))
    golden.add("strides", dict(filters=2, kernel=[2, 3], stride=[2, 1], dilation=[1, 2], bias=False),
               nn.utils.spectral_norm(nn.Conv2d(1, 2, (2, 3), (2, 1), dilation=(1, 2), bias=False)),
               torch.randn(2, 1, 6, 7))
    golden.save()


def translation():
    golden = Golden("unet")

    def unet(net, x):
        skips, level = [], 1
        while net[f"down{level}"]:
            x = net[f"down{level}"](leaky(x) if level > 1 else x)
            x = net[f"down{level}.norm"](x) if net[f"down{level}.norm"] else x
            skips, level = skips + [x], level + 1
        for level in range(level - 1, 0, -1):
            x = net[f"up{level}"](F.relu(x))
            if level > 1:
                x = torch.cat([net[f"up{level}.norm"](x), skips[level - 2]], 1)
        return torch.tanh(x)

    def up(inputs, outputs):
        return nn.ConvTranspose2d(inputs, outputs, 4, 2, 1)

    golden.add("batch", dict(filters=1, size=8, channels=2, dropout=0.0),
               Network(unet, down1=nn.Conv2d(1, 1, 4, 2, 1), down2=nn.Conv2d(1, 2, 4, 2, 1),
                       down2__norm=nn.BatchNorm2d(2), down3=nn.Conv2d(2, 4, 4, 2, 1), up3=up(4, 2),
                       up3__norm=nn.BatchNorm2d(2), up2=up(4, 1), up2__norm=nn.BatchNorm2d(1), up1=up(2, 2)),
               torch.randn(3, 1, 8, 8))
    golden.add("instance", dict(filters=2, size=12, depth=2, norm="instance", dropout=0.0),
               Network(unet, down1=nn.Conv2d(1, 2, 4, 2, 1), down2=nn.Conv2d(2, 4, 4, 2, 1), up2=up(4, 2),
                       up2__norm=nn.InstanceNorm2d(2), up1=up(4, 1)), torch.randn(1, 1, 12, 12))
    golden.save()
    golden = Golden("patch_discriminator")

    def patches(net, x, condition=None):
        x = x if condition is None else torch.cat([condition, x], 1)
        stage = 1
        while net[f"conv{stage}"]:
            x = net[f"conv{stage}"](x)
            x, stage = leaky(net[f"norm{stage}"](x) if net[f"norm{stage}"] else x), stage + 1
        return net["head"](x)

    golden.add("condition", dict(filters=1, stages=2),
               Network(patches, conv1=nn.Conv2d(3, 1, 4, 2, 1), conv2=nn.Conv2d(1, 2, 4, 2, 1), norm2=nn.BatchNorm2d(2),
                       conv3=nn.Conv2d(2, 4, 4, 1, 1), norm3=nn.BatchNorm2d(4), head=nn.Conv2d(4, 1, 4, 1, 1)),
               torch.randn(2, 1, 16, 16), torch.randn(2, 2, 16, 16))
    golden.add("instance", dict(filters=2, stages=1, norm="instance"),
               Network(patches, conv1=nn.Conv2d(1, 2, 4, 2, 1), conv2=nn.Conv2d(2, 4, 4, 1, 1),
                       norm2=nn.InstanceNorm2d(4), head=nn.Conv2d(4, 1, 4, 1, 1)), torch.randn(2, 1, 10, 8))
    golden.save()
    golden = Golden("resnet_generator")

    def mirrored(x, layer):
        return layer(F.pad(x, [layer.kernel_size[0] // 2] * 4, mode="reflect"))

    def residual(net, x):
        def norm(name, y):
            return net[f"{name}.norm"](y)
        x = F.relu(norm("stem", mirrored(x, net["stem"])))
        x = F.relu(norm("down1", net["down1"](x)))
        y = F.relu(norm("block1.conv1", mirrored(x, net["block1.conv1"])))
        x = x + norm("block1.conv2", mirrored(y, net["block1.conv2"]))
        x = F.relu(norm("up1", net["up1"](x)))
        return torch.sigmoid(mirrored(x, net["head"]))

    golden.add("instance", dict(filters=2, channels=2, blocks=1, stages=1, output="sigmoid"),
               Network(residual, stem=nn.Conv2d(1, 2, 7), stem__norm=nn.InstanceNorm2d(2),
                       down1=nn.Conv2d(2, 4, 3, 2, 1), down1__norm=nn.InstanceNorm2d(4),
                       block1__conv1=nn.Conv2d(4, 4, 3), block1__conv1__norm=nn.InstanceNorm2d(4),
                       block1__conv2=nn.Conv2d(4, 4, 3), block1__conv2__norm=nn.InstanceNorm2d(4),
                       up1=nn.ConvTranspose2d(4, 2, 3, 2, 1, 1), up1__norm=nn.InstanceNorm2d(2),
                       head=nn.Conv2d(2, 2, 7)), torch.randn(1, 1, 8, 6))
    golden.save()


if __name__ == "__main__":
    torch.set_num_threads(1)
    mlp()
    dcgan()
    spectral()
    translation()

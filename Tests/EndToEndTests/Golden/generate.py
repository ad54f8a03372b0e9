#!/usr/bin/env python3
"""Writes what PyTorch makes of the weights that `lamina init` draws: <model>.safetensors beside this file.

    make && LAMINA_COMMAND=.build/release/lamina python3 Tests/EndToEndTests/Golden/generate.py

PyTorch loads the archive's weights by name (strict) and computes outputs, loss and all gradients in double precision.
A file holds, for phase p in inference, training:

    weights             F64 [tensors, 2]: sum and sum of squares of each weight tensor
    <p>/seed            I64 []: of the inputs (see `noise`)
    <p>/output          F32, whole
    <p>/loss            F64 []
    <p>/moments         F64 [gradients, 6]: L2 norm, largest magnitude, three projections, PyTorch's own float32 error
    <p>/samples         F32: up to SAMPLES evenly spaced elements of each gradient, one gradient after the other

and in its metadata, as JSON, "weights" and "gradients": [[name, shape], ...] in the order of the rows.
"""
import json, os, subprocess, sys, tempfile, zipfile
import numpy as np
import torch
from safetensors.numpy import save_file
from safetensors.torch import load
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
LAMINA = os.environ.get("LAMINA_COMMAND", os.path.join(HERE, "../../../.build/release/lamina"))
CLASSES, SAMPLES, PROJECTIONS = 10, 25, 3


# Formulas that GoldenTests.swift computes as well.

def noise(count, seed):
    """Evenly distributed in [-1, 1), exact in float32: the finalizer of a 32-bit hash of the position."""
    h = (np.arange(count, dtype=np.uint64) + np.uint64(seed * 0x9E3779B1)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x21F0AAAD), (15, 0x735A2D97)):
        h = ((h ^ (h >> np.uint64(shift))) * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(15)
    return ((h >> np.uint64(8)).astype(np.float64) / 2**23 - 1).astype(np.float32)


def target(batch):
    return np.array([(7 * i + 3) % CLASSES for i in range(batch)], dtype=np.int64)


def projections(values):
    index = np.arange(values.size, dtype=np.float64)
    return [float(np.dot(values, np.cos((0.7 + 0.31 * p) * index + p))) for p in range(PROJECTIONS)]


def samples(values):
    count = min(values.size, SAMPLES)
    return values[np.arange(count) * values.size // max(count, 1)]


# The networks, with the parameter names of our recipes.

class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden1, self.hidden2, self.head = nn.Linear(256, 64), nn.Linear(64, 32), nn.Linear(32, CLASSES)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.hidden1(x.flatten(1)))
        return self.head(nn.functional.gelu(self.hidden2(x)))


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, CLASSES)

    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            x = nn.functional.avg_pool2d(torch.tanh(conv(x)), 2)
        x = torch.tanh(self.fc1(x.flatten(1)))
        return self.fc3(torch.tanh(self.fc2(x)))


class VGG(nn.Module):
    def __init__(self):
        super().__init__()
        layers, channels = [], 3
        for count, filters in zip((1, 1, 2), (8, 16, 32)):
            for _ in range(count):
                layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.BatchNorm2d(filters), nn.ReLU()]
                channels = filters
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Linear(32 * 4 * 4, 64), nn.ReLU(), nn.Linear(64, CLASSES))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class Residual(nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, filters, 3, stride, 1), nn.BatchNorm2d(filters)
        self.conv2, self.bn2 = nn.Conv2d(filters, filters, 3, 1, 1), nn.BatchNorm2d(filters)
        self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()
        self.downsample = nn.Sequential(nn.Conv2d(channels, filters, 1, stride)) if stride > 1 else nn.Identity()

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        return self.relu2(y + self.downsample(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1, self.relu = nn.Conv2d(3, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(Residual(64, 64, 1), Residual(64, 64, 1))
        self.layer2 = nn.Sequential(Residual(64, 128, 2), Residual(128, 128, 1))
        self.layer3 = nn.Sequential(Residual(128, 256, 2), Residual(256, 256, 1))
        self.fc = nn.Linear(256, CLASSES)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


class Wide(nn.Module):
    """Convolutions that are large enough for Winograd's algorithm."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 24, 3, padding=1), nn.Conv2d(24, 40, 3, padding=1)
        self.conv3, self.head = nn.Conv2d(40, 33, 3), nn.Linear(33, CLASSES)

    def forward(self, x):
        for conv in (self.conv1, self.conv2, self.conv3):
            x = torch.tanh(conv(x))
        return self.head(x.mean((2, 3)))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(9, 37, num_layers=2, bidirectional=True, batch_first=True)
        self.gru, self.elman = nn.GRU(74, 70, batch_first=True), nn.RNN(70, 24, batch_first=True)
        self.head = nn.Linear(24, CLASSES)

    def forward(self, x):
        x, _ = self.lstm(x)
        x, _ = self.gru(x)
        return self.head(self.elman(x)[1][-1])


class Causal(nn.Conv1d):
    """A convolution over time that pads before the start only."""

    def forward(self, x):
        return super().forward(nn.functional.pad(x, [(self.kernel_size[0] - 1) * self.dilation[0], 0]))


class TemporalBlock(nn.Module):
    def __init__(self, channels, filters, dilation):
        super().__init__()
        self.conv1 = Causal(channels, filters, 3, dilation=dilation)
        self.conv2 = Causal(filters, filters, 3, dilation=dilation)
        self.downsample = nn.Conv1d(channels, filters, 1) if channels != filters else nn.Identity()
        self.relu1, self.relu2, self.relu = nn.ReLU(), nn.ReLU(), nn.ReLU()

    def forward(self, x):
        return self.relu(self.relu2(self.conv2(self.relu1(self.conv1(x)))) + self.downsample(x))


class TCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = nn.Sequential(TemporalBlock(5, 8, 1), TemporalBlock(8, 8, 2), TemporalBlock(8, 12, 4))
        self.head = nn.Linear(12, CLASSES)

    def forward(self, x):
        return self.head(self.network(x.transpose(1, 2))[:, :, -1])


class WaveNetBlock(nn.Module):
    def __init__(self, dilation, last):
        super().__init__()
        self.filter, self.gate = Causal(6, 6, 2, dilation=dilation), Causal(6, 6, 2, dilation=dilation)
        self.skip = nn.Conv1d(6, 8, 1)
        if not last:
            self.residual = nn.Conv1d(6, 6, 1)

    def forward(self, x):
        gated = torch.tanh(self.filter(x)) * torch.sigmoid(self.gate(x))
        return (x + self.residual(gated) if hasattr(self, "residual") else None), self.skip(gated)


class WaveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.causal = Causal(3, 6, 2)
        self.layers = nn.ModuleList(WaveNetBlock(2 ** (i % 3), i == 5) for i in range(6))
        self.conv1, self.conv2 = nn.Conv1d(8, 8, 1), nn.Conv1d(8, 12, 1)
        self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()
        self.head = nn.Linear(12, CLASSES)

    def forward(self, x):
        x, skips = self.causal(x.transpose(1, 2)), 0
        for layer in self.layers:
            x, skip = layer(x)
            skips = skips + skip
        return self.head(self.conv2(self.relu2(self.conv1(self.relu1(skips))))[:, :, -1])


# Network, shape of a sample, samples.
MODELS = {
    "mlp": (MLP, (1, 16, 16), 2), "lenet": (LeNet, (1, 28, 28), 2), "vgg": (VGG, (3, 32, 32), 2),
    "resnet": (ResNet, (3, 48, 48), 2), "wide": (Wide, (3, 31, 30), 4),
    "recurrent": (Recurrent, (13, 9), 19),
    "tcn": (TCN, (24, 5), 2), "wavenet": (WaveNet, (20, 3), 2),
}


def initial_weights(name):
    with tempfile.TemporaryDirectory() as folder:
        archive = os.path.join(folder, "m.lamina")
        subprocess.run([LAMINA, "init", os.path.join(HERE, name + ".yaml"), "-o", archive], check=True)
        with zipfile.ZipFile(archive) as file:
            return load(file.read("weights/model.safetensors"))


def compute(network, shape, batch, seed, phase, dtype):
    """Output, loss and gradients of one run, and how close it came to a kink of relu or max pooling."""
    network = network.to(dtype).train(phase == "training")
    margin = [1.0]

    def watch_relu(_, inputs):
        x = inputs[0].detach()
        # Exactly 0 are sums of zeros that other relus made: they have no gradient on any machine.
        margin[0] = min(margin[0], float(x[x != 0].abs().min() / x.square().mean().sqrt()))

    def watch_pool(module, inputs):
        # Two equal largest values of a window; at 0, behind a relu, no gradient flows anyway.
        x = inputs[0].detach()
        pad = nn.functional.pad(x, [module.padding] * 4, value=-1)
        windows = pad.unfold(2, module.kernel_size, module.stride).unfold(3, module.kernel_size, module.stride)
        best = windows.reshape(*windows.shape[:4], -1).topk(2).values
        gap = (best[..., 0] - best[..., 1])[best[..., 0] > 0]
        margin[0] = min(margin[0], float(gap.min() / x.square().mean().sqrt()))

    hooks = []
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            hooks.append(module.register_forward_pre_hook(watch_relu))
        if isinstance(module, nn.MaxPool2d):
            hooks.append(module.register_forward_pre_hook(watch_pool))
    x = torch.from_numpy(noise(batch * int(np.prod(shape)), seed).reshape(batch, *shape)).to(dtype).requires_grad_()
    network.zero_grad()
    output = network(x)
    loss = nn.functional.cross_entropy(output, torch.from_numpy(target(batch)))
    loss.backward()
    for hook in hooks:
        hook.remove()
    gradients = {key: value.grad for key, value in network.named_parameters()} | {"input": x.grad}
    return output.detach(), loss.item(), {k: v.numpy().astype(np.float64) for k, v in sorted(gradients.items())}, margin[0]


def generate(name):
    make, shape, batch = MODELS[name]
    weights = initial_weights(name)

    def network():
        result = make()
        result.load_state_dict(weights, strict=True)
        return result

    tensors, names = {}, None
    for phase in ("inference", "training"):
        # A relu's input so close to 0 that rounding decides its sign would make gradients depend on the machine.
        for seed in range(1, 1000):
            output, loss, gradients, margin = compute(network(), shape, batch, seed, phase, torch.float64)
            if margin > 1e-5:
                break
        else:
            sys.exit(f"{name}: every input comes close to a kink")
        rough_output, _, rough, _ = compute(network(), shape, batch, seed, phase, torch.float32)
        error = float((rough_output - output).abs().max() / output.abs().max())
        assert error < 1e-5, f"{name}: PyTorch's own float32 output is off by {error}"
        rows = []
        for key, values in gradients.items():
            noise32 = np.abs(rough[key] - values).max()
            flat = values.ravel()
            rows.append([np.sqrt(np.square(flat).sum()), np.abs(flat).max(), *projections(flat), noise32])
        relative = {k: r[-1] / r[1] for k, r in zip(gradients, rows) if r[1] > 1e-12}
        worst = max(relative, key=relative.get)
        print(f"{name} {phase}: seed {seed}, margin {margin:.1e}, loss {loss:.4f}, PyTorch's float32: output {error:.1e}, "
              f"worst gradient {worst} {relative[worst]:.1e}, {len(gradients) - len(relative)} gradients are 0")
        assert relative[worst] < 1e-4
        tensors[f"{phase}/seed"] = np.array(seed, dtype=np.int64)
        tensors[f"{phase}/output"] = output.numpy().astype(np.float32)
        tensors[f"{phase}/loss"] = np.array(loss, dtype=np.float64)
        tensors[f"{phase}/moments"] = np.array(rows, dtype=np.float64)
        tensors[f"{phase}/samples"] = np.concatenate([samples(v.ravel()) for v in gradients.values()]).astype(np.float32)
        names = [[key, list(values.shape)] for key, values in gradients.items()]
    flat = {key: value.double().numpy().ravel() for key, value in sorted(weights.items())}
    tensors["weights"] = np.array([[v.sum(), np.square(v).sum()] for v in flat.values()], dtype=np.float64)
    metadata = {
        "weights": json.dumps([[key, list(weights[key].shape)] for key in flat], separators=(",", ":")),
        "gradients": json.dumps(names, separators=(",", ":")),
    }
    path = os.path.join(HERE, name + ".safetensors")
    save_file(tensors, path, metadata)
    os.chmod(path, 0o644)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:] or MODELS:
        generate(name)

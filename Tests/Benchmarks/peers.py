"""The peers' side of compare.py: one workload of one peer in a process of its own.

usage: peers.py PEER WORKLOAD PHASE SECONDS      or: peers.py torch WORKLOAD epoch FOLDER
PEER is torch, compile or onnx; PHASE is train or infer; FOLDER has the IDX files of Fashion-MNIST. Prints JSON: median
and fastest seconds of a run (or those of the epoch), peak bytes of the process. The shapes are those of
Plugins/*/Benchmarks/*.yaml.
"""

import gzip
import io
import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path

import torch
from torch import nn


class Residual(nn.Module):
    """Two 3 × 3 convolutions with batch norm, and a 1 × 1 convolution on the skip where the shape changes."""

    def __init__(self, inputs, outputs):
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1), nn.BatchNorm2d(outputs))
        self.skip = nn.Identity() if stride == 1 else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x):
        return torch.relu(self.body(x) + self.skip(x))


def resnet():
    stages = [Residual(a, b) for a, b in [(64, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256)]]
    return nn.Sequential(
        nn.Conv2d(3, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1), *stages,
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10))


def mlp():
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 14 * 14, 128), nn.ReLU(), nn.Linear(128, 10))


class Sentiment(nn.Module):
    """Words to vectors, two LSTMs, a logit from the last state."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10000, 128, padding_idx=0)
        self.first, self.second = nn.LSTM(128, 128, batch_first=True), nn.LSTM(128, 128, batch_first=True)
        self.head = nn.Linear(128, 1)

    def forward(self, tokens):
        states, _ = self.first(self.embedding(tokens))
        return self.head(self.second(states)[1][0][-1])


class Layer(nn.Module):
    """Self-attention in PyTorch's fused form and a feed-forward network, norms before them."""

    def __init__(self, units, heads, causal):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.norm1, self.norm2 = nn.LayerNorm(units), nn.LayerNorm(units)
        self.in_proj, self.out_proj = nn.Linear(units, 3 * units), nn.Linear(units, units)
        self.feed_forward = nn.Sequential(nn.Linear(units, 4 * units), nn.GELU(), nn.Linear(4 * units, units))

    def forward(self, x):
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
                   for part in self.in_proj(self.norm1(x)).chunk(3, -1))
        attended = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.out_proj(attended.transpose(1, 2).flatten(2))
        return x + self.feed_forward(self.norm2(x))


class GPT(nn.Module):
    """Tokens to logits of the next: learned positions, causal layers, a norm, a dense layer."""

    def __init__(self):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(1000, 256), nn.Parameter(torch.zeros(128, 256))
        self.layers = nn.Sequential(*(Layer(256, 8, True) for _ in range(4)))
        self.norm, self.output = nn.LayerNorm(256), nn.Linear(256, 1000)

    def forward(self, tokens):
        return self.output(self.norm(self.layers(self.embedding(tokens) + self.positions)))


class ViT(nn.Module):
    """Images as patches with a class token, learned positions, layers, a dense layer on the token."""

    def __init__(self):
        super().__init__()
        self.patches, self.head = nn.Conv2d(3, 192, 4, 4), nn.Linear(192, 10)
        self.token, self.positions = nn.Parameter(torch.zeros(1, 1, 192)), nn.Parameter(torch.zeros(65, 192))
        self.layers = nn.Sequential(*(Layer(192, 3, False) for _ in range(6)))

    def forward(self, images):
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.positions
        return self.head(self.layers(x)[:, 0])


def generator():
    return nn.Sequential(
        nn.ConvTranspose2d(64, 128, 7, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh())


def discriminator():
    return nn.Sequential(
        nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(64, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128),
        nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(128 * 7 * 7, 1))


def images(count, shape):
    return torch.rand(count, *shape), torch.randint(0, 10, (count,))


def sentences(count, shape):
    return torch.randint(1, 10000, (count, *shape)), torch.rand(count, 1).round()


def texts(count, shape):
    return torch.randint(0, 1000, (count, *shape)), torch.randint(0, 1000, (count, *shape))


def adamw(parameters):
    return torch.optim.AdamW(parameters, 1e-3)


def adam(parameters):
    return torch.optim.Adam(parameters, 1e-3)


def momentum(parameters):
    return torch.optim.SGD(parameters, 0.01, momentum=0.9)


WARM_UP = 2  # seconds

cross_entropy, binary_cross_entropy = nn.functional.cross_entropy, nn.functional.binary_cross_entropy_with_logits


def token_cross_entropy(logits, tokens):
    return cross_entropy(logits.flatten(0, 1), tokens.flatten())


# Network, samples and their targets, shape of a sample, loss, batch of a training step, optimizer.
WORKLOADS = {
    "mlp": (mlp, images, (784,), cross_entropy, 128, adam),
    "cnn": (cnn, images, (1, 28, 28), cross_entropy, 64, momentum),
    "resnet": (resnet, images, (3, 96, 96), cross_entropy, 32, momentum),
    "resnet-224": (resnet, images, (3, 224, 224), None, None, None),
    "lstm": (Sentiment, sentences, (100,), binary_cross_entropy, 32, adam),
    "gpt": (GPT, texts, (128,), token_cross_entropy, 16, adamw),
    "vit": (ViT, images, (3, 32, 32), cross_entropy, 32, adamw),
}


def training_step(peer, workload):
    make, samples, shape, loss, batch, optimizer = WORKLOADS[workload]
    model = make()
    x, y = samples(batch, shape)
    optimizer = optimizer(model.parameters())
    network = torch.compile(model) if peer == "compile" else model

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss(network(x), y).backward()
        optimizer.step()

    return step


def adversarial_step(peer):
    """A step of a DCGAN's discriminator, on real and on generated images, and one of its generator."""
    networks = generator(), discriminator()
    optimizers = [torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999)) for network in networks]
    make, judge = map(torch.compile, networks) if peer == "compile" else networks
    real, ones, zeros = torch.rand(64, 1, 28, 28), torch.ones(64, 1), torch.zeros(64, 1)

    def step():
        generated = make(torch.randn(64, 64, 1, 1))
        for optimizer, loss in [
            (optimizers[1], lambda: binary_cross_entropy(judge(real), ones)
             + binary_cross_entropy(judge(generated.detach()), zeros)),
            (optimizers[0], lambda: binary_cross_entropy(judge(generated), ones)),
        ]:
            optimizer.zero_grad(set_to_none=True)
            loss().backward()
            optimizer.step()

    return step


def inference(peer, workload):
    make, samples, shape = WORKLOADS[workload][:3]
    model, x = make().eval(), samples(1, shape)[0]
    if peer == "onnx":
        import onnxruntime

        file = io.BytesIO()
        torch.onnx.export(model, (x,), file, dynamo=False, input_names=["input"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
        values = {"input": x.numpy()}
        return lambda: session.run(None, values)
    network = torch.compile(model) if peer == "compile" else model

    return lambda: network(x)


def measure(run, seconds):
    """Seconds of every run, after a warm-up: the first second of PyTorch's threads is twice as slow as the rest."""

    def times(seconds, least):
        result, start = [], time.perf_counter()
        while time.perf_counter() - start < seconds or len(result) < least:
            begin = time.perf_counter()
            run()
            result.append(time.perf_counter() - begin)
        return result

    run()  # torch.compile compiles in the first
    times(WARM_UP, 3)
    return times(seconds, 5)


class LabelledImages(torch.utils.data.Dataset):
    """The training images of a folder with IDX files, normalized one by one."""

    def __init__(self, folder):
        def values(name, header):
            with gzip.open(Path(folder, name)) as file:
                return torch.frombuffer(bytearray(file.read()[header:]), dtype=torch.uint8)

        self.images = values("train-images-idx3-ubyte.gz", 16).view(-1, 1, 28, 28)
        self.labels = values("train-labels-idx1-ubyte.gz", 8).long()

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return (self.images[index] / 255 - 0.286) / 0.353, self.labels[index]


def epoch(workload, folder):
    """Seconds of one pass over the training images, shuffled."""
    make, _, _, _, batch, optimizer = WORKLOADS[workload]
    model, images = make(), LabelledImages(folder)
    optimizer = optimizer(model.parameters())
    begin = time.perf_counter()
    for x, y in torch.utils.data.DataLoader(images, batch, shuffle=True):
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    return time.perf_counter() - begin


def main():
    peer, workload, phase, length = sys.argv[1:]
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.manual_seed(0)
    if phase == "epoch":
        times = [epoch(workload, length)]
    elif phase == "train":
        step = adversarial_step(peer) if workload == "dcgan" else training_step(peer, workload)
        times = measure(step, float(length))
    else:
        with torch.inference_mode():
            times = measure(inference(peer, workload), float(length))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": statistics.median(times), "fastest_seconds": min(times), "bytes": peak}))


if __name__ == "__main__":
    main()

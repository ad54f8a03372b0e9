"""One step of gan.adversarial in PyTorch: what the parameters of generator and discriminator change by.

The noise and the mixtures of the gradient penalty are the framework's own random numbers, from SDK/Sources/CLaminaMath; all
else is PyTorch's, the penalty by double backward. Run it here: python3 generate_adversarial.py
"""
import ctypes, os, pathlib, subprocess, tempfile
import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).resolve().parent
MATH = HERE.parents[2] / "SDK/Sources/CLaminaMath"
BATCH, NOISE, RATE, SEED = 4, 3, 0.05, 5
TRAINING, MIXTURES = 0x67616E0000000000, 0x67616E0200000000

library = os.path.join(tempfile.mkdtemp(), "random.so")
subprocess.check_call(
    ["clang", "-O2", "-shared", "-fPIC", "-march=native", "-I", str(MATH / "include"), "-o", library]
    + [str(path) for path in sorted(MATH.glob("*.c"))] + ["-lm"])
random = ctypes.CDLL(library)


def draw(kind, stream, shape):
    values = np.empty(shape, np.float32)
    getattr(random, "lamina_random_" + kind)(
        ctypes.c_uint64(SEED), ctypes.c_uint64(stream), ctypes.c_uint64(0),
        values.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(values.size))
    return torch.from_numpy(values)


class Generator(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.embed = nn.Embedding(classes, 2) if classes else None
        self.conv1 = nn.ConvTranspose2d(NOISE + (2 if classes else 0), 4, 4)
        self.norm = nn.BatchNorm2d(4)
        self.conv2 = nn.ConvTranspose2d(4, 1, 4, 2, 1)

    def forward(self, z, label=None):
        if self.embed is not None: z = torch.cat([z, self.embed(label)], 1)
        return torch.tanh(self.conv2(F.relu(self.norm(self.conv1(z[:, :, None, None])))))


class Discriminator(nn.Module):
    def __init__(self, classes, norm):
        super().__init__()
        self.embed = nn.Embedding(classes, 64) if classes else None
        self.conv1 = nn.Conv2d(2 if classes else 1, 3, 4, 2, 1)
        self.norm = nn.BatchNorm2d(3) if norm else None
        self.head = nn.Linear(48, 1)

    def forward(self, x, label=None):
        if self.embed is not None: x = torch.cat([x, self.embed(label).view(-1, 1, 8, 8)], 1)
        h = self.conv1(x)
        if self.norm is not None: h = self.norm(h)
        return self.head(F.leaky_relu(h, 0.2).flatten(1))


def discriminator_loss(form, real, fake, s):
    bce = F.binary_cross_entropy_with_logits
    if form in ("minimax", "non_saturating"):
        return bce(real, torch.full_like(real, 1 - s)) + bce(fake, torch.zeros_like(fake))
    if form == "least_squares": return ((real - 1 + s) ** 2).mean() / 2 + (fake ** 2).mean() / 2
    if form == "hinge": return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    return fake.mean() - real.mean()


def generator_loss(form, fake):
    bce = F.binary_cross_entropy_with_logits
    if form == "minimax": return -bce(fake, torch.zeros_like(fake))
    if form == "non_saturating": return bce(fake, torch.ones_like(fake))
    if form == "least_squares": return ((fake - 1) ** 2).mean() / 2
    return -fake.mean()


# name: form, smoothing, discriminator steps, clip, penalty, classes
CASES = {
    "minimax": ("minimax", 0, 1, 0, 0, 0), "non_saturating": ("non_saturating", 0.1, 1, 0, 0, 0),
    "least_squares": ("least_squares", 0.2, 1, 0, 0, 0), "hinge": ("hinge", 0, 1, 0, 0, 0),
    "wasserstein": ("wasserstein", 0, 2, 0.1, 0, 0), "penalty": ("wasserstein", 0, 2, 0, 10, 0),
    "classes": ("non_saturating", 0, 1, 0, 0, 3), "classes_penalty": ("wasserstein", 0, 1, 0, 10, 3),
}
out = {}
for name, (form, smoothing, rounds, clip, penalty, classes) in CASES.items():
    torch.manual_seed(sorted(CASES).index(name))
    g, d = Generator(classes), Discriminator(classes, norm=penalty == 0)
    real = torch.rand(rounds * BATCH, 1, 8, 8) * 2 - 1
    label = torch.arange(rounds * BATCH) % 3
    out[f"{name}.real"], out[f"{name}.label"] = real.numpy(), label.numpy()
    before = {}
    for part, network in (("generator", g), ("discriminator", d)):
        for key, value in network.named_parameters():
            before[f"{part}.{key}"] = value.detach().clone()
            out[f"{name}.{part}.{key}"] = value.detach().clone().numpy()
    sgd_g, sgd_d = (torch.optim.SGD(n.parameters(), RATE) for n in (g, d))
    for step in range(rounds):
        x = real[step * BATCH:(step + 1) * BATCH]
        y = label[step * BATCH:(step + 1) * BATCH] if classes else None
        fake = g(draw("normal", TRAINING + step, (BATCH, NOISE)), y)
        loss = discriminator_loss(form, d(x, y), d(fake.detach(), y), smoothing)
        if penalty:
            w = draw("uniform", MIXTURES + step, (BATCH, 1, 1, 1))
            mixed = (w * x + (1 - w) * fake.detach()).requires_grad_()
            slope, = torch.autograd.grad(d(mixed, y).sum(), mixed, create_graph=True)
            loss = loss + penalty * ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
        sgd_d.zero_grad(); loss.backward(); sgd_d.step()
        if clip:
            with torch.no_grad():
                for p in d.parameters(): p.clamp_(-clip, clip)
    sgd_g.zero_grad(); generator_loss(form, d(fake, y)).backward(); sgd_g.step()
    for part, network in (("generator", g), ("discriminator", d)):
        for key, value in network.named_parameters():
            change = (value.detach() - before[f"{part}.{key}"]) / -RATE
            out[f"{name}.change.{part}.{key}"] = change.numpy()
save_file({key: np.ascontiguousarray(value) for key, value in out.items()}, HERE / "adversarial.safetensors")
print((HERE / "adversarial.safetensors").stat().st_size, "bytes")

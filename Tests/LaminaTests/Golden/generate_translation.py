#!/usr/bin/env python3
"""Writes what one step of gan.pix2pix and gan.cyclegan does by PyTorch, in double precision: translation_<name>.safetensors.

Each file has the images `input`, the values `before/<network>.<parameter>` and the gradients `gradient/<network>.<parameter>` of
all networks. The others of a pair, or of the second kind, are the images turned by a quarter.

Run by hand: python3 generate_translation.py (needs torch, safetensors).
"""
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F


def generator():
    return nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(3, 1, 3, padding=1), nn.Tanh())


def discriminator(channels):
    return nn.Sequential(
        nn.Conv2d(channels, 3, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(3, 1, 3, padding=1))


class Game:
    """Networks that learn by gradient descent with a learning rate of 1, and what is known of them."""

    def __init__(self, name, **networks):
        self.name, self.networks, self.tensors = name, networks, {}
        for key, network in networks.items():
            network.double()
            for parameter in network.parameters():
                with torch.no_grad():
                    parameter.copy_(torch.randn_like(parameter).mul(0.3).float())
            self.put("before", key, lambda parameter: parameter)
        self.images = torch.rand(2, 1, 8, 8).mul(2).sub(1).double()
        self.tensors["input"] = self.images.float()

    def put(self, kind, key, value):
        for name, parameter in self.networks[key].named_parameters():
            layer, name = name.split(".")
            self.tensors[f"{kind}/{key}.conv{int(layer) // 2 + 1}.{name}"] = value(parameter).detach().clone().float()

    def step(self, loss, *keys):
        """All losses before any of the values change."""
        parameters = [parameter for key in keys for parameter in self.networks[key].parameters()]
        gradients = torch.autograd.grad(loss, parameters)
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = gradient
        for key in keys:
            self.put("gradient", key, lambda parameter: parameter.grad)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients):
                parameter -= gradient

    def save(self):
        path = pathlib.Path(__file__).parent / f"translation_{self.name}.safetensors"
        save_file(dict(sorted(self.tensors.items())), path)
        print(path.name, path.stat().st_size, "bytes")


def pix2pix():
    """Isola et al. 2017, section 3: the discriminator by half of its loss, then the generator."""
    torch.manual_seed(1)
    game = Game("pix2pix", generator=generator(), discriminator=discriminator(2))
    x, y = game.images, game.images.rot90(1, (2, 3))
    g, d = game.networks.values()
    made = g(x)

    def judge(images):
        return d(torch.cat([x, images], 1))

    def told(logits, real):
        return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, real))

    game.step((told(judge(y), 1.0) + told(judge(made.detach()), 0.0)) / 2, "discriminator")
    game.step(told(judge(made), 1.0) + 100 * F.l1_loss(made, y), "generator")
    game.save()


def cyclegan():
    """Zhu et al. 2017, sections 3 and 4: the generators on all of their losses, then the discriminators by half of theirs."""
    torch.manual_seed(2)
    game = Game(
        "cyclegan", a_to_b=generator(), b_to_a=generator(), discriminator_a=discriminator(1),
        discriminator_b=discriminator(1))
    a, b = game.images, game.images.rot90(1, (2, 3))
    there, back, judge_a, judge_b = game.networks.values()

    def told(logits, real):
        return F.mse_loss(logits, torch.full_like(logits, real))

    made_b, made_a = there(a), back(b)
    generators = (
        told(judge_b(made_b), 1.0) + told(judge_a(made_a), 1.0)
        + 10 * (F.l1_loss(back(made_b), a) + F.l1_loss(there(made_a), b))
        + 5 * (F.l1_loss(there(b), b) + F.l1_loss(back(a), a)))
    game.step(generators, "a_to_b", "b_to_a")
    for key, judge, real, made in (
            ("discriminator_a", judge_a, a, made_a), ("discriminator_b", judge_b, b, made_b)):
        game.step((told(judge(real), 1.0) + told(judge(made.detach()), 0.0)) / 2, key)
    game.save()


pix2pix()
cyclegan()

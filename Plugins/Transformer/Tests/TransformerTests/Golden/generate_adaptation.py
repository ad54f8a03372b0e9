"""Writes the golden files of the layers that adapt trained ones. Run by hand: python3 generate_adaptation.py."""
import torch
import torch.nn.functional as F

from golden_file import Golden, random


def lora():
    """As PEFT's Linear: result + lora_B(lora_A(x)) · alpha / rank."""
    golden = Golden("lora")
    for case, shape, units, attributes in [
        ("odd", [3, 7], 5, {"rank": 3, "alpha": 4}),
        ("sequence", [2, 5, 6], 9, {"rank": 2, "alpha": 16}),
        ("one", [4, 1], 1, {"rank": 1, "alpha": 0.5}),
        ("default", [2, 11], 3, {}),
    ]:
        rank, alpha = attributes.get("rank", 8), attributes.get("alpha", 8)
        parameters = {"lora_A": random(rank, shape[-1]), "lora_B": random(units, rank)}
        golden.add(case, attributes, {0: random(shape), 1: random(shape[:-1] + [units])}, parameters,
                   lambda x, p: [x[1] + F.linear(F.linear(x[0], p["lora_A"]), p["lora_B"]) * (alpha / rank)])
    golden.save()


def adapter():
    functions = {
        "relu": F.relu, "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu,
        "tanh": torch.tanh,
    }
    golden = Golden("adapter")
    for case, shape, attributes in [(name, [3, 7], {"size": 4, "activation": name}) for name in functions] + [
            ("sequence", [2, 5, 6], {"size": 3})]:
        size, width = attributes["size"], shape[-1]
        parameters = {"down.weight": random(size, width), "down.bias": random(size),
                      "up.weight": random(width, size), "up.bias": random(width)}
        function = functions[attributes.get("activation", "gelu")]
        golden.add(case, attributes, {0: random(shape)}, parameters, lambda x, p: [
            x[0] + F.linear(function(F.linear(x[0], p["down.weight"], p["down.bias"])), p["up.weight"], p["up.bias"])])
    golden.save()


def prompt():
    golden = Golden("prompt")
    for case, shape, attributes in [
        ("first", [2, 5, 3], {"count": 2}),
        ("behind", [3, 4, 5], {"count": 3, "at": 1}),
        ("deep", [2, 7, 3], {"count": 2, "at": 1, "replace": True}),
        ("all", [2, 3, 5], {"count": 3, "replace": True}),
    ]:
        count, at = attributes["count"], attributes.get("at", 0)
        rest = at + (count if attributes.get("replace") else 0)
        golden.add(case, attributes, {0: random(shape)}, {"weight": random(count, shape[2])},
                   lambda x, p: [torch.cat([
                       x[0][:, :at], p["weight"].expand(shape[0], -1, -1), x[0][:, rest:]], dim=1)])
    golden.save()


for write in [lora, adapter, prompt]:
    write()

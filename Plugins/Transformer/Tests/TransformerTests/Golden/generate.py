"""Writes the golden files of layers with PyTorch. Run by hand: python3 generate.py (needs torch)."""
import math

import torch
import torch.nn.functional as F

from golden_file import Golden, random


def rms_norm():
    golden = Golden("rms_norm")
    for case, shape, attributes in [
        ("odd", [3, 7], {}),
        ("large_epsilon", [2, 3, 17], {"epsilon": 0.25}),
        ("no_weight", [2, 5], {"weight": False}),
        ("long", [2, 37], {"epsilon": 1e-5}),
        ("one", [4, 1], {"epsilon": 0.5}),
    ]:
        parameters = {} if attributes.get("weight") is False else {"weight": random(shape[-1], low=0.2, high=1.8)}
        epsilon = attributes.get("epsilon", 1e-6)
        golden.add(case, attributes, {0: random(shape)}, parameters, lambda inputs, parameters: [
            F.rms_norm(inputs[0], shape[-1:], parameters.get("weight"), epsilon)])
    golden.save()


def gate():
    functions = {
        "silu": F.silu, "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        "sigmoid": torch.sigmoid, "relu": F.relu,
    }
    golden = Golden("gate")
    for name, function in functions.items():
        def compute(inputs, _):
            a, b = inputs[0].chunk(2, dim=-1)
            return [function(a) * b]
        golden.add(name, {"activation": name}, {0: random(2, 3, 14, low=-4, high=4)}, {}, compute)
    golden.add("default", {}, {0: random(3, 38)}, {}, lambda inputs, _: [
        F.silu(inputs[0][:, :19]) * inputs[0][:, 19:]])
    golden.save()


def angles(steps, size, base):
    """[steps, size / 2], in double."""
    frequencies = base ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
    return torch.arange(steps, dtype=torch.float64)[:, None] * frequencies


def rotated(x, heads, attributes):
    """The first `heads` heads of [N, T, width], turned as complex numbers."""
    depth = x.shape[2] // attributes["parts"]
    size = attributes.get("size", depth)
    y = x.double().unflatten(2, (-1, depth))
    turned, rest, values = y[:, :, :heads, :size], y[:, :, :heads, size:], y[:, :, heads:]
    if attributes.get("interleaved"):
        a, b = turned[..., 0::2], turned[..., 1::2]
    else:
        a, b = turned.chunk(2, dim=-1)
    angle = angles(x.shape[1], size, attributes.get("base", 10000))[None, :, None]
    z = torch.complex(a, b) * torch.polar(torch.ones_like(angle), angle)
    if attributes.get("interleaved"):
        turned = torch.stack([z.real, z.imag], dim=-1).flatten(-2)
    else:
        turned = torch.cat([z.real, z.imag], dim=-1)
    return torch.cat([torch.cat([turned, rest], dim=-1), values], dim=2).flatten(2).float()


def rotary():
    golden = Golden("rotary")
    for case, shape, attributes in [
        ("halves", [2, 7, 18], {"heads": 3}),
        ("pairs", [2, 5, 20], {"heads": 2, "interleaved": True}),
        ("part", [1, 6, 21], {"heads": 3, "size": 4, "base": 500}),
        ("part_pairs", [1, 6, 14], {"heads": 2, "size": 4, "interleaved": True}),
        ("packed", [1, 4, 32], {"heads": 4, "key_heads": 2, "packed": True}),
        ("far", [1, 100, 2], {"heads": 1, "base": 3}),
    ]:
        heads, key_heads = attributes["heads"], attributes.get("key_heads", attributes["heads"])
        packed = attributes.get("packed")
        parts = heads + 2 * key_heads if packed else heads
        count = heads + key_heads if packed else heads
        golden.add(case, attributes, {0: random(shape)}, {}, lambda inputs, _: [
            rotated(inputs[0], count, {**attributes, "parts": parts})])
    golden.save()


def sinusoidal_positions():
    golden = Golden("sinusoidal_positions")
    for case, shape, attributes in [
        ("even", [2, 5, 8], {}), ("odd", [1, 40, 5], {"scale": math.sqrt(5)}), ("base", [1, 3, 6], {"base": 50}),
    ]:
        def compute(inputs, _):
            x = inputs[0]
            steps, size = x.shape[1:]
            frequencies = attributes.get("base", 10000) ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
            angle = torch.arange(steps, dtype=torch.float64)[:, None] * frequencies
            table = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :size]
            return [(attributes.get("scale", 1) * x.double() + table).float()]
        golden.add(case, attributes, {0: random(shape)}, {}, compute)
    golden.save()


def learned_positions():
    golden = Golden("learned_positions")
    for case, shape, count in [("all", [2, 5, 3], 5), ("some", [3, 4, 7], 9)]:
        golden.add(case, {"count": count}, {0: random(shape)}, {"weight": random(count, shape[2])},
                   lambda inputs, parameters: [
                       inputs[0] + F.embedding(torch.arange(shape[1]), parameters["weight"])])
    golden.save()


def class_token():
    golden = Golden("class_token")
    golden.add("odd", {}, {0: random(3, 4, 5)}, {"weight": random(5)}, lambda inputs, parameters: [
        torch.cat([parameters["weight"].expand(3, 1, 5), inputs[0]], dim=1)])
    golden.save()


def segment_vectors():
    golden = Golden("segment_vectors")
    def added(inputs, parameters):
        segments = inputs.get(1, torch.zeros(inputs[0].shape[:2], dtype=torch.long))
        return [inputs[0] + F.embedding(segments, parameters["weight"])]
    golden.add("odd", {"count": 3}, {0: random(2, 5, 7), 1: torch.randint(3, (2, 5))},
               {"weight": random(3, 7)}, added)
    golden.add("alone", {"count": 2}, {0: random(3, 4, 5)}, {"weight": random(2, 5)}, added)
    golden.save()


def alibi_slopes(heads):
    """As in the code of the paper."""
    if math.log2(heads).is_integer():
        start = 2 ** (-2 ** -(math.log2(heads) - 3))
        return [start ** (head + 1) for head in range(heads)]
    power = 2 ** math.floor(math.log2(heads))
    return alibi_slopes(power) + alibi_slopes(2 * power)[0::2][:heads - power]


def attention(attributes, inputs):
    heads = attributes["heads"]
    key_heads = attributes.get("key_heads", heads)
    query, key, value = inputs[0], inputs.get(1), inputs.get(2)
    if key is None:
        depth = query.shape[2] // (heads + 2 * key_heads)
        query, key, value = query.split([heads * depth, key_heads * depth, key_heads * depth], dim=2)
    query, key, value = (x.unflatten(2, (count, -1)).transpose(1, 2)
                         for x, count in ((query, heads), (key, key_heads), (value, key_heads)))
    options = {"scale": attributes.get("scale"), "enable_gqa": key_heads != heads}
    queries, keys = query.shape[2], key.shape[2]
    if set(attributes) <= {"heads", "key_heads", "scale"} and 3 not in inputs:
        y = F.scaled_dot_product_attention(query, key, value, **options)
    elif set(attributes) <= {"heads", "key_heads", "scale", "causal"} and 3 not in inputs and queries == keys:
        y = F.scaled_dot_product_attention(query, key, value, is_causal=True, **options)
    else:
        places = torch.arange(queries)[:, None] + keys - queries
        others = torch.arange(keys)[None, :]
        distance = (places - others).abs()
        seen = torch.ones(query.shape[0], 1, queries, keys, dtype=torch.bool)
        if attributes.get("causal"):
            seen = seen & (others <= places)
        if "window" in attributes:
            seen = seen & (distance < attributes["window"])
        if 3 in inputs:
            seen = seen & (others < inputs[3][:, None, None, None])
        bias = torch.zeros(query.shape[0], heads, queries, keys)
        if attributes.get("alibi"):
            slopes = torch.tensor(alibi_slopes(heads))
            bias = bias - slopes[:, None, None] * distance
        y = F.scaled_dot_product_attention(
            query, key, value, attn_mask=bias.masked_fill(~seen, -math.inf), **options)
    return [y.transpose(1, 2).flatten(2)]


def dot_product_attention():
    golden = Golden("dot_product_attention")
    packed = {0: random(2, 7, 27)}

    def apart(batch, queries, keys, heads, key_heads, depth, value_depth):
        return {0: random(batch, queries, heads * depth), 1: random(batch, keys, key_heads * depth),
                2: random(batch, keys, key_heads * value_depth)}

    for case, attributes, inputs in [
        ("plain", {"heads": 3}, packed),
        ("causal", {"heads": 3, "causal": True}, packed),
        ("cross", {"heads": 3}, apart(2, 3, 5, 3, 3, 5, 2)),
        ("grouped", {"heads": 6, "key_heads": 3}, apart(1, 5, 5, 6, 3, 3, 3)),
        ("grouped_causal", {"heads": 4, "key_heads": 1, "causal": True, "scale": 0.3}, apart(1, 5, 5, 4, 1, 3, 5)),
        ("grouped_packed", {"heads": 3, "key_heads": 1, "causal": True}, {0: random(1, 9, 15)}),
        ("padding", {"heads": 2}, {**apart(3, 4, 6, 2, 2, 3, 3), 3: torch.tensor([6, 1, 4])}),
        ("padding_causal", {"heads": 1, "causal": True}, {**apart(2, 5, 5, 1, 1, 3, 3), 3: torch.tensor([5, 2])}),
        ("window", {"heads": 1, "window": 3}, {0: random(1, 9, 9)}),
        ("window_causal", {"heads": 1, "window": 4, "causal": True}, {0: random(1, 11, 9)}),
        ("alibi", {"heads": 3, "alibi": True}, {0: random(1, 7, 18)}),
        ("alibi_causal", {"heads": 5, "alibi": True, "causal": True}, {0: random(1, 5, 30)}),
        ("newest", {"heads": 2, "causal": True}, apart(1, 2, 7, 2, 2, 3, 3)),
        # Several blocks of 128 keys, and of 48 queries.
        ("tiles", {"heads": 1}, apart(1, 51, 270, 1, 1, 3, 2)),
        ("tiles_causal", {"heads": 1, "causal": True}, {0: random(1, 275, 3)}),
        ("tiles_window", {"heads": 1, "window": 140}, {0: random(1, 300, 3)}),
        ("tiles_open", {"heads": 2, "key_heads": 1, "alibi": True, "window": 150},
         {**apart(2, 60, 290, 2, 1, 1, 1), 3: torch.tensor([263, 129])}),
        ("tiles_all", {"heads": 2, "key_heads": 1, "causal": True, "alibi": True, "window": 135},
         {**apart(1, 280, 280, 2, 1, 1, 1), 3: torch.tensor([262])}),
        ("deep", {"heads": 1, "causal": True}, {0: random(1, 3, 3 * 67)}),
    ]:
        golden.add(case, attributes, inputs, {}, lambda inputs, _: attention(attributes, inputs))
    golden.save()


for write in [rms_norm, gate, rotary, sinusoidal_positions, learned_positions, class_token, segment_vectors,
              dot_product_attention]:
    write()

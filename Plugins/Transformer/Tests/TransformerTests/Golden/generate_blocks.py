#!/usr/bin/env python3
"""Writes golden files of the Transformer family's blocks with PyTorch: block_<name>.safetensors beside this file.

Run by hand: python3 generate_blocks.py (needs torch). Everything is computed in double precision.

A file holds cases of one block. The metadata has a JSON text per case, {"attributes": {…}}; tensors are named
`<case>/input.0` (those not connected are left out), `<case>/parameter.<name>`, `<case>/target`, `<case>/output`, and, of the
mean squared error between output and target, `<case>/input_gradient.0` and `<case>/parameter_gradient.<name>`.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

from golden_file import FOLDER, GoldenFile, random


class Golden(GoldenFile):
    """The cases of one block."""

    def __init__(self, block):
        super().__init__(FOLDER / f"block_{block}")

    def add(self, case, attributes, module, *inputs):
        """Random parameters, forward, and backward of the distance to a random target. None: not connected."""
        module = module.double().train()
        with torch.no_grad():
            for parameter in module.parameters():
                # Neither zeros nor ones, which biases and norms begin with: they would hide where they act.
                scale = round(1.7 / math.sqrt(parameter.shape[-1]), 1) if parameter.dim() > 1 else 0.8
                offset = 1 if parameter.dim() == 1 and bool((parameter == 1).all()) else 0
                parameter.copy_(random(parameter.shape, low=offset - scale, high=offset + scale))
        inputs = [x if x is None or not x.is_floating_point() else
                  x.float().double().requires_grad_() for x in inputs]
        output = module(*inputs)
        target = random(output.shape).double()
        F.mse_loss(output, target).backward()
        self.describe(case, attributes=attributes)
        for index, x in enumerate(inputs):
            if x is None:
                continue
            self.put(case, f"input.{index}", x)
            if x.is_floating_point():
                self.put(case, f"input_gradient.{index}", x.grad)
        self.put(case, "target", target)
        self.put(case, "output", output)
        for name, value in module.named_parameters():
            for name, value, gradient in ours(name, value, value.grad):
                self.put(case, "parameter." + name, value)
                self.put(case, "parameter_gradient." + name, gradient)


def ours(name, value, gradient):
    """Our names of a parameter of PyTorch's modules; its cross-attentions have three matrices in one."""
    *path, last = name.split(".")
    if not last.startswith("in_proj_"):
        cross = {"q_proj_weight": "q_proj.weight", "k_proj_weight": "k_proj.weight", "v_proj_weight": "v_proj.weight"}
        yield ".".join(path + [cross.get(last, last)]), value, gradient
    elif path and path[-1] in ("multihead_attn", "cross"):
        for part, v, g in zip("qkv", value.chunk(3), gradient.chunk(3)):
            yield ".".join(path + [f"{part}_proj", last.removeprefix("in_proj_")]).removeprefix("cross."), v, g
    else:
        yield ".".join(path + ["in_proj", last.removeprefix("in_proj_")]), value, gradient


def padding(lengths, steps):
    return None if lengths is None else torch.arange(steps) >= lengths[:, None]


def causal(steps):
    return torch.ones(steps, steps, dtype=torch.bool).triu(1)


# Attention: PyTorch's module where it can, else written out.

class SelfAttention(nn.Module):
    """PyTorch's, with a mask and lengths."""

    def __init__(self, units, heads, bias=True, is_causal=False):
        super().__init__()
        whole = nn.MultiheadAttention(units, heads, bias=bias, batch_first=True)
        self.whole, self.is_causal = [whole], is_causal
        for name, value in whole.named_parameters(recurse=False):
            self.register_parameter(name, value)
        self.out_proj = whole.out_proj

    def forward(self, x, memory=None, lengths=None):
        mask = causal(x.shape[1]) if self.is_causal else None
        return self.whole[0](x, x, x, key_padding_mask=padding(lengths, x.shape[1]), attn_mask=mask,
                             need_weights=False)[0]


class CrossAttention(nn.Module):
    def __init__(self, units, heads, memory):
        super().__init__()
        self.cross = nn.MultiheadAttention(units, heads, batch_first=True, kdim=memory, vdim=memory)

    def forward(self, x, memory, lengths=None):
        return self.cross(x, memory, memory, key_padding_mask=padding(lengths, memory.shape[1]), need_weights=False)[0]

    def named_parameters(self, *arguments, **keywords):
        for name, value in super().named_parameters(*arguments, **keywords):
            # The bias alone is in one; what is "cross." before a weight is the module's own.
            yield name if name.startswith("cross.in_proj") else name.removeprefix("cross."), value


def turned(x, base):
    """Rotary positions of [N, heads, T, D], whose pairs are halves."""
    steps, depth = x.shape[-2:]
    angles = torch.arange(steps)[:, None] * base ** (-torch.arange(0, depth, 2, dtype=torch.double) / depth)
    a, b = x.chunk(2, -1)
    return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], -1)


def slopes(heads):
    """ALiBi's, as the paper's code chooses them."""
    whole = 2 ** int(math.log2(heads))
    powers = [2.0 ** (-8 * (index + 1) / whole) for index in range(whole)]
    powers += [2.0 ** (-4 * (index + 1) / whole) for index in range(0, 2 * whole, 2)][:heads - whole]
    return torch.tensor(powers, dtype=torch.double)


class Attention(nn.Module):
    """Written out: grouped keys, windows, slopes and rotary positions."""

    def __init__(self, units, heads, key_heads=None, head_size=None, is_causal=False, window=None, alibi=False,
                 rotary=None, bias=True):
        super().__init__()
        self.heads, self.key_heads, self.size = heads, key_heads or heads, head_size or units // heads
        self.is_causal, self.window, self.alibi, self.rotary = is_causal, window, alibi, rotary
        self.in_proj = nn.Linear(units, (self.heads + 2 * self.key_heads) * self.size, bias)
        self.out_proj = nn.Linear(self.heads * self.size, units, bias)

    def forward(self, x):
        steps = x.shape[1]
        widths = [count * self.size for count in (self.heads, self.key_heads, self.key_heads)]
        q, k, v = (part.unflatten(-1, (-1, self.size)).transpose(1, 2) for part in self.in_proj(x).split(widths, -1))
        if self.rotary:
            q, k = turned(q, self.rotary), turned(k, self.rotary)
        k, v = (part.repeat_interleave(self.heads // self.key_heads, 1) for part in (k, v))
        distance = torch.arange(steps)[:, None] - torch.arange(steps)
        scores = q @ k.transpose(-1, -2) / math.sqrt(self.size)
        if self.alibi:
            scores = scores - slopes(self.heads)[:, None, None] * distance.abs()
        if self.window:
            scores = scores.masked_fill(distance.abs() >= self.window, -math.inf)
        if self.is_causal:
            scores = scores.masked_fill(distance < 0, -math.inf)
        return self.out_proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


# Layers

class EncoderLayer(nn.TransformerEncoderLayer):
    def __init__(self, *arguments, is_causal=False, **keywords):
        super().__init__(*arguments, dropout=0, batch_first=True, **keywords)
        self.is_causal = is_causal

    def forward(self, x, lengths=None):
        mask = causal(x.shape[1]) if self.is_causal else None
        return super().forward(x, src_mask=mask, src_key_padding_mask=padding(lengths, x.shape[1]))


class DecoderLayer(nn.TransformerDecoderLayer):
    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, dropout=0, batch_first=True, **keywords)

    def forward(self, x, memory, lengths=None):
        return super().forward(
            x, memory, tgt_mask=causal(x.shape[1]), memory_key_padding_mask=padding(lengths, memory.shape[1]))


class Llama(nn.Module):
    """RMS norms before sublayers, a gated feed-forward network."""

    def __init__(self, units, feed_forward, activation=F.silu, **attention):
        super().__init__()
        self.self_attn = Attention(units, bias=False, **attention)
        self.norm1, self.norm2 = nn.RMSNorm(units, 1e-5), nn.RMSNorm(units, 1e-5)
        self.linear1 = nn.Linear(units, 2 * feed_forward, False)
        self.linear2 = nn.Linear(feed_forward, units, False)
        self.activation = activation

    def forward(self, x):
        x = x + self.self_attn(self.norm1(x))
        gate, values = self.linear1(self.norm2(x)).chunk(2, -1)
        return x + self.linear2(self.activation(gate) * values)


class Sloped(nn.Module):
    """Norms after residuals, slopes."""

    def __init__(self, units, feed_forward, **attention):
        super().__init__()
        self.self_attn = Attention(units, **attention)
        self.norm1, self.norm2 = nn.LayerNorm(units), nn.LayerNorm(units)
        self.linear1, self.linear2 = nn.Linear(units, feed_forward), nn.Linear(feed_forward, units)

    def forward(self, x):
        x = self.norm1(x + self.self_attn(x))
        return self.norm2(x + self.linear2(F.gelu(self.linear1(x), approximate="tanh")))


# Models

class Table(nn.Module):
    """Learned positions, or any vectors by step."""

    def __init__(self, *shape):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(*shape))


def sinusoids(steps, units, base=10000):
    angles = torch.arange(steps)[:, None] * base ** (-torch.arange(0, units, 2, dtype=torch.double) / units)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)[:, :units]


class GPT(nn.Module):
    def __init__(self, vocabulary, units, layers, norm, context=None, tied=True, bias=False):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, units)
        if context:
            self.positions = Table(context, units)
        self.layers, self.norm = nn.ModuleList(layers), norm
        self.output = nn.Linear(units, vocabulary, bias)
        if tied:
            self.output.weight = self.embedding.weight
        self.has_table = context is not None

    def forward(self, tokens):
        x = self.embedding(tokens)
        if self.has_table:
            x = x + self.positions.weight[:tokens.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return self.output(self.norm(x))


class BERT(nn.Module):
    def __init__(self, vocabulary, units, layers, context, classes=None, segments=None, output_bias=False):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(vocabulary, units), Table(context, units)
        if segments:
            self.segment_embedding = nn.Embedding(segments, units)
        self.has_segments = segments is not None
        if output_bias:
            self.output = nn.Module()
            self.output.bias = nn.Parameter(torch.zeros(vocabulary))
        self.has_output_bias = output_bias
        self.embedding_norm, self.layers = nn.LayerNorm(units, 1e-12), nn.ModuleList(layers)
        if classes:
            self.pooler, self.classifier = nn.Linear(units, units), nn.Linear(units, classes)
        else:
            self.transform, self.transform_norm = nn.Linear(units, units), nn.LayerNorm(units, 1e-12)
        self.classes = classes

    def forward(self, tokens, lengths=None, segments=None):
        x = self.embedding(tokens) + self.positions.weight[:tokens.shape[1]]
        if self.has_segments:
            x = x + self.segment_embedding(torch.zeros_like(tokens) if segments is None else segments)
        x = self.embedding_norm(x)
        for layer in self.layers:
            x = layer(x, lengths)
        if self.classes:
            return self.classifier(torch.tanh(self.pooler(x[:, 0])))
        x = self.transform_norm(F.gelu(self.transform(x))) @ self.embedding.weight.T
        return x + self.output.bias if self.has_output_bias else x


class ViT(nn.Module):
    def __init__(self, channels, patch, patches, units, layers, classes=None, mean=False):
        super().__init__()
        self.patches = nn.Conv2d(channels, units, patch, patch)
        if not mean:
            self.class_token = Table(units)
        self.positions = Table(patches + (not mean), units)
        self.layers, self.norm, self.mean = nn.ModuleList(layers), nn.LayerNorm(units), mean
        self.head = nn.Linear(units, classes) if classes else nn.Identity()

    def forward(self, images):
        x = self.patches(images).flatten(2).transpose(1, 2)
        if not self.mean:
            x = torch.cat([self.class_token.weight.expand(len(x), 1, -1), x], 1)
        x = x + self.positions.weight
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x.mean(1) if self.mean else x[:, 0]))


class Half(nn.Module):
    """One side of an encoder-decoder: the names of ours."""


class EncoderDecoder(nn.Module):
    """PyTorch's nn.Transformer between vectors of tokens and logits."""

    def __init__(self, source, target, units, heads, layers, feed_forward, tied, shared, **keywords):
        super().__init__()
        whole = nn.Transformer(units, heads, layers, layers, feed_forward, 0, batch_first=True, **keywords)
        self.encoder, self.decoder, self.whole, self.units = Half(), Half(), [whole], units
        self.encoder.embedding = nn.Embedding(source, units)
        self.decoder.embedding = self.encoder.embedding if shared else nn.Embedding(target, units)
        for half, stack in ((self.encoder, whole.encoder), (self.decoder, whole.decoder)):
            half.layers, half.norm = stack.layers, stack.norm
        self.decoder.output = nn.Linear(units, target, not tied)
        if tied:
            self.decoder.output.weight = self.decoder.embedding.weight

    def vectors(self, half, tokens):
        return math.sqrt(self.units) * half.embedding(tokens) + sinusoids(tokens.shape[1], self.units)

    def forward(self, source, target, lengths=None):
        mask = padding(lengths, source.shape[1])
        end = self.whole[0](
            self.vectors(self.encoder, source), self.vectors(self.decoder, target), tgt_mask=causal(target.shape[1]),
            src_key_padding_mask=mask, memory_key_padding_mask=mask)
        return self.decoder.output(end)


def multi_head_attention():
    golden = Golden("multi_head_attention")
    golden.add("self", dict(units=6, heads=3), SelfAttention(6, 3), random(2, 5, 6))
    golden.add("self_lengths", dict(units=6, heads=2, bias=False), SelfAttention(6, 2, bias=False),
               random(3, 7, 6), None, torch.tensor([7, 1, 4]))
    golden.add("causal_odd", dict(units=9, heads=3, causal=True), SelfAttention(9, 3, is_causal=True),
               random(2, 5, 9))
    golden.add("cross", dict(units=8, heads=4, cross=True), CrossAttention(8, 4, 5), random(2, 3, 8),
               random(2, 5, 5))
    golden.add("cross_lengths", dict(units=6, heads=1, cross=True), CrossAttention(6, 1, 5), random(2, 9, 6),
               random(2, 4, 5), torch.tensor([2, 4]))
    form = dict(heads=4, key_heads=2, head_size=4, window=3, rotary=100.0)
    golden.add("grouped", dict(units=5, **form), Attention(5, **form), random(2, 7, 5))
    form = dict(heads=3, alibi=True)
    golden.add("sloped", dict(units=9, causal=True, **form), Attention(9, is_causal=True, **form), random(1, 6, 9))
    golden.save()


def layers():
    golden = Golden("encoder_layer")
    golden.add("post_relu", dict(units=6, heads=3, feed_forward=7), EncoderLayer(6, 3, 7), random(2, 5, 6))
    golden.add("pre_gelu", dict(units=4, heads=2, norm="pre", activation="gelu", bias=False, epsilon=1e-6),
               EncoderLayer(4, 2, 16, activation="gelu", norm_first=True, bias=False, layer_norm_eps=1e-6),
               random(3, 6, 4), torch.tensor([6, 3, 1]))
    form = dict(heads=4, key_heads=1, rotary=10000.0)
    golden.add("llama", dict(units=8, feed_forward=5, norm="pre", normalization="rms_norm", activation="silu",
                             gated=True, bias=False, causal=True, **form),
               Llama(8, 5, is_causal=True, **form), random(2, 5, 8))
    form = dict(heads=2, alibi=True, window=4)
    golden.add("sloped", dict(units=6, feed_forward=9, activation="gelu_tanh", **form), Sloped(6, 9, **form),
               random(2, 7, 6))
    golden.save()
    golden = Golden("decoder_layer")
    golden.add("post_relu", dict(units=6, heads=3, feed_forward=7), DecoderLayer(6, 3, 7), random(2, 5, 6),
               random(2, 7, 6), torch.tensor([3, 7]))
    golden.add("pre_gelu", dict(units=4, heads=2, feed_forward=5, norm="pre", activation="gelu"),
               DecoderLayer(4, 2, 5, activation="gelu", norm_first=True), random(2, 4, 4), random(2, 3, 4))
    golden.save()


def models():
    golden = Golden("gpt")
    golden.add("gpt2", dict(vocabulary=11, units=6, heads=3, layers=2, context=9),
               GPT(11, 6, [EncoderLayer(6, 3, 24, activation="gelu", norm_first=True, is_causal=True)
                            for _ in range(2)], nn.LayerNorm(6), context=9), torch.randint(11, (2, 7)))
    form = dict(heads=4, key_heads=2)
    golden.add("llama", dict(vocabulary=9, units=8, layers=2, feed_forward=5, positions="rotary", base=100.0,
                             normalization="rms_norm", activation="silu", gated=True, bias=False, tied=False, **form),
               GPT(9, 8, [Llama(8, 5, is_causal=True, rotary=100.0, **form) for _ in range(2)], nn.RMSNorm(8, 1e-5),
                   tied=False), torch.randint(9, (2, 5)))
    golden.add("sloped", dict(vocabulary=7, units=6, heads=2, layers=1, feed_forward=9, positions="alibi", norm="post",
                              activation="gelu_tanh", tied=False, output_bias=True),
               GPT(7, 6, [Sloped(6, 9, heads=2, alibi=True, is_causal=True)], nn.Identity(), tied=False, bias=True),
               torch.randint(7, (2, 5)))
    golden.add("tied_bias", dict(vocabulary=7, units=6, heads=2, layers=1, context=5, feed_forward=9, output_bias=True),
               GPT(7, 6, [EncoderLayer(6, 2, 9, activation="gelu", norm_first=True, is_causal=True)], nn.LayerNorm(6),
                   context=5, bias=True), torch.randint(7, (2, 5)))
    golden.save()

    def encoder(units, heads, feed_forward, epsilon, norm_first):
        return EncoderLayer(units, heads, feed_forward, activation="gelu", layer_norm_eps=epsilon, norm_first=norm_first)

    golden = Golden("bert")
    form = dict(vocabulary=13, units=4, heads=2, layers=2, feed_forward=6, context=6, dropout=0.0)
    golden.add("masked", form, BERT(13, 4, [encoder(4, 2, 6, 1e-12, False) for _ in range(2)], 6),
               torch.randint(13, (3, 6)), torch.tensor([4, 6, 1]))
    one = form | dict(layers=1)
    golden.add("classes", one | dict(classes=3),
               BERT(13, 4, [encoder(4, 2, 6, 1e-12, False)], 6, classes=3),
               torch.randint(13, (3, 5)), torch.tensor([4, 5, 2]))
    more = dict(segments=3, output_bias=True)
    golden.add("segments", one | more,
               BERT(13, 4, [encoder(4, 2, 6, 1e-12, False)], 6, **more),
               torch.randint(13, (3, 6)), torch.tensor([4, 6, 1]), torch.randint(3, (3, 6)))
    golden.add("one_segment", one | dict(segments=2, classes=4),
               BERT(13, 4, [encoder(4, 2, 6, 1e-12, False)], 6, classes=4, segments=2),
               torch.randint(13, (2, 4)))
    golden.save()
    golden = Golden("vit")
    golden.add("class", dict(image=[6, 8], patch=[3, 2], units=6, heads=3, layers=2, feed_forward=5, classes=5),
               ViT(2, (3, 2), 8, 6, [encoder(6, 3, 5, 1e-5, True) for _ in range(2)], classes=5),
               random(2, 2, 6, 8))
    golden.add("mean", dict(image=4, patch=2, units=6, heads=1, layers=1, pool="mean"),
               ViT(1, 2, 4, 6, [encoder(6, 1, 24, 1e-5, True)], mean=True), random(2, 1, 4, 4))
    golden.save()
    golden = Golden("encoder_decoder")
    form = dict(units=4, heads=2, layers=2, feed_forward=5)
    lengths = torch.tensor([5, 2, 3])
    golden.add("post_tied", form | dict(source_vocabulary=9, target_vocabulary=7, final_norm=True, dropout=0.0),
               EncoderDecoder(9, 7, tied=True, shared=False, **form), torch.randint(9, (3, 5)), torch.randint(7, (3, 4)),
               lengths)
    form["layers"] = 1
    golden.add("pre_shared", form | dict(source_vocabulary=9, target_vocabulary=9, dropout=0.0, norm="pre",
                                         activation="gelu", tied=False, shared_embedding=True),
               EncoderDecoder(9, 9, tied=False, shared=True, norm_first=True, activation="gelu", **form),
               torch.randint(9, (2, 3)), torch.randint(9, (2, 6)))
    golden.save()


if __name__ == "__main__":
    torch.set_num_threads(1)
    multi_head_attention()
    layers()
    models()

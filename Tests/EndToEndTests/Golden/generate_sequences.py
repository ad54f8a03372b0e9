#!/usr/bin/env python3
"""Like generate.py, for encoder-decoders: what PyTorch makes of the weights that `lamina init` draws.

    make && LAMINA_COMMAND=.build/release/lamina python3 Tests/EndToEndTests/Golden/generate_sequences.py

Beside what generate.py says, a file holds the inputs (I64): input/source, input/previous, input/lengths, input/target.
"""
import json, os, sys
import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn

from generate import HERE, initial_weights, projections, samples

SOURCE, TARGET, UNITS, EMBEDDING = 11, 10, 6, 5
LENGTHS = (7, 3, 5)
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


class Encoder(nn.Module):
    def __init__(self, cell, layers, bidirectional, bridge):
        super().__init__()
        self.embedding = nn.Embedding(SOURCE, EMBEDDING)
        self.rnn = CELLS[cell](EMBEDDING, UNITS, layers, batch_first=True, bidirectional=bidirectional)
        self.bidirectional, self.bridge = bidirectional, bridge or bidirectional
        if self.bridge:
            size = UNITS * (1 + bidirectional)
            self.bridge_hidden = nn.Linear(size, UNITS)
            if cell == "lstm":
                self.bridge_cell = nn.Linear(size, UNITS)

    def forward(self, tokens, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        memory, states = self.rnn(packed)
        memory = nn.utils.rnn.pad_packed_sequence(memory, batch_first=True, total_length=tokens.shape[1])[0]
        states = list(states) if isinstance(states, tuple) else [states]
        last = torch.cat(list(states[0][-2:] if self.bidirectional else states[0][-1:]), -1)
        if self.bidirectional:
            states = [torch.cat([s[0::2], s[1::2]], -1) for s in states]
        if self.bridge:
            states[0] = torch.tanh(self.bridge_hidden(states[0]))
            if len(states) > 1:
                states[1] = self.bridge_cell(states[1])
        return memory, last, states


class Attention(nn.Module):
    def __init__(self, memory, score, window, units, bias):
        super().__init__()
        self.score, self.window, self.bias = score, window, bias
        shapes = {"score_weight": (UNITS, memory), "output_weight": (units, memory + UNITS)}
        if score == "concat":
            shapes |= {"score_weight": (units, UNITS + memory), "score_vector": (units,)}
        if window:
            shapes |= {"position_weight": (units, UNITS), "position_vector": (units,)}
        if bias:
            for key in [key for key in shapes if key.endswith("weight")]:
                shapes[key.replace("weight", "bias")] = (units,)
        for key, shape in shapes.items():
            self.register_parameter(key, nn.Parameter(torch.zeros(shape)))

    def dense(self, kind, x):
        y = x @ getattr(self, kind + "_weight").T
        return y + getattr(self, kind + "_bias") if self.bias else y

    def forward(self, query, memory, lengths):
        tq, tk = query.shape[1], memory.shape[1]
        if self.score == "general":
            scores = query @ self.score_weight @ memory.transpose(1, 2)
        else:
            pairs = torch.cat(
                [query[:, :, None].expand(-1, -1, tk, -1), memory[:, None].expand(-1, tq, -1, -1)], -1)
            scores = torch.tanh(self.dense("score", pairs)) @ self.score_vector
        steps = torch.arange(tk)
        counts = (steps < lengths[:, None])[:, None].expand(-1, tq, -1)
        factor = 1
        if self.window:
            position = lengths[:, None] * torch.sigmoid(torch.tanh(self.dense("position", query)) @ self.position_vector)
            distance = steps - position[..., None]
            counts = counts & (distance.abs() <= self.window)
            factor = torch.exp(-distance ** 2 / (2 * (self.window / 2) ** 2))
        weights = scores.masked_fill(~counts, float("-inf")).softmax(-1) * factor
        return torch.tanh(self.dense("output", torch.cat([weights @ memory, query], -1)))


class Decoder(nn.Module):
    def __init__(self, cell, layers, context, memory, attention):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(TARGET, EMBEDDING)
        size = EMBEDDING + (memory if context == "concatenated" else 0)
        self.rnn = CELLS[cell](size, UNITS, layers, batch_first=True)
        size = UNITS
        if context == "attention":
            self.attention = Attention(memory, **attention)
            size = attention["units"]
        self.output = nn.Linear(size, TARGET)

    def forward(self, tokens, memory, last, states, lengths):
        x = self.embedding(tokens)
        if self.context == "concatenated":
            x = torch.cat([x, last[:, None].expand(-1, x.shape[1], -1)], -1)
        x = self.rnn(x, tuple(states) if len(states) > 1 else states[0])[0]
        return self.output(self.attention(x, memory, lengths) if self.context == "attention" else x)


class EncoderDecoder(nn.Module):
    def __init__(self, cell="lstm", layers=1, context="attention", bidirectional=False, bridge=False, attention=None):
        super().__init__()
        self.encoder = Encoder(cell, layers, bidirectional, bridge)
        self.decoder = Decoder(cell, layers, context, UNITS * (1 + bidirectional), attention)

    def forward(self, source, previous, lengths):
        memory, last, states = self.encoder(source, lengths)
        return self.decoder(previous, memory, last, states, lengths)


MODELS = {
    "attention": dict(
        layers=2, bidirectional=True, attention=dict(score="general", window=0, units=UNITS, bias=False)),
    "local": dict(cell="gru", bridge=True, attention=dict(score="concat", window=2, units=7, bias=True)),
    "concatenated": dict(cell="gru", layers=2, context="concatenated"),
    "initial-state": dict(context="initial_state", bidirectional=True),
}


def inputs():
    """Sources of different lengths; targets that end early, padded with 0."""
    random = np.random.default_rng(5)
    source, target = random.integers(1, SOURCE, (3, max(LENGTHS))), random.integers(1, TARGET, (3, 6))
    for row, length in enumerate(LENGTHS):
        source[row, length:] = 0
    target[1, 4:] = 0
    previous = np.concatenate([np.full((3, 1), 1), target[:, :-1]], 1)
    return {"source": source, "previous": previous, "lengths": np.array(LENGTHS), "target": target}


def compute(network, data, dtype):
    network = network.to(dtype)
    values = {key: torch.from_numpy(value) for key, value in data.items()}
    output = network(values["source"], values["previous"], values["lengths"])
    loss = nn.functional.cross_entropy(output.transpose(1, 2), values["target"], ignore_index=0)
    network.zero_grad()
    loss.backward()
    gradients = {key: value.grad.numpy().astype(np.float64) for key, value in network.named_parameters()}
    # The vectors of padding get none.
    gradients["encoder.embedding.weight"][0] = 0
    if network.pads_target:
        gradients["decoder.embedding.weight"][0] = 0
    return output.detach(), loss.item(), dict(sorted(gradients.items()))


def generate(name):
    weights, data = initial_weights(name), inputs()

    def network():
        result = EncoderDecoder(**MODELS[name])
        result.load_state_dict(weights, strict=True)
        result.pads_target = name == "attention"
        return result

    output, loss, gradients = compute(network(), data, torch.float64)
    rough_output, _, rough = compute(network(), data, torch.float32)
    assert float((rough_output - output).abs().max() / output.abs().max()) < 1e-5
    rows = []
    for key, values in gradients.items():
        flat, error = values.ravel(), np.abs(rough[key] - values).max()
        assert error < 1e-4 * np.abs(flat).max(), key
        rows.append([np.sqrt(np.square(flat).sum()), np.abs(flat).max(), *projections(flat), error])
    flat = {key: value.double().numpy().ravel() for key, value in sorted(weights.items())}
    tensors = {"weights": np.array([[v.sum(), np.square(v).sum()] for v in flat.values()], dtype=np.float64)}
    tensors |= {"input/" + key: value.astype(np.int64) for key, value in data.items()}
    # Without dropout, training gives the same as inference.
    tensors |= {
        "training/output": output.numpy().astype(np.float32), "training/loss": np.array(loss, dtype=np.float64),
        "training/moments": np.array(rows, dtype=np.float64),
        "training/samples": np.concatenate([samples(v.ravel()) for v in gradients.values()]).astype(np.float32)}
    metadata = {
        "weights": json.dumps([[key, list(weights[key].shape)] for key in flat], separators=(",", ":")),
        "gradients": json.dumps([[key, list(value.shape)] for key, value in gradients.items()], separators=(",", ":"))}
    path = os.path.join(HERE, name + ".safetensors")
    save_file(tensors, path, metadata)
    os.chmod(path, 0o644)
    print(f"{name}: loss {loss:.4f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:] or MODELS:
        generate(name)

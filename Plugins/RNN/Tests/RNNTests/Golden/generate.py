"""Writes the golden files of recurrent layers with PyTorch. Run by hand: python3 generate.py (needs torch)."""
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from golden_file import Golden, random

MODULES = {"elman": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def module(component, attributes, features):
    """PyTorch's module with the attributes of our layer."""
    options = {"nonlinearity": attributes["activation"]} if "activation" in attributes else {}
    return MODULES[component](
        features, attributes["units"], attributes.get("layers", 1), bias=attributes.get("bias", True),
        batch_first=True, bidirectional=attributes.get("bidirectional", False), **options)


def returned(attributes, outputs):
    """Output 0 with `returns: last`: the final states of the last layer, forward and reverse beside each other."""
    if attributes.get("returns") == "last":
        final = outputs[1]
        directions = 2 if attributes.get("bidirectional") else 1
        outputs[0] = torch.cat(list(final[-directions:]), 1)
    return outputs


def torch_layer(component, attributes, inputs, parameters):
    x = inputs[0]
    layer = module(component, attributes, x.shape[2])
    states = None
    if 2 in inputs:
        states = (inputs[2], inputs[3]) if component == "lstm" else inputs[2]
    if 1 in inputs:
        x = pack_padded_sequence(x, inputs[1], batch_first=True, enforce_sorted=False)
    y, final = torch.func.functional_call(layer, parameters, (x, states))
    if 1 in inputs:
        y, _ = pad_packed_sequence(y, batch_first=True, total_length=inputs[0].shape[1])
    return returned(attributes, [y, *final] if component == "lstm" else [y, final])


def step(component, attributes, x, h, c, w_ih, w_hh, b_ih, b_hh):
    """One step of one sample, as the formulas stand."""
    a, b = w_ih @ x + b_ih, w_hh @ h + b_hh
    if component == "elman":
        return (torch.relu if attributes.get("activation") == "relu" else torch.tanh)(a + b), c
    if component == "lstm":
        i, f, g, o = (a + b).chunk(4)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
    r, z = torch.sigmoid((a + b)[: 2 * h.shape[0]]).chunk(2)
    if attributes.get("reset", "after") == "after":
        n = torch.tanh(a.chunk(3)[2] + r * b.chunk(3)[2])
    else:  # Cho et al. 2014
        n = torch.tanh(a.chunk(3)[2] + w_hh.chunk(3)[2] @ (r * h) + b_hh.chunk(3)[2])
    return (1 - z) * n + z * h, c


def loop(component, attributes, inputs, parameters):
    """What no module of PyTorch has: the reset gate before the product, and samples of length 0."""
    x, units = inputs[0], attributes["units"]
    layers, directions = attributes.get("layers", 1), 2 if attributes.get("bidirectional") else 1
    batch, time, _ = x.shape
    lengths = inputs[1].tolist() if 1 in inputs else [time] * batch
    zeros = torch.zeros(layers * directions, batch, units)
    hidden, cell = inputs.get(2, zeros), inputs.get(3, zeros)
    final_hidden, final_cell = [], []
    for layer in range(layers):
        y = []
        for direction in range(directions):
            suffix = f"_l{layer}" + ("_reverse" if direction else "")
            weights = [parameters[name + suffix] for name in ("weight_ih", "weight_hh")]
            biases = [parameters.get(name + suffix, torch.zeros(weights[0].shape[0])) for name in ("bias_ih", "bias_hh")]
            number = layer * directions + direction
            columns, finals = [], []
            for n in range(batch):
                h, c = hidden[number, n], cell[number, n]
                row = [torch.zeros(units)] * time
                steps = range(lengths[n])
                for t in reversed(steps) if direction else steps:
                    h, c = step(component, attributes, x[n, t], h, c, *weights, *biases)
                    row[t] = h
                columns.append(torch.stack(row))
                finals.append((h, c))
            y.append(torch.stack(columns))
            final_hidden.append(torch.stack([h for h, _ in finals]))
            final_cell.append(torch.stack([c for _, c in finals]))
        x = torch.cat(y, 2)
    outputs = [x, torch.stack(final_hidden)] + ([torch.stack(final_cell)] if component == "lstm" else [])
    return returned(attributes, outputs)


def recurrent(component, cases):
    golden = Golden(component)
    for case, shape, attributes, lengths, has_states, compute in cases:
        directions = 2 if attributes.get("bidirectional") else 1
        inputs = {0: random(shape)}
        if lengths:
            inputs[1] = torch.tensor(lengths)
        if has_states:
            for index in (2, 3) if component == "lstm" else (2,):
                inputs[index] = random(attributes.get("layers", 1) * directions, shape[0], attributes["units"])
        parameters = {name: random(value.shape, low=-0.5, high=0.5)
                      for name, value in module(component, attributes, shape[2]).named_parameters()}
        golden.add(case, attributes, inputs, parameters, lambda i, p: compute(component, attributes, i, p))
    golden.save()


def common(**attributes):
    """Cases that each layer has; lengths, states given?, reference."""
    both = {"bidirectional": True}
    return [
        ("plain", [3, 4, 5], {"units": 6, **attributes}, None, False, torch_layer),
        ("no_bias", [2, 3, 3], {"units": 4, "bias": False, **attributes}, None, True, torch_layer),
        ("wide", [3, 3, 4], {"units": 9, **attributes}, [2, 3, 1], True, torch_layer),
        ("both_directions", [2, 5, 3], {"units": 4, **both, **attributes}, None, True, torch_layer),
        ("lengths", [4, 5, 3], {"units": 4, **attributes}, [3, 5, 1, 4], False, torch_layer),
        ("all", [3, 4, 3], {"units": 4, "layers": 2, **both, **attributes}, [2, 4, 3], True, torch_layer),
        ("last", [2, 4, 3], {"units": 4, "returns": "last", **attributes}, None, False, torch_layer),
        ("last_all", [3, 4, 3], {"units": 4, "layers": 2, "returns": "last", **both, **attributes}, [4, 1, 3], True,
         torch_layer),
        ("length_zero", [3, 3, 3], {"units": 3, "layers": 2, **both, **attributes}, [2, 0, 3], True, loop),
    ]


def some(names, **attributes):
    return [case for case in common(**attributes) if case[0] in names]


recurrent("lstm", some(["plain", "wide", "lengths", "all", "last", "length_zero"]))
recurrent("elman", some(["plain", "both_directions", "all"]) + [
    ("relu", [2, 4, 3], {"units": 5, "layers": 2, "activation": "relu"}, [4, 2], True, torch_layer)])
before = [("before_" + case, shape, attributes, lengths, states, loop)
          for case, shape, attributes, lengths, states, _ in some(["plain", "last_all"], reset="before")]
recurrent("gru", some(["plain", "wide", "no_bias", "all"]) + before)

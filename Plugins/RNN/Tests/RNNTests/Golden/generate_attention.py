"""Writes the golden file of rnn.attention with PyTorch. Run by hand: python3 generate_attention.py (needs torch).

The formulas are those of Luong, Pham and Manning (2015), written out with PyTorch's operations; see Attention.swift.
"""
import torch

from golden_file import Golden, random


def attention(attributes, query, memory, lengths, p):
    (n, tq, _), tk = query.shape, memory.shape[1]
    score = attributes.get("score", "general")
    if score == "dot":
        scores = torch.einsum("nth,nsh->nts", query, memory)
    elif score == "general":
        scores = torch.einsum("nth,hk,nsk->nts", query, p["score_weight"], memory)
    else:
        pairs = torch.cat([query[:, :, None].expand(-1, -1, tk, -1), memory[:, None].expand(-1, tq, -1, -1)], -1)
        scores = torch.tanh(pairs @ p["score_weight"].T + p.get("score_bias", 0)) @ p["score_vector"]
    length = torch.full((n,), tk) if lengths is None else lengths
    s = torch.arange(tk)
    counts = (s < length[:, None])[:, None].expand(-1, tq, -1)
    factor = 1
    if attributes.get("scope") == "local":
        hidden = torch.tanh(query @ p["position_weight"].T + p.get("position_bias", 0))
        position = length[:, None] * torch.sigmoid(hidden @ p["position_vector"])
        distance = s - position[..., None]
        counts = counts & (distance.abs() <= attributes["window"])
        factor = torch.exp(-distance ** 2 / (2 * (attributes["window"] / 2) ** 2))
    # Rows in which nothing counts have weights 0, and no NaN in their gradients.
    filled = scores.masked_fill(~counts & counts.any(-1, keepdim=True), float("-inf"))
    weights = filled.softmax(-1) * counts * factor
    context = weights @ memory
    if not attributes.get("attentional", True):
        return context, weights
    return torch.tanh(torch.cat([context, query], -1) @ p["output_weight"].T + p.get("output_bias", 0)), weights


def shapes(attributes, hq, hk):
    units, bias = attributes.get("units", hq), attributes.get("bias", False)
    score = attributes.get("score", "general")
    result = {}
    if score == "general":
        result["score_weight"] = [hq, hk]
    if score == "concat":
        result["score_weight"] = [units, hq + hk]
        if bias:
            result["score_bias"] = [units]
        result["score_vector"] = [units]
    if attributes.get("scope") == "local":
        result["position_weight"] = [units, hq]
        if bias:
            result["position_bias"] = [units]
        result["position_vector"] = [units]
    if attributes.get("attentional", True):
        result["output_weight"] = [units, hk + hq]
        if bias:
            result["output_bias"] = [units]
    return result


golden = Golden("attention")


def add(case, attributes, query, memory, lengths=None):
    """`query` and `memory`: shapes."""
    inputs = {0: random(query), 1: random(memory)}
    if lengths is not None:
        inputs[2] = torch.tensor(lengths)
    parameters = {name: random(shape, low=-1, high=1) for name, shape in shapes(attributes, query[2], memory[2]).items()}
    golden.add(case, attributes, inputs, parameters, lambda i, p: attention(attributes, i[0], i[1], i.get(2), p))


for score in ("dot", "general", "concat"):
    hk = 5 if score == "dot" else 7
    for scope in ("global", "local"):
        setting = {"score": score, "scope": scope, **({"window": 2} if scope == "local" else {})}
        add(f"{score}_{scope}", setting, [2, 3, 5], [2, 7, hk])
        add(f"{score}_{scope}_lengths", {**setting, "bias": True, "units": 6}, [4, 2, 5], [4, 6, hk], [6, 1, 5, 0])
        if score == "general":
            add(f"{score}_{scope}_context", {**setting, "attentional": False}, [2, 3, 5], [2, 6, hk], [4, 6])
    add(f"{score}_one_query", {"score": score}, [2, 1, 9], [2, 11, 9], [11, 7])
add("local_wide", {"score": "dot", "scope": "local", "window": 40}, [2, 3, 6], [2, 21, 6], [21, 17])
add("local_narrow", {"score": "general", "scope": "local", "window": 1}, [2, 5, 3], [2, 20, 3], [20, 11])
golden.save()

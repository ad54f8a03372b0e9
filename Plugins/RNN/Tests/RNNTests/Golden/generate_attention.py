"""Writes the golden file of rnn.attention with PyTorch. Run by hand: python3 generate_attention.py (needs torch).

The formulas are those of Luong, Pham and Manning (2015), written out with PyTorch's operations; see Attention.swift.
"""
import json
import pathlib

import torch

FOLDER = pathlib.Path(__file__).parent


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


tensors, cases = {}, {}


def put(case, name, value):
    tensors[f"{case}/{name}"] = value.detach().contiguous().clone()


def add(case, attributes, query, memory, lengths=None):
    """`query` and `memory`: shapes. Runs forward, and backward with random gradients of both outputs."""
    lengths = None if lengths is None else torch.tensor(lengths)
    parameters = {name: torch.randn(shape) / 1.5 for name, shape in shapes(attributes, query[2], memory[2]).items()}
    leaves = [torch.randn(query), torch.randn(memory), *parameters.values()]
    for leaf in leaves:
        leaf.requires_grad_()
    outputs = attention(attributes, leaves[0], leaves[1], lengths, parameters)
    gradients = [torch.randn(output.shape) for output in outputs]
    torch.autograd.backward(outputs, gradients)
    for index, (output, gradient) in enumerate(zip(outputs, gradients)):
        put(case, f"output.{index}", output)
        put(case, f"output_gradient.{index}", gradient)
    for index in range(2):
        put(case, f"input.{index}", leaves[index])
        put(case, f"input_gradient.{index}", leaves[index].grad)
    if lengths is not None:
        put(case, "input.2", lengths)
    for name, value in parameters.items():
        put(case, f"parameter.{name}", value)
        put(case, f"parameter_gradient.{name}", value.grad)
    cases[case] = json.dumps({"attributes": attributes, "phase": "training"}, sort_keys=True)


def write(path):
    # By hand, because the library puts the metadata in another order every time.
    kinds = {torch.float32: "F32", torch.int64: "I64"}
    header, content = {"__metadata__": dict(sorted(cases.items()))}, b""
    for name, tensor in sorted(tensors.items()):
        data = tensor.numpy().tobytes()
        header[name] = {
            "dtype": kinds[tensor.dtype], "shape": list(tensor.shape),
            "data_offsets": [len(content), len(content) + len(data)]}
        content += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)
    print(path.name, path.stat().st_size, "bytes", len(cases), "cases")


if __name__ == "__main__":
    torch.manual_seed(4)
    for score in ("dot", "general", "concat"):
        hk = 5 if score == "dot" else 7
        for scope in ("global", "local"):
            setting = {"score": score, "scope": scope, **({"window": 2} if scope == "local" else {})}
            add(f"{score}_{scope}", setting, [3, 4, 5], [3, 9, hk])
            add(f"{score}_{scope}_lengths", {**setting, "bias": True, "units": 6}, [4, 3, 5], [4, 8, hk], [8, 1, 5, 0])
            add(f"{score}_{scope}_context", {**setting, "attentional": False}, [2, 3, 5], [2, 6, hk], [4, 6])
        add(f"{score}_one_query", {"score": score}, [2, 1, 33], [2, 19, 33], [19, 7])
    add("local_wide", {"score": "dot", "scope": "local", "window": 40}, [2, 3, 6], [2, 21, 6], [21, 17])
    add("local_narrow", {"score": "general", "scope": "local", "window": 1}, [2, 9, 4], [2, 30, 4], [30, 11])
    write(FOLDER / "layer_attention.safetensors")

#!/usr/bin/env python3
"""PyTorch on the recipe language-model.yaml: the same tokens, network, optimizer and steps; prints the validation loss.

usage: language_model_torch.py MODEL TEXT [SEED …]

MODEL is an archive of the recipe, of which only the tokenizer is read (needs the package tokenizers); TEXT is what it was
trained on.
"""

import math
import sys
import time
import zipfile
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import nn

VOCABULARY, UNITS, HEADS, LAYERS, CONTEXT, DROPOUT = 2000, 192, 6, 4, 128, 0.05
BATCH, VALIDATE, RATE, WARM_UP, START, MINIMUM = 16, 0.02, 2e-3, 200, 1 / 3, 0.1


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(UNITS), nn.LayerNorm(UNITS)
        self.in_proj, self.out_proj = nn.Linear(UNITS, 3 * UNITS), nn.Linear(UNITS, UNITS)
        self.linear1, self.linear2 = nn.Linear(UNITS, 4 * UNITS), nn.Linear(4 * UNITS, UNITS)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x):
        q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in self.in_proj(self.norm1(x)).chunk(3, -1))
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=DROPOUT if self.training else 0)
        x = x + self.dropout(self.out_proj(attended.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.linear2(self.dropout(F.gelu(self.linear1(self.norm2(x))))))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(VOCABULARY, UNITS), nn.Embedding(CONTEXT, UNITS)
        self.layers, self.norm = nn.ModuleList(Layer() for _ in range(LAYERS)), nn.LayerNorm(UNITS)
        self.dropout = nn.Dropout(DROPOUT)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                residual = name.endswith(("out_proj.weight", "linear2.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * LAYERS) if residual else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, tokens):
        x = self.dropout(self.embedding(tokens) + self.positions.weight[:tokens.shape[1]])
        for layer in self.layers:
            x = layer(x)
        return self.norm(x) @ self.embedding.weight.T


def windows(model, text):
    """The stream as [window, lane, CONTEXT] and what follows, cut as `stream` does."""
    with zipfile.ZipFile(model) as archive:
        name = next(name for name in archive.namelist() if name.startswith("assets/tokenizers/"))
        tokenizer = Tokenizer.from_str(archive.read(name).decode())
    end = tokenizer.token_to_id("<eos>")
    lines = [line for line in Path(text).read_text().split("\n") if line.strip()]
    ids = [token for encoding in tokenizer.encode_batch(lines, add_special_tokens=False)
           for token in encoding.ids + [end]]
    length = (len(ids) - 1) // BATCH
    count = length // CONTEXT
    lanes = torch.tensor(ids[:BATCH * length + 1])

    def part(shift):
        return torch.stack([lanes[lane * length + shift:][:count * CONTEXT] for lane in range(BATCH)]).view(
            BATCH, count, CONTEXT).transpose(0, 1)

    return part(0), part(1)


def loss(model, x, y):
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())


def factor(step, steps):
    if step < WARM_UP:
        return START + (1 - START) * step / WARM_UP
    return MINIMUM + (1 - MINIMUM) * (1 + math.cos(math.pi * (step - WARM_UP) / max(1, steps - WARM_UP))) / 2


def train(x, y, seed):
    torch.manual_seed(seed)
    held = round(len(x) * VALIDATE)
    steps = len(x) - held
    model = GPT()
    # Biases and norms do not decay.
    groups = [{"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": 0.1},
              {"params": [p for p in model.parameters() if p.dim() < 2], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, RATE, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: factor(step, steps))
    begin = time.perf_counter()
    for step in range(steps):
        optimizer.zero_grad(set_to_none=True)
        loss(model, x[step], y[step]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimizer.step()
        schedule.step()
    seconds = time.perf_counter() - begin
    model.eval()
    with torch.inference_mode():
        measured = sum(float(loss(model, x[window], y[window])) for window in range(steps, len(x))) / held
    print(f"seed {seed}: validation loss {measured:.4f} after {steps} steps in {seconds:.0f} s", flush=True)


def main():
    x, y = windows(sys.argv[1], sys.argv[2])
    for seed in map(int, sys.argv[3:] or ["1"]):
        train(x, y, seed)


main()

#!/usr/bin/env python3
"""Trains the recipes mackey-glass-lstm and mackey-glass-tcn with PyTorch, three seeds each, and prints the test error.

Run Plugins/RNN/Recipes/mackey_glass.py first. Optimizer, schedule (cosine to 0 over all steps), batches and epochs are
those of the recipes. Run by hand; Plugins/RNN/README.md has the figures.
"""
import pathlib
import sys

import numpy as np
import torch
from torch import nn

FOLDER = pathlib.Path(__file__).parent.parent.parent / "Recipes"
EPOCHS, BATCH, RATE = 40, 64, 5e-3


def load(name):
    rows = np.loadtxt(FOLDER / name, delimiter=",", skiprows=1, dtype=np.float32)
    return torch.from_numpy(rows[:, :-1, None]), torch.from_numpy(rows[:, -1:])


class LSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(1, 32, batch_first=True), nn.Linear(32, 1)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


class Block(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.conv1 = nn.Conv1d(channels, 32, 3, dilation=dilation)
        self.conv2 = nn.Conv1d(32, 32, 3, dilation=dilation)
        self.skip = nn.Conv1d(channels, 32, 1) if channels != 32 else nn.Identity()
        self.reach = 2 * dilation

    def forward(self, x):
        y = x
        for conv in (self.conv1, self.conv2):
            y = torch.relu(conv(nn.functional.pad(y, [self.reach, 0])))
        return torch.relu(y + self.skip(x))


class TCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.network, self.head = nn.Sequential(Block(1, 1), Block(32, 2), Block(32, 4)), nn.Linear(32, 1)

    def forward(self, x):
        return self.head(self.network(x.transpose(1, 2))[:, :, -1])


def train(make, seed):
    torch.manual_seed(seed)
    (x, t), (x_test, t_test) = load("mackey-glass-train.csv"), load("mackey-glass-test.csv")
    network = make()
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    steps = EPOCHS * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.mse_loss(network(x[rows]), t[rows]).backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        error = nn.functional.mse_loss(network(x_test), t_test).item()
    print(f"{make.__name__.lower()}, seed {seed}: test MSE {error:.2e}, R2 {1 - error / t_test.var(correction=0).item():.5f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for make in (LSTM, TCN):
        if not sys.argv[1:] or make.__name__.lower() in sys.argv[1:]:
            for seed in (1, 2, 3):
                train(make, seed)

#!/usr/bin/env python3
"""PyTorch on the recipe wordnet-topics.yaml: the same words, layers, optimizer and epochs; prints the test accuracy.

usage: wordnet_topics_torch.py [FOLDER] [SEED …]: the folder with wordnet-train.tsv and wordnet-test.tsv.
"""

import random
import sys
import time
from collections import Counter
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

VOCABULARY, MINIMUM, MAXIMUM, EPOCHS, BATCH = 20000, 2, 64, 4, 64


def read(path):
    return [line.split("\t") for line in path.read_text().split("\n")[1:] if line]


class Model(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 128, padding_idx=0)
        self.first = nn.LSTM(128, 128, batch_first=True)
        self.second = nn.LSTM(128, 128, batch_first=True)
        self.dropout = nn.Dropout(0.3)
        self.dense = nn.Linear(128, classes)

    def forward(self, tokens, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(self.embedding(tokens), lengths, True, False)
        packed, _ = self.first(packed)
        _, (hidden, _) = self.second(packed)
        return self.dense(self.dropout(hidden[-1]))


def batches(rows, ids, classes, generator=None):
    order = list(range(len(rows)))
    if generator:
        generator.shuffle(order)
        # As the recipe's buckets: 50 batches are sorted by length, then the batches are shuffled.
        window = 50 * BATCH
        groups = [sorted(order[i:i + window], key=lambda n: len(rows[n][1])) for i in range(0, len(order), window)]
        order = [n for group in groups for n in group]
    starts = list(range(0, len(order), BATCH))
    if generator:
        generator.shuffle(starts)
    for start in starts:
        picked = [rows[n] for n in order[start:start + BATCH]]
        texts = [[ids.get(word, 1) for word in text[:MAXIMUM]] for _, text in picked]
        longest = max(map(len, texts))
        tokens = torch.tensor([text + [0] * (longest - len(text)) for text in texts])
        yield tokens, torch.tensor([len(t) for t in texts]), torch.tensor([classes[label] for label, _ in picked])


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    train = [(label, text.split()) for label, text in read(folder / "wordnet-train.tsv")]
    test = [(label, text.split()) for label, text in read(folder / "wordnet-test.tsv")]
    counts = Counter(word for _, text in train for word in text)
    known = [word for word, count in counts.most_common() if count >= MINIMUM][:VOCABULARY - 4]
    ids = {word: index + 4 for index, word in enumerate(known)}
    classes = {label: index for index, label in enumerate(sorted({label for label, _ in train}))}
    for seed in map(int, sys.argv[2:] or ["1"]):
        torch.manual_seed(seed)
        generator = random.Random(seed)
        model = Model(len(classes))
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        begin = time.time()
        for _ in range(EPOCHS):
            model.train()
            for tokens, lengths, labels in batches(train, ids, classes, generator):
                optimizer.zero_grad()
                F.cross_entropy(model(tokens, lengths), labels).backward()
                nn.utils.clip_grad_norm_(model.parameters(), 5)
                optimizer.step()
        seconds = time.time() - begin
        model.eval()
        right = 0
        with torch.no_grad():
            for tokens, lengths, labels in batches(test, ids, classes):
                right += int((model(tokens, lengths).argmax(1) == labels).sum())
        print(f"seed {seed}: {EPOCHS} epochs in {seconds:.0f} s, test accuracy {100 * right / len(test):.2f} %", flush=True)


main()

#!/usr/bin/env python3
"""Word vectors of Lamina beside gensim's: words per second, WordSim-353, peak memory; exported vectors read by gensim.

usage: word2vec.py [--corpus FILE] [--rounds N] [--epochs N] [--format text|json] [--lamina PATH]

Ours and gensim train in turn on the same text, each in a process of its own with as many threads as there are
processors: 100 dimensions, window 5, 5 noise words, words that occur 5 times, sub-sampling at 1e-3. Words per second are
those of the text, times epochs, over the time of training with reading and without counting; the ratio is of medians. The
text is that of Debian's package dict-gcide, or any other with a sentence per line. gensim comes from PyPI; it also
computes both sides' WordSim-353 (Spearman), whose list it carries. Build Lamina first (make). It wants an idle machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from compare import OtherWork, process

ROOT = Path(__file__).resolve().parent.parent.parent
THREADS = len(os.sched_getaffinity(0))
# The least ratio of words per second, and by how much WordSim-353 may be below gensim's.
RATIOS = {"skip_gram": 3, "cbow": 2}
BELOW = 0.02
RATES = {"skip_gram": 0.025, "cbow": 0.05}
WORDS = ("king", "water", "green", "physician")

PEER = """
import json, os, sys, time
import gensim
from gensim.models import Word2Vec
from gensim.models.word2vec import LineSentence
corpus, kind, epochs, threads, rate = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
model = Word2Vec(vector_size=100, window=5, min_count=5, negative=5, sg=int(kind == "skip_gram"), workers=threads,
                 sample=1e-3, alpha=rate)
model.build_vocab(LineSentence(corpus))
begin = time.time()
model.train(LineSentence(corpus), total_examples=model.corpus_count, epochs=epochs)
seconds = time.time() - begin
list = os.path.join(os.path.dirname(gensim.__file__), "test/test_data/wordsim353.tsv")
print(json.dumps({"words_per_second": epochs * model.corpus_total_words / seconds,
                  "wordsim": float(model.wv.evaluate_word_pairs(list)[1][0])}))
"""
READ = """
import json, os, sys
import gensim
from gensim.models import KeyedVectors
vectors = KeyedVectors.load_word2vec_format(sys.argv[1], binary=True)
list = os.path.join(os.path.dirname(gensim.__file__), "test/test_data/wordsim353.tsv")
near = {word: vectors.most_similar(word, topn=10) for word in sys.argv[2:] if word in vectors}
print(json.dumps({"wordsim": float(vectors.evaluate_word_pairs(list)[1][0]), "near": near}))
"""


def ours(lamina, folder, corpus, kind, epochs, seed):
    recipe = folder / f"{kind}.json"
    recipe.write_text(json.dumps({
        "lamina": 1, "procedure": {f"word2vec.{kind}": {"corpus": str(corpus), "learning_rate": RATES[kind]}},
        "train": {"epochs": epochs, "seed": seed, "threads": THREADS}}))
    model, vectors = folder / f"{kind}.lamina", folder / f"{kind}.bin"
    _, _, memory = process(lamina, "train", recipe, "-o", model)
    rows = [json.loads(line) for line in (folder / f"{kind}.history.jsonl").read_text().splitlines()]
    words = sum(row["samples_per_second"] * row["seconds"] for row in rows)
    process(lamina, "task", model, "export", vectors)
    read = json.loads(process(sys.executable, "-c", READ, vectors, *WORDS)[0])
    for word, theirs in read["near"].items():
        answer = json.loads(process(lamina, "task", model, "nearest", word, "--top", "10", "--format", "json")[0])
        mine = [(row["word"], row["similarity"]) for row in answer]
        if [w for w, _ in mine] != [w for w, _ in theirs] or any(
                abs(a - b) > 1e-4 for (_, a), (_, b) in zip(mine, theirs)):
            raise SystemExit(f"gensim finds other neighbours of '{word}': {theirs}, ours are {mine}")
    return {"words_per_second": words / sum(row["seconds"] for row in rows), "wordsim": read["wordsim"],
            "memory": memory}


def gensim(corpus, kind, epochs):
    output, _, memory = process(sys.executable, "-c", PEER, corpus, kind, epochs, THREADS, RATES[kind])
    return json.loads(output) | {"memory": memory}


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="a text with a sentence per line")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--lamina", type=Path, default=ROOT / ".build/release/lamina")
    options = parser.parse_args()
    try:
        import gensim as _  # noqa: F401
    except ImportError:
        raise SystemExit("gensim is missing: pip install gensim")
    with tempfile.TemporaryDirectory() as name:
        folder, others = Path(name), OtherWork()
        corpus = options.corpus
        if corpus is None:
            corpus = folder / "gcide.txt"
            subprocess.run([ROOT / "Plugins/Word2Vec/Recipes/gcide-text.sh", corpus], check=True)
        rows = []
        for kind in RATIOS:
            mine, theirs = [], []
            for round in range(options.rounds):
                mine.append(ours(options.lamina, folder, corpus.resolve(), kind, options.epochs, round + 1))
                theirs.append(gensim(corpus, kind, options.epochs))
            ratio = median(mine, "words_per_second") / median(theirs, "words_per_second")
            quality = statistics.mean(r["wordsim"] for r in mine), statistics.mean(r["wordsim"] for r in theirs)
            rows.append({
                "kind": kind, "words_per_second": median(mine, "words_per_second"),
                "gensim_words_per_second": median(theirs, "words_per_second"), "ratio": ratio, "target": RATIOS[kind],
                "wordsim": quality[0], "gensim_wordsim": quality[1],
                "memory": median(mine, "memory"), "gensim_memory": median(theirs, "memory"),
                "holds": ratio >= RATIOS[kind] and quality[0] >= quality[1] - BELOW})
            if options.format == "text":
                row = rows[-1]
                print(f"{kind:10} {row['words_per_second'] / 1e6:6.2f} M words/s   gensim "
                      f"{row['gensim_words_per_second'] / 1e6:5.2f} M   {ratio:5.2f} x (target {RATIOS[kind]})   "
                      f"WordSim-353 {quality[0]:.3f}, gensim {quality[1]:.3f}   "
                      f"{row['memory'] / 2**20:.0f} MiB, gensim {row['gensim_memory'] / 2**20:.0f}   "
                      f"{'holds' if row['holds'] else 'MISSED'}", flush=True)
        if options.format == "json":
            print(json.dumps({"measurements": rows, "other_work": others.share}, indent=2))
        elif others.share > 0.05:
            print(f"others used {100 * others.share:.0f} % of the machine meanwhile: the ratios mean little")
        if options.format == "text":
            print(f"gensim reads our files and finds the same neighbours of {', '.join(WORDS)}")


if __name__ == "__main__":
    main()

"""Writes what the Hugging Face tokenizers library makes of corpus.txt: vocabularies, and the ids of some texts.

Run by hand (needs the package `tokenizers`); the tests read the files only. `generate.py CORPUS TOKENIZER` compares instead:
the tokenizer.json that data.bpe has learned from the lines of a large file (unzip it from a model's archive) has to load, and to
be what the library learns from them.
"""

import collections
import json
import os
import sys

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

FOLDER = os.path.dirname(os.path.abspath(__file__))
SPECIAL = ["<pad>", "<unk>", "<bos>", "<eos>"]
TEXTS = [
    "The old mill was turning.",
    "it's, they'd, we've, I'm, you're, she'll, don't; 'quoted' 's 'll",
    "unknownword  two spaces   three\tand a tab ",
    "   leading blanks",
    "numbers 12 345,67 1871abc ²½ Ⅷ",
    "élan naïve ÉTÉ ŒUVRE İstanbul ΣΊΣΥΦΟΣ",
    "水は戻る。Старая вода! ¿qué? «oui» — …",
    "👩‍👩‍👧 and 😀😀",
    "nbsp\u00a0thin\u2009ideographic\u3000end\u0085next\u2028line",
    "the_old mill's 12th; a\u0301\u0323b x\u200dy … 5\u00bd \u2167 \u20ac\u00b2",
    "a\u0301 combining, zero\u200bwidth, \u0915\u094d\u0937 letters with marks",
    "word_with_underscores snake_case __init__ (parentheses) [brackets] {braces} a+b=c $5 50% #1 @you",
    "\n\n newlines \n and\r\nmore\n",
]


def lines():
    with open(os.path.join(FOLDER, "corpus.txt"), encoding="utf-8", newline="") as file:
        return [line for line in file.read().split("\n") if line]


def words(punctuation, lowercase, size):
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 1}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer() if punctuation else pre_tokenizers.WhitespaceSplit()
    if lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.train_from_iterator(lines(), trainers.WordLevelTrainer(vocab_size=size, special_tokens=SPECIAL))
    return tokenizer


def symbols():
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 1}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(lines(), trainers.WordLevelTrainer(vocab_size=300, special_tokens=SPECIAL))
    return tokenizer


def characters():
    counts = collections.Counter("".join(lines()))
    order = sorted(counts, key=lambda c: (-counts[c], c))
    vocabulary = {token: id for id, token in enumerate(SPECIAL + order)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def bpe(size, corpus):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, min_frequency=2, special_tokens=SPECIAL, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(corpus, trainer)
    return tokenizer


def ids(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False).ids


if len(sys.argv) > 1:
    path, ours = sys.argv[1:]
    loaded = Tokenizer.from_file(ours)
    with open(path, encoding="utf-8", newline="") as file:
        corpus = [line.removesuffix("\r") for line in file.read().split("\n") if line.strip(" \t\r")]
    learned = bpe(loaded.get_vocab_size(), corpus)
    assert learned.get_vocab() == loaded.get_vocab(), "the vocabularies differ"
    merges = [json.loads(tokenizer.to_str())["model"]["merges"] for tokenizer in (learned, loaded)]
    assert merges[0] == merges[1], "the merges differ"
    for line in corpus[:: max(1, len(corpus) // 10000)]:
        assert ids(loaded, line) == ids(learned, line) and loaded.decode(ids(loaded, line)) == line
    print(f"{ours}: {len(merges[0])} merges, as the library learns them")
    sys.exit()

made = {
    "words": words(False, False, 200), "punctuation": words(True, True, 200), "characters": characters(),
    "bpe": bpe(500, lines()), "symbols": symbols(),
}
expected = {"texts": TEXTS}
for name, tokenizer in made.items():
    tokenizer.save(os.path.join(FOLDER, name + ".json"), pretty=False)
    expected[name] = {
        "ids": [ids(tokenizer, text) for text in TEXTS],
        "decoded": [tokenizer.decode(ids(tokenizer, text), skip_special_tokens=True) for text in TEXTS],
    }
with open(os.path.join(FOLDER, "expected.json"), "w", encoding="utf-8") as file:
    json.dump(expected, file, ensure_ascii=False)
    file.write("\n")

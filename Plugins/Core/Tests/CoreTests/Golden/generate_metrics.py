"""Values of the metrics over several batches, from NumPy alone: python3 generate_metrics.py"""

import json
import pathlib

import numpy as np

random = np.random.default_rng(3)


def tensor(values):
    kind = "int64" if values.dtype.kind == "i" else "float32"
    return {"shape": list(values.shape), "type": kind, "values": values.reshape(-1).tolist()}


def rows(prediction):
    """[N, C, d…] as rows of C numbers, in the order of a target [N, d…]."""
    return np.moveaxis(prediction, 1, -1).reshape(-1, prediction.shape[1])


def confusion(predicted, truth, classes):
    matrix = np.zeros((classes, classes))
    np.add.at(matrix, (truth, predicted), 1)
    return matrix


def scores(matrix, kind):
    right, predicted, truth = np.diag(matrix), matrix.sum(0), matrix.sum(1)
    with np.errstate(invalid="ignore"):
        precision, recall = np.nan_to_num(right / predicted), np.nan_to_num(right / truth)
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))
    return {"precision": precision, "recall": recall, "f1": f1}[kind]


def average(matrix, kind, how):
    values, truth = scores(matrix, kind), matrix.sum(1)
    if how == "macro":
        return values[(matrix.sum(0) + truth) > 0].mean()
    if how == "weighted":
        return (values * truth).sum() / truth.sum()
    if how == "binary":
        return values[1]
    return np.trace(matrix) / matrix.sum()


datasets, cases = [], []


def case(metric, attributes, batches, values, **more):
    data = [[tensor(prediction.astype(np.float32)), tensor(target)] for prediction, target in batches]
    if data not in datasets:
        datasets.append(data)
    cases.append({"metric": metric, "attributes": attributes, "values": values, "dataset": datasets.index(data), **more})


def classes(batches, attributes=None, ignore=-100):
    """All metrics of classes for batches of (prediction [N, C, d…], target [N, d…])."""
    attributes = attributes or {}
    scored = np.concatenate([rows(prediction) for prediction, _ in batches])
    truth = np.concatenate([target.reshape(-1) for _, target in batches])
    scored, truth = scored[truth != ignore], truth[truth != ignore]
    predicted = scored.argmax(1)
    matrix = confusion(predicted, truth, scored.shape[1])
    case("accuracy", attributes, batches, {"": (predicted == truth).mean()})
    for k in (1, 2, 3):
        best = np.argsort(-scored, 1, kind="stable")[:, :k]
        case("top_k_accuracy", {"k": k, **attributes}, batches, {"": (best == truth[:, None]).any(1).mean()})
    case("confusion_matrix", attributes, batches, {"": matrix.tolist()})
    for kind in ("precision", "recall", "f1"):
        for how in ("macro", "micro", "weighted"):
            case(kind, {"average": how, **attributes}, batches, {"": average(matrix, kind, how)})
        each = {f"class_{index}": value for index, value in enumerate(scores(matrix, kind))}
        case(
            kind, {"per_class": True, **attributes}, batches, {"": average(matrix, kind, "macro"), **each})


def sequences(attributes, batches, axis, ignore):
    """The metrics of sequences for batches of (scores, target without the axis of the classes)."""
    right, counts, logs, exact = [], [], [], []
    for scores, truth in batches:
        scores = np.moveaxis(scores.astype(np.float32).astype(float), axis, -1)
        counts.append(truth != ignore)
        right.append((scores.argmax(-1) == truth)[counts[-1]])
        shifted = scores - scores.max(-1, keepdims=True)
        log = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
        logs.append(np.take_along_axis(log, np.where(counts[-1], truth, 0)[..., None], -1)[..., 0][counts[-1]])
        wrong = (scores.argmax(-1) != truth) & counts[-1]
        exact.append(~wrong.reshape(len(wrong), -1).any(1)[counts[-1].reshape(len(wrong), -1).any(1)])
    case("accuracy", attributes, batches, {"": np.concatenate(right).mean()})
    case("exact_match", attributes, batches, {"": np.concatenate(exact).mean()})
    case("perplexity", attributes, batches, {"": np.exp(-np.concatenate(logs).mean())}, tolerance=1e-5)


def padded_sequences():
    def batch(samples, steps):
        truth = random.integers(0, 3, (samples, steps))
        scores = random.normal(size=(samples, steps, 4))
        # Some sequences are right as a whole.
        np.put_along_axis(scores[::2], truth[::2, :, None], 5, -1)
        for sample, length in enumerate(random.integers(0, steps + 1, samples)):
            truth[sample, length:] = -1
        return scores, truth

    batches = [batch(6, 5), batch(3, 7), batch(1, 1)]
    sequences({"class_axis": -1, "ignore_index": -1}, batches, -1, -1)
    sequences({"ignore_index": -1}, [(np.moveaxis(scores, -1, 1), truth) for scores, truth in batches], 1, -1)


def binary(shape):
    """One score per sample."""
    batches = [(random.random((n, *shape)), random.integers(0, 2, n)) for n in (9, 4)]
    predicted = np.concatenate([prediction.reshape(-1) for prediction, _ in batches]) > 0.4
    matrix = confusion(predicted.astype(int), np.concatenate([target for _, target in batches]), 2)
    settings = {"threshold": 0.4}
    case("accuracy", settings, batches, {"": np.trace(matrix) / matrix.sum()})
    case("confusion_matrix", settings, batches, {"": matrix.tolist()})
    for kind in ("precision", "recall", "f1"):
        case(kind, {"average": "binary", **settings}, batches, {"": average(matrix, kind, "binary")})


def regression(shape):
    batches = [(random.normal(size=(n, *shape)), 5 + random.normal(size=(n, *shape))) for n in (6, 1, 8)]
    batches = [(5 + 0.3 * p + t - 5, t) for p, t in batches]
    # What the metric sees is float32.
    x, t = (np.concatenate([batch[i].astype(np.float32).astype(float) for batch in batches]) for i in (0, 1))
    batches = [(p, t.astype(np.float32)) for p, t in batches]
    case("mse", {}, batches, {"": ((x - t) ** 2).mean()})
    case("mae", {}, batches, {"": np.abs(x - t).mean()})
    r2 = 1 - ((x - t) ** 2).sum(0) / ((t - t.mean(0)) ** 2).sum(0)
    case("r2", {}, batches, {"": r2.mean()})


if __name__ == "__main__":
    # Four classes, of which the last is never true and class 2 is favoured; equal scores occur.
    classes([
        (np.round(random.normal(size=(n, 4)) + [0, 0, 1, 0], 1), random.integers(0, 3, n)) for n in (7, 5, 1)
    ])
    image = random.integers(0, 3, (3, 2, 2))
    image[0, 0, 1] = image[2, 1, 1] = 7
    classes([(random.normal(size=(3, 3, 2, 2)), image)], {"ignore_index": 7}, ignore=7)
    binary(())
    binary((1,))
    regression(())
    regression((3,))
    regression((2, 2))
    padded_sequences()
    lines = [",\n".join(json.dumps(item, separators=(",", ":")) for item in items) for items in (datasets, cases)]
    text = '{"datasets": [\n%s\n],\n"cases": [\n%s\n]}\n' % tuple(lines)
    (pathlib.Path(__file__).parent / "metrics.json").write_text(text)

"""Golden values of the losses from PyTorch: python3 generate_losses.py"""

import torch
import torch.nn.functional as F

from golden_file import GoldenFile, loss_case, random


def labels(classes, *shape):
    return torch.randint(0, classes, shape)


def cross_entropy():
    file = GoldenFile("loss_cross_entropy")
    weights = [0.5, 2.0, 1.0, 0.25, 3.0]
    tensor = torch.tensor(weights)

    def case(name, inputs, attributes=None, targets=(0,), **settings):
        loss_case(
            file, name, attributes or {}, lambda x, t: F.cross_entropy(x, t, **settings), inputs, targets)

    case("indices", [random(7, 5), labels(5, 7)])
    case("indices_sum", [random(7, 5), labels(5, 7)], {"reduction": "sum"}, reduction="sum")
    case("indices_weights", [random(7, 5), labels(5, 7)], {"class_weights": weights}, weight=tensor)
    case("indices_smoothing", [random(7, 5), labels(5, 7)], {"label_smoothing": 0.1}, label_smoothing=0.1)
    ignored = labels(5, 9)
    ignored[[1, 4, 8]] = 3
    case("indices_ignore", [random(9, 5), ignored], {"ignore_index": 3}, ignore_index=3)
    ignored = labels(5, 9)
    ignored[[0, 5]] = -100
    case(
        "indices_everything", [random(9, 5), ignored], {"class_weights": weights, "label_smoothing": 0.2},
        weight=tensor, label_smoothing=0.2)
    case(
        "indices_everything_sum", [random(9, 5), ignored],
        {"class_weights": weights, "label_smoothing": 0.2, "reduction": "sum"},
        weight=tensor, label_smoothing=0.2, reduction="sum")
    case("indices_large_logits", [random(6, 5, low=400, high=1600), labels(5, 6)])
    case("indices_many_classes", [random(2, 700), labels(700, 2)])
    case("indices_one_class", [random(4, 1), labels(1, 4)])
    case("indices_sequence", [random(3, 5, 4), labels(5, 3, 4)], {"label_smoothing": 0.1}, label_smoothing=0.1)
    case("indices_image", [random(2, 5, 3, 4), labels(5, 2, 3, 4)], {"class_weights": weights}, weight=tensor)
    case("probabilities", [random(6, 5), random(6, 5).softmax(1)], targets=(0, 1))
    case(
        "probabilities_everything", [random(6, 5), random(6, 5).softmax(1)],
        {"class_weights": weights, "label_smoothing": 0.2}, targets=(0, 1), weight=tensor, label_smoothing=0.2)
    case(
        "probabilities_image_sum", [random(2, 5, 3, 2), random(2, 5, 3, 2).softmax(1)], {"reduction": "sum"},
        targets=(0, 1), reduction="sum")
    case("probabilities_not_normalised", [random(2, 300), random(2, 300, low=0, high=1)], targets=(0,))
    file.save()


def nll():
    file = GoldenFile("loss_nll")
    weights = [0.5, 2.0, 1.0, 0.25]
    settings = [
        ("plain", {}, {}),
        ("sum", {"reduction": "sum"}, {"reduction": "sum"}),
        ("weights", {"class_weights": weights}, {"weight": torch.tensor(weights)}),
        ("ignore", {"ignore_index": 2}, {"ignore_index": 2}),
    ]
    for name, attributes, arguments in settings:
        x, t = random(8, 4).log_softmax(1), labels(4, 8)
        t[3] = 1
        loss_case(file, name, attributes, lambda x, t: F.nll_loss(x, t, **arguments), [x, t])
    x, t = random(2, 4, 3, 2).log_softmax(1), labels(4, 2, 3, 2)
    loss_case(file, "image", {}, F.nll_loss, [x, t])
    file.save()


def sequence():
    """Classes on the last axis, padding that counts for nothing: PyTorch wants the classes on axis 1."""
    weights = [0.5, 2.0, 1.0, 0.25, 3.0]
    last = {"class_axis": -1}
    for name, function in (("cross_entropy", F.cross_entropy), ("nll", F.nll_loss)):
        file = GoldenFile(f"loss_{name}_sequence")

        def case(case, shape, attributes, axis=-1, **settings):
            x = random(*shape) if name == "cross_entropy" else random(*shape).log_softmax(axis)
            target = list(shape)
            del target[axis]
            t = labels(shape[axis], *target)
            if "ignore_index" in settings:
                t[0, -2:] = t[1, 1:] = settings["ignore_index"]
            loss_case(
                file, case, attributes, lambda x, t: function(x.movedim(axis, 1).contiguous(), t, **settings), [x, t])

        case("plain", (3, 4, 5), last)
        case("padded", (3, 4, 5), {**last, "ignore_index": 0}, ignore_index=0)
        case(
            "padded_weights_sum", (2, 6, 5),
            {**last, "ignore_index": -1, "class_weights": weights, "reduction": "sum"},
            ignore_index=-1, weight=torch.tensor(weights), reduction="sum")
        case("many_classes", (1, 2, 300), last)
        case("axis_2_of_4", (2, 3, 5, 4), {"class_axis": 2, "class_weights": weights}, 2, weight=torch.tensor(weights))
        case("two_axes", (3, 5), last)
        if name == "cross_entropy":
            case(
                "padded_smoothing", (3, 4, 5), {**last, "ignore_index": 0, "label_smoothing": 0.1}, ignore_index=0,
                label_smoothing=0.1)
            x, t = random(2, 3, 5), random(2, 3, 5).softmax(-1)
            loss_case(
                file, "probabilities", {**last, "class_weights": weights},
                lambda x, t: F.cross_entropy(x.movedim(-1, 1), t.movedim(-1, 1), weight=torch.tensor(weights)), [x, t],
                (0, 1))
        file.save()


def elementwise(name, function, cases, sample=lambda: [random(4, 3), random(4, 3)], shapes=True, differentiable=(0, 1)):
    """`cases`: (case, attributes, arguments of `function`)."""
    file = GoldenFile(f"loss_{name}")
    for case, attributes, arguments in cases:
        for reduction in ("mean", "sum"):
            arguments = {**arguments, "reduction": reduction}
            loss_case(
                file, f"{case}_{reduction}", {**attributes, "reduction": reduction},
                lambda *inputs: function(*inputs, **arguments), sample(), differentiable)
    if shapes:
        for shape in [(1,), (2, 3, 2, 2), (261,)]:
            loss_case(
                file, "shape_" + "x".join(map(str, shape)), {}, function, [random(*shape), random(*shape)],
                differentiable)
    file.save()


def simple():
    elementwise("mse", F.mse_loss, [("plain", {}, {})])
    ties = torch.tensor([[1.0, -2.0, 3.0]])
    elementwise("l1", F.l1_loss, [("plain", {}, {})])
    elementwise(
        "huber", F.huber_loss,
        [("plain", {}, {}), ("delta", {"delta": 0.3}, {"delta": 0.3}), ("wide", {"delta": 5.0}, {"delta": 5.0})])
    elementwise(
        "smooth_l1", F.smooth_l1_loss,
        [("plain", {}, {}), ("beta", {"beta": 0.3}, {"beta": 0.3}), ("zero", {"beta": 0.0}, {"beta": 0.0})])
    file = GoldenFile("loss_l1_ties")
    loss_case(file, "ties", {}, F.l1_loss, [ties, torch.tensor([[1.0, 2.0, 3.0]])], (0, 1))
    file.save()


def signs(*shape):
    return torch.where(torch.rand(*shape) < 0.5, -1.0, 1.0)


def hinge(x, t, reduction="mean"):
    terms = torch.relu(1 - t * x)
    return terms.mean() if reduction == "mean" else terms.sum()


def cosine(x, t, reduction="mean", epsilon=1e-8):
    terms = 1 - F.cosine_similarity(x, t, dim=1, eps=epsilon)
    return terms.mean() if reduction == "mean" else terms.sum()


def binary():
    file = GoldenFile("loss_bce")
    for reduction in ("mean", "sum"):
        x, t, w = random(5, 3, low=0.01, high=0.99), random(5, 3, low=0, high=1), random(5, 3, low=0, high=1)
        loss_case(
            file, f"plain_{reduction}", {"reduction": reduction},
            lambda x, t: F.binary_cross_entropy(x, t, reduction=reduction), [x, t], (0, 1))
        loss_case(
            file, f"weight_{reduction}", {"reduction": reduction},
            lambda x, t, w: F.binary_cross_entropy(x, t, weight=w, reduction=reduction), [x, t, w], (0, 1))
    edge = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.5, 1e-30, 1e-6])
    loss_case(
        file, "edges", {}, F.binary_cross_entropy, [edge, torch.tensor([0.0, 1.0, 1.0, 0.0, 0.5, 1.0, 1.0])], (0,))
    file.save()

    file = GoldenFile("loss_bce_with_logits")
    for name, weight in [("plain", None), ("positive", [2.5]), ("positive_per_class", [0.5, 1.0, 3.0])]:
        for reduction in ("mean", "sum"):
            attributes = {"reduction": reduction, **({"pos_weight": weight} if weight else {})}
            positive = torch.tensor(weight) if weight else None

            def function(x, t, w=None):
                return F.binary_cross_entropy_with_logits(x, t, w, pos_weight=positive, reduction=reduction)

            for weighted in (False, True):
                inputs = [random(5, 3, low=-6, high=6), random(5, 3, low=0, high=1)]
                inputs += [random(5, 3, low=0, high=1)] if weighted else []
                case = f"{name}{'_weight' if weighted else ''}_{reduction}"
                loss_case(file, case, attributes, function, inputs, (0, 1))
    x = torch.tensor([-200.0, -30.0, -1e-3, 0.0, 1e-3, 30.0, 200.0])
    for value in (0.0, 1.0):
        loss_case(
            file, f"edges_{int(value)}", {}, F.binary_cross_entropy_with_logits, [x, torch.full_like(x, value)], (0,))
    file.save()


def divergence():
    file = GoldenFile("loss_kl_div")
    for reduction in ("mean", "batchmean", "sum"):
        x, t = random(4, 6).log_softmax(1), random(4, 6).softmax(1)
        loss_case(
            file, f"plain_{reduction}", {"reduction": reduction},
            lambda x, t: F.kl_div(x, t, reduction=reduction), [x, t], (0, 1))
        loss_case(
            file, f"log_{reduction}", {"reduction": reduction, "log_target": True},
            lambda x, t: F.kl_div(x, t, reduction=reduction, log_target=True), [x, t.log()], (0, 1))
    t = torch.tensor([[0.0, 0.25, 0.75], [1.0, 0.0, 0.0]])
    loss_case(file, "zeros", {}, F.kl_div, [random(2, 3).log_softmax(1), t], (0,))
    file.save()


if __name__ == "__main__":
    cross_entropy()
    nll()
    simple()
    elementwise("hinge", hinge, [("plain", {}, {})], lambda: [random(6, 2), signs(6, 2)], shapes=False)
    elementwise("cosine", cosine, [("plain", {}, {})], lambda: [random(5, 4), random(5, 4)], shapes=False)
    file = GoldenFile("loss_cosine_shapes")
    loss_case(file, "image", {}, cosine, [random(2, 4, 3, 2), random(2, 4, 3, 2)], (0, 1))
    # Where the bound on the norm holds, PyTorch's gradient is not the derivative: it treats the norm as free.
    loss_case(
        file, "epsilon", {"epsilon": 2.0}, lambda x, t: cosine(x, t, epsilon=2.0), [random(5, 4), random(5, 4)], ())
    file.save()
    binary()
    divergence()
    sequence()

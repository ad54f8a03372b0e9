"""Golden trajectories of the optimizers from PyTorch, 100 steps with given gradients: python3 generate_optimizers.py"""

import torch

from golden_file import GoldenFile, random

STEPS = 100
# The steps whose parameters are kept: the early ones, where bias corrections matter, then every tenth.
KEPT = [*range(1, 11), *range(20, STEPS + 1, 10)]
SHAPES = [(2, 3), (3,), (1,)]


def run(file, name, attributes, make, scale=1.0, clip=float("inf"), factor=1.0):
    """`make(parameters)` gives the PyTorch optimizer; every gradient is scaled, then limited to ±clip."""
    start = [random(shape) for shape in SHAPES]
    # Gradients of different sizes, with a common drift, so that sums, signs and averages all matter.
    gradients = [random(STEPS, *shape, low=-0.8, high=1.2) for shape in SHAPES]
    parameters = [torch.nn.Parameter(value.clone()) for value in start]
    optimizer = make(parameters)
    for group in optimizer.param_groups:
        group["lr"] *= factor
    trajectory = [[] for _ in SHAPES]
    for step in range(STEPS):
        for index, parameter in enumerate(parameters):
            parameter.grad = (gradients[index][step] * scale).clamp(-clip, clip)
        optimizer.step()
        for index, parameter in enumerate(parameters):
            trajectory[index].append(parameter.detach().clone())
    tensors = {}
    for index in range(len(SHAPES)):
        tensors[f"parameter.{index}"] = start[index]
        tensors[f"gradients.{index}"] = gradients[index]
        tensors[f"trajectory.{index}"] = torch.stack([trajectory[index][step - 1] for step in KEPT])
    details = {} if clip == float("inf") else {"clip_value": clip}
    file.case(name, attributes, tensors, steps=KEPT, gradient_scale=scale, learning_rate_factor=factor, **details)


# PyTorch's names where ours differ.
NAMES = {
    "learning_rate": "lr", "epsilon": "eps", "learning_rate_decay": "lr_decay",
}


def torch_arguments(attributes):
    arguments = {NAMES.get(key, key): value for key, value in attributes.items()}
    if "beta1" in arguments or "beta2" in arguments:
        arguments["betas"] = (arguments.pop("beta1", 0.9), arguments.pop("beta2", 0.999))
    if "eta_minus" in arguments:
        arguments["etas"] = (arguments.pop("eta_minus"), arguments.pop("eta_plus"))
    if "minimum_step" in arguments:
        arguments["step_sizes"] = (arguments.pop("minimum_step"), arguments.pop("maximum_step"))
    return arguments


def optimizer(name, kind, cases):
    file = GoldenFile(f"optimizer_{name}")
    for case, attributes in cases.items():
        run(file, case, attributes, lambda parameters: kind(parameters, **torch_arguments(attributes)))
    run(file, "clipped", {}, kind, scale=0.7, clip=0.3, factor=0.5)
    file.save()


if __name__ == "__main__":
    optim = torch.optim
    optimizer("sgd", optim.SGD, {
        "defaults": {},
        "decay": {"learning_rate": 0.05, "weight_decay": 0.1},
        "momentum": {"learning_rate": 0.01, "momentum": 0.9},
        "dampening": {"learning_rate": 0.01, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01},
        "nesterov": {"learning_rate": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    })
    adam = {
        "defaults": {},
        "settings": {"learning_rate": 0.02, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4, "weight_decay": 0.1},
        "amsgrad": {"learning_rate": 0.02, "beta2": 0.9, "amsgrad": True, "weight_decay": 0.05},
    }
    optimizer("adam", optim.Adam, adam)
    optimizer("adamw", optim.AdamW, adam)
    moments = {"learning_rate": 0.02, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4, "weight_decay": 0.1}
    optimizer("adamax", optim.Adamax, {"defaults": {}, "settings": moments})
    decoupled = {**moments, "decoupled_weight_decay": True}
    optimizer("nadam", optim.NAdam, {
        "defaults": {}, "settings": {**moments, "momentum_decay": 0.02}, "decoupled": decoupled,
    })
    optimizer("radam", optim.RAdam, {
        "defaults": {}, "settings": moments, "decoupled": decoupled,
        "never_adaptive": {"learning_rate": 0.01, "beta2": 0.6},
    })
    optimizer("adagrad", optim.Adagrad, {
        "defaults": {},
        "settings": {
            "learning_rate": 0.1, "learning_rate_decay": 0.02, "weight_decay": 0.1, "initial_accumulator_value": 0.3,
            "epsilon": 1e-3,
        },
    })
    optimizer("adadelta", optim.Adadelta, {
        "defaults": {}, "settings": {"learning_rate": 0.7, "rho": 0.95, "epsilon": 1e-3, "weight_decay": 0.1},
    })
    optimizer("rmsprop", optim.RMSprop, {
        "defaults": {},
        "settings": {"learning_rate": 0.02, "alpha": 0.9, "epsilon": 1e-3, "weight_decay": 0.1},
        "momentum": {"learning_rate": 0.005, "alpha": 0.9, "momentum": 0.8},
        "centered": {"learning_rate": 0.005, "alpha": 0.9, "centered": True, "epsilon": 1e-2},
        "centered_momentum": {
            "learning_rate": 0.005, "alpha": 0.9, "centered": True, "momentum": 0.7, "epsilon": 1e-2,
        },
    })
    optimizer("rprop", optim.Rprop, {
        "defaults": {},
        "settings": {
            "learning_rate": 0.05, "eta_minus": 0.4, "eta_plus": 1.5, "minimum_step": 1e-3, "maximum_step": 0.2,
        },
    })
    optimizer("asgd", optim.ASGD, {
        "defaults": {},
        "settings": {"learning_rate": 0.05, "lambd": 0.02, "alpha": 0.6, "t0": 30.0, "weight_decay": 0.1},
    })

"""Learning-rate factors of PyTorch's schedulers, per step, for the schedules: python3 generate_schedules.py"""

import json
import pathlib
import warnings

import torch
from torch.optim import lr_scheduler

STEPS_PER_EPOCH = 5
EPOCHS = 8
TOTAL = STEPS_PER_EPOCH * EPOCHS


def factors(make, per_epoch):
    """The factor at every step; the scheduler ticks once per step or once per epoch."""
    rate = 0.5
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    scheduler = make(optimizer)
    result = []
    for step in range(TOTAL):
        result.append(optimizer.param_groups[0]["lr"] / rate)
        optimizer.step()
        if not per_epoch or (step + 1) % STEPS_PER_EPOCH == 0:
            scheduler.step()
    return result


def warmup_cosine(optimizer):
    return lr_scheduler.SequentialLR(
        optimizer,
        [
            lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=10),
            lr_scheduler.CosineAnnealingLR(optimizer, T_max=TOTAL - 10, eta_min=0.05 * 0.5),
        ],
        milestones=[10],
    )


CASES = [
    ("constant", {}, False, lambda o: lr_scheduler.LambdaLR(o, lambda step: 1.0)),
    ("step", {"every": 3}, True, lambda o: lr_scheduler.StepLR(o, 3)),
    ("step", {"every": 7, "factor": 0.5, "unit": "step"}, False, lambda o: lr_scheduler.StepLR(o, 7, 0.5)),
    ("exponential", {"factor": 0.8}, True, lambda o: lr_scheduler.ExponentialLR(o, 0.8)),
    ("exponential", {"factor": 0.97, "unit": "step"}, False, lambda o: lr_scheduler.ExponentialLR(o, 0.97)),
    ("cosine", {}, False, lambda o: lr_scheduler.CosineAnnealingLR(o, TOTAL)),
    ("cosine", {"minimum": 0.1}, False, lambda o: lr_scheduler.CosineAnnealingLR(o, TOTAL, 0.1 * 0.5)),
    ("cosine", {"unit": "epoch"}, True, lambda o: lr_scheduler.CosineAnnealingLR(o, EPOCHS)),
    ("linear_warmup", {"duration": 6}, False, lambda o: lr_scheduler.LinearLR(o, 1 / 3, total_iters=6)),
    (
        "linear_warmup", {"duration": 2, "unit": "epoch", "start": 0.05}, False,
        lambda o: lr_scheduler.LinearLR(o, 0.05, total_iters=2 * STEPS_PER_EPOCH),
    ),
    ("warmup_cosine", {"duration": 10, "start": 0.1, "minimum": 0.05}, False, warmup_cosine),
]

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    text = json.dumps(
        {
            "steps_per_epoch": STEPS_PER_EPOCH,
            "total_steps": TOTAL,
            "cases": [
                {"schedule": name, "attributes": attributes, "factors": factors(make, per_epoch)}
                for name, attributes, per_epoch, make in CASES
            ],
        },
        indent=1,
    )
    (pathlib.Path(__file__).parent / "schedules.json").write_text(text + "\n")

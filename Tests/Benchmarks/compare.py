#!/usr/bin/env python3
"""Lamina beside PyTorch and ONNX Runtime: training steps, single-sample inference, memory, a cold start.

usage: compare.py [WORKLOAD ...] [--rounds N] [--seconds S] [--compile] [--format text|json] [--lamina PATH]

Ours and each peer run in turn, each in a process of its own and on all processors, `--rounds` times; figures are medians
of the rounds' medians. A ratio above 1 is in our favour. It installs nothing: peers that are missing are left out, and
said. Build Lamina first (make). The workloads are Plugins/*/Benchmarks/*.yaml; peers.py has them for the peers.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# What we are out for: the least ratio to the best peer.
TARGETS = {
    ("mlp", "train"): 3, ("cnn", "train"): 2.5, ("resnet", "train"): 1.4,
    ("mlp", "infer"): 1.1, ("cnn", "infer"): 1.1, ("resnet-224", "infer"): 1.1,
}
PHASES = {"mlp": ("train", "infer"), "cnn": ("train", "infer"), "resnet": ("train",), "resnet-224": ("infer",)}
RECIPES = {"mlp": "Plugins/Core/Benchmarks/mlp.yaml", "cnn": "Plugins/CNN/Benchmarks/cnn.yaml"}
SHAPES = {"mlp": (784,), "cnn": (1, 28, 28)}


def process(command, **options):
    """Runs a command; returns its output, wall seconds and peak memory in bytes."""
    begin = time.monotonic()
    child = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    output, errors = child.stdout.read(), child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - begin
    if child.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {errors.strip().splitlines()[-1:] or child.returncode}")
    return output, seconds, usage.ru_maxrss * 1024


def ours(lamina, workload, phase, seconds):
    """Median seconds, peak bytes of the process, share of the multiply-add peak."""
    command = [lamina, "bench", workload, "--seconds", seconds, "--format", "json"]
    result = json.loads(process(command)[0])
    row = next(row for row in result["measurements"] if row["phase"] == phase)
    share = row["flops"] / row["median_seconds"] / result["peak_flops_per_second"]
    return row["median_seconds"], row["measured_bytes"] or 0, share


def peer(name, workload, phase, seconds):
    output, _, _ = process([sys.executable, HERE / "peers.py", name, workload, phase, seconds])
    median, memory = output.split()[-2:]
    return float(median), int(memory) * 1024


def compare(arguments, workload, phase, peers):
    """One row: rounds of ours and of every peer, in turn."""
    mine, theirs = [], {name: [] for name in peers}
    for _ in range(arguments.rounds):
        mine.append(ours(arguments.lamina, workload, phase, arguments.seconds))
        for name in list(theirs):
            try:
                theirs[name].append(peer(name, workload, phase, arguments.seconds))
            except RuntimeError as error:
                print(f"left out: {error}", file=sys.stderr)
                del theirs[name]
    median = statistics.median
    best = min(theirs, key=lambda name: median(run[0] for run in theirs[name]), default=None)
    row = {
        "workload": workload, "phase": phase, "seconds": median(run[0] for run in mine),
        "bytes": median(run[1] for run in mine), "share_of_peak": median(run[2] for run in mine),
        "peers": {name: {"seconds": median(r[0] for r in runs), "bytes": median(r[1] for r in runs)}
                  for name, runs in theirs.items()},
        "best_peer": best, "target": TARGETS.get((workload, phase)),
    }
    row["ratio"] = row["peers"][best]["seconds"] / row["seconds"] if best else None
    return row


def cold_start(lamina, workload, runs=15):
    """`lamina predict` on one sample, each time in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        archive, sample = Path(folder, "model.lamina"), Path(folder, "sample.npy")
        process([lamina, "init", ROOT / RECIPES[workload], "-o", archive])
        shape = (1,) + SHAPES[workload]
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
        header += " " * (-(len(header) + 11) % 64) + "\n"
        count = 1
        for size in shape:
            count *= size
        sample.write_bytes(
            b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(4 * count))
        measured = [process([lamina, "predict", archive, sample])[1:] for _ in range(runs)]
    return {"workload": workload, "seconds": statistics.median(run[0] for run in measured),
            "bytes": statistics.median(run[1] for run in measured)}


def duration(seconds):
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} µs"


def mebibytes(count):
    return f"{count / 2**20:.0f} MiB"


def show(rows, colds, calls):
    table = [["workload", "phase", "ours", "of peak", "best peer", "", "ratio", "target"]]
    for row in rows:
        best = row["best_peer"]
        table.append([
            row["workload"], row["phase"], duration(row["seconds"]), f"{row['share_of_peak']:.0%}", best or "none",
            duration(row["peers"][best]["seconds"]) if best else "", f"{row['ratio']:.2f}" if best else "",
            f"{row['target']}" if row["target"] else ""])
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    for row in rows:
        torch = row["peers"].get("torch")
        if row["phase"] == "train" and torch:
            print(f"peak memory, {row['workload']} train: {mebibytes(row['bytes'])}, torch {mebibytes(torch['bytes'])}, "
                  f"{row['bytes'] / torch['bytes']:.2f} of it")
    for cold in colds:
        print(f"cold lamina predict, {cold['workload']}: {duration(cold['seconds'])}, {mebibytes(cold['bytes'])}")
    if calls:
        print(f"call of a layer: {calls * 1e9:.0f} ns")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(PHASES)}; all unless given")
    parser.add_argument("--rounds", type=int, default=5, help="how often each takes its turn")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one run")
    parser.add_argument("--compile", action="store_true", help="torch.compile, too: slow to start")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument("--lamina", type=Path, default=ROOT / ".build/release/lamina", help="the command")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.workloads if name not in PHASES]
    if unknown:
        parser.error(f"there is no workload '{unknown[0]}'; there are {', '.join(PHASES)}")
    if not arguments.lamina.exists():
        parser.error(f"{arguments.lamina} is not there: build it with make")
    has = {name: importlib.util.find_spec(name) is not None for name in ("torch", "onnx", "onnxruntime")}
    for name in (name for name in has if not has[name]):
        print(f"left out: {name} is not installed (pip install {name})", file=sys.stderr)
    eager = ["torch"] if has["torch"] else []
    compiled = ["compile"] if has["torch"] and arguments.compile else []
    onnx = ["onnx"] if all(has.values()) else []
    chosen = arguments.workloads or list(PHASES)
    rows = [
        compare(arguments, workload, phase, eager + compiled + (onnx if phase == "infer" else []))
        for workload in chosen for phase in PHASES[workload]]
    colds = [cold_start(arguments.lamina, workload) for workload in chosen if workload in RECIPES]
    calls = None if arguments.workloads else ours(arguments.lamina, "calls", "infer", 1)[0] / 1000
    if arguments.format == "json":
        print(json.dumps({"rows": rows, "cold": colds, "call_seconds": calls}, indent=2))
    else:
        show(rows, colds, calls)


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(f"error: {error}")

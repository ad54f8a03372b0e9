#!/usr/bin/env python3
"""Lamina beside PyTorch and ONNX Runtime: training steps, single-sample inference, memory, a cold start, an epoch.

usage: compare.py [WORKLOAD ...] [--rounds N] [--seconds S] [--compile] [--epoch] [--format text|json] [--lamina PATH]

Ours and each peer run in turn, each in a process of its own and on all processors, `--rounds` times; figures are
medians of the rounds' medians. A ratio above 1 is in our favour. It exits with 0 whether targets hold or not. It
installs nothing: peers that are missing are left out, and said. Build Lamina first (make). The workloads are Plugins/*/Benchmarks/*.yaml; peers.py has them for the
peers. It wants an idle machine: threads that wait for each other suffer from company, PyTorch's the most.
"""

import argparse
import importlib.util
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
THREADS = len(os.sched_getaffinity(0))
IMAGES = Path("/usr/share/datasets/fashion-mnist")  # Debian's package dataset-fashion-mnist
# What we are out for: the least ratio to the best peer.
RATIOS = {
    ("mlp", "train"): 3, ("cnn", "train"): 2.5, ("resnet", "train"): 1.4, ("lstm", "train"): 1.5,
    ("gpt", "train"): 2, ("vit", "train"): 2, ("dcgan", "train"): 2,
    ("cnn", "epoch"): 2.5,
    ("mlp", "infer"): 1.1, ("cnn", "infer"): 1.1, ("resnet-224", "infer"): 1.1, ("lstm", "infer"): 1.1,
}
# And the most of other things: a share of PyTorch's peak memory, seconds and bytes of a cold start, seconds of a call.
MEMORY_SHARE, COLD_SECONDS, COLD_BYTES, CALL_SECONDS = 0.5, 0.040, 60 * 2**20, 100e-9
BUSY = 0.05  # Share of the machine that others may use, the host of a virtual one too, before the figures mean little.
PHASES = {
    "mlp": ("train", "infer"), "cnn": ("train", "infer"), "resnet": ("train",), "resnet-224": ("infer",),
    "lstm": ("train", "infer"), "gpt": ("train",), "vit": ("train",), "dcgan": ("train",),
    "calls": (),
}
RECIPES = {"mlp": "Plugins/Core/Benchmarks/mlp.yaml", "cnn": "Plugins/CNN/Benchmarks/cnn.yaml"}
SHAPES = {"mlp": (784,), "cnn": (1, 28, 28)}


class OtherWork:
    """What others used of the machine since this was made: it spoils ratios."""

    def __init__(self):
        self.begin, self.before = time.monotonic(), self.seconds()

    @staticmethod
    def seconds():
        """Processor seconds of all processes but ours and our children; those that a virtual machine wanted and its host
        gave to others (proc(5): stat; user, nice, system; steal)."""
        ticks = map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:])
        user, nice, system, _, _, _, _, steal, *_ = (count / os.sysconf("SC_CLK_TCK") for count in ticks)
        return user + nice + system - sum(os.times()[:4]), steal

    @property
    def shares(self):
        """Of other processes, and of the host."""
        machine = (time.monotonic() - self.begin) * os.cpu_count()
        return [max(0.0, (now - before) / machine) for now, before in zip(self.seconds(), self.before)]


def process(*command):
    """Runs a command; returns its output, wall seconds and peak memory in bytes."""
    command = [str(word) for word in command]
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        begin = time.monotonic()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        with child.stdout:
            output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            errors.seek(0)
            said = errors.read().strip().splitlines()
            raise RuntimeError(f"{' '.join(command)}: {said[-1] if said else f'exit code {child.returncode}'}")
    return output, seconds, usage.ru_maxrss * 1024


def result(output, what):
    """What a command printed as JSON, in one line or in all."""
    for text in (output, output.strip().rpartition("\n")[2]):
        try:
            return json.loads(text)
        except ValueError:
            continue
    raise RuntimeError(f"{what}: wanted JSON, got {output[:60]!r}")


def ours(lamina, workload, phase, seconds):
    """A run of `lamina bench`: median and fastest seconds, peak bytes in that phase, share of the multiply-add peak."""
    output, _, _ = process(
        lamina, "bench", workload, "--seconds", seconds, "--threads", THREADS, "--format", "json")
    measured = result(output, lamina)
    row = next(row for row in measured["measurements"] if row["phase"] == phase)
    flops = row["flops"]  # None: of a procedure
    return {
        "seconds": row["median_seconds"], "fastest_seconds": row["fastest_seconds"], "bytes": row["measured_bytes"],
        "share_of_peak": flops and flops / row["median_seconds"] / measured["peak_flops_per_second"],
    }


def our_epoch(lamina, workload):
    """A run of `lamina train` with the workload's network on all training images: the epoch's seconds, peak bytes."""
    data = f"""
  train:
    reader: data.idx
    images: {IMAGES}/train-images-idx3-ubyte.gz
    labels: {IMAGES}/train-labels-idx1-ubyte.gz
  transforms: [ data.normalize: {{ mean: 0.286, std: 0.353 }} ]
"""
    before, rest = (ROOT / RECIPES[workload]).read_text().split("data:", 1)
    with tempfile.TemporaryDirectory() as folder:
        recipe, archive = Path(folder, "epoch.yaml"), Path(folder, "epoch.lamina")
        recipe.write_text(before + "data:" + data + rest[rest.index("model:"):])
        _, _, peak = process(lamina, "train", recipe, "-o", archive, "--epochs", 1, "--threads", THREADS)
        history = Path(folder, "epoch.history.jsonl").read_text().splitlines()
    seconds = json.loads(history[-1])["seconds"]
    return {"seconds": seconds, "fastest_seconds": seconds, "bytes": peak, "share_of_peak": None}


def theirs(peer, workload, phase, length):
    return result(process(sys.executable, "-W", "ignore", HERE / "peers.py", peer, workload, phase, length)[0], peer)


def middle(runs):
    """The rounds in one: medians, and the fastest of all."""
    result = {key: statistics.median(run[key] for run in runs) for key in runs[0] if runs[0][key] is not None}
    return result | {"fastest_seconds": min(run["fastest_seconds"] for run in runs)}


def compare(workload, phase, rounds, mine, peers, length, left_out):
    """One row: rounds of ours and of every peer, in turn."""
    runs = {None: []} | {peer: [] for peer in peers}
    for _ in range(rounds):
        for peer in list(runs):
            try:
                runs[peer].append(theirs(peer, workload, phase, length) if peer else mine())
            except RuntimeError as error:
                if not peer:
                    raise
                left_out.append(str(error))
                del runs[peer]
    row = {"workload": workload, "phase": phase} | middle(runs.pop(None))
    row["peers"] = {peer: middle(measured) for peer, measured in runs.items()}
    best = min(row["peers"], key=lambda peer: row["peers"][peer]["seconds"], default=None)
    ratio, target = row["peers"][best]["seconds"] / row["seconds"] if best else None, RATIOS[workload, phase]
    return row | {"best_peer": best, "ratio": ratio, "target": target, "holds": ratio >= target if best else None}


def limit(name, value, most, unit):
    return {"name": name, "value": value, "at_most": most, "unit": unit, "holds": value <= most}


def memory_shares(rows):
    """Peak memory of our training processes as a share of PyTorch's."""
    for row in rows:
        if row["phase"] == "train" and "torch" in row["peers"] and "bytes" in row:
            share = row["bytes"] / row["peers"]["torch"]["bytes"]
            yield limit(f"peak memory, {row['workload']} train, of torch's", share, MEMORY_SHARE, "share")


def cold_start(lamina, workload, runs=15):
    """`lamina predict` on one sample, each time in a new process."""
    shape = (1,) + SHAPES[workload]
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with tempfile.TemporaryDirectory() as folder:
        archive, sample = Path(folder, "model.lamina"), Path(folder, "sample.npy")
        process(lamina, "init", ROOT / RECIPES[workload], "-o", archive)
        sample.write_bytes(
            b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(4 * math.prod(shape)))
        measured = [process(lamina, "predict", archive, sample) for _ in range(runs)]
    name = f"cold lamina predict, {workload}"
    yield limit(f"{name}: wall time", statistics.median(run[1] for run in measured), COLD_SECONDS, "seconds")
    yield limit(f"{name}: peak memory", statistics.median(run[2] for run in measured), COLD_BYTES, "bytes")


def quantity(value, unit):
    if unit == "share":
        return f"{value:.2f}"
    if unit == "bytes":
        return f"{value / 2**20:.0f} MiB"
    factor, name = next((pair for pair in [(1, "s"), (1e3, "ms"), (1e6, "µs")] if value * pair[0] >= 1), (1e9, "ns"))
    return f"{value * factor:.3g} {name}" if value * factor < 1000 else f"{value * factor:.0f} {name}"


def show(*lines):
    """A table with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def verdict(holds):
    return "" if holds is None else "yes" if holds else "no"


def report(rows, limits, left_out, others):
    def line(row):
        best, share = row["best_peer"], row.get("share_of_peak")
        return [
            row["workload"], row["phase"], quantity(row["seconds"], "seconds"), f"{share:.0%}" if share else "",
            best or "none", quantity(row["peers"][best]["seconds"], "seconds") if best else "",
            f"{row['ratio']:.2f}" if best else "", f"{row['target']:g}", verdict(row["holds"])]

    if rows:
        show(["workload", "phase", "ours", "of peak", "best peer", "", "ratio", "target", "holds"], *map(line, rows))
    if limits:
        print()
        show(["", "ours", "at most", "holds"], *(
            [each["name"], quantity(each["value"], each["unit"]), quantity(each["at_most"], each["unit"]),
             verdict(each["holds"])] for each in limits))
    for what in left_out:
        print(f"left out: {what}")
    processes, host = others
    print(f"meanwhile, other processes used {processes:.0%} of the machine"
          + (f", and its host {host:.0%}" if host > 0.005 else "")
          + ("; these ratios mean little" if processes + host > BUSY else ""))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(PHASES)}; all unless given")
    parser.add_argument("--rounds", type=int, default=5, help="how often each takes its turn (default: 5)")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one run (default: 1.5)")
    parser.add_argument("--compile", action="store_true", help="torch.compile, too: slow to start, wants a compiler")
    parser.add_argument("--epoch", action="store_true", help="one epoch of cnn on Fashion-MNIST, too: minutes")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument("--lamina", type=Path, default=ROOT / ".build/release/lamina", help="the command")
    chosen = parser.parse_args()
    for name in chosen.workloads:
        if name not in PHASES:
            parser.error(f"there is no workload '{name}'; there are {', '.join(PHASES)}")
    if chosen.rounds < 1 or not 0 < chosen.seconds <= 3600:
        parser.error("wanted at least one round, and more than 0 seconds up to 3600")
    if not os.access(chosen.lamina, os.X_OK):
        parser.error(f"{chosen.lamina} is not there: build it with make, or name it with --lamina")
    if chosen.epoch and not IMAGES.is_dir():
        parser.error(f"--epoch reads {IMAGES}, which is not there: apt-get install dataset-fashion-mnist")
    chosen.lamina = chosen.lamina.resolve()
    chosen.workloads = list(dict.fromkeys(chosen.workloads)) or list(PHASES)
    return chosen


def main():
    chosen, left_out, others = arguments(), [], OtherWork()
    lamina, seconds = chosen.lamina, chosen.seconds
    has = {name: importlib.util.find_spec(name) is not None for name in ("torch", "onnx", "onnxruntime")}
    left_out += [f"{name} is not installed (pip install {name})" for name in has if not has[name]]
    if has["torch"] and not chosen.compile:
        left_out.append("torch.compile, which is slow to start and wants a C++ compiler: --compile")
    torch = ["torch"] if has["torch"] else []
    peers = {"train": torch + ["compile"] * (has["torch"] and chosen.compile)}
    peers["infer"] = peers["train"] + ["onnx"] * all(has.values())
    rows = [
        compare(workload, phase, chosen.rounds, lambda: ours(lamina, workload, phase, seconds), peers[phase], seconds,
                left_out)
        for workload in chosen.workloads for phase in PHASES[workload]]
    limits = list(memory_shares(rows))
    for workload in chosen.workloads:
        limits += cold_start(lamina, workload) if workload in RECIPES else []
    if "calls" in chosen.workloads:
        limits.append(limit("call of a layer", ours(lamina, "calls", "infer", seconds)["seconds"] / 1000, CALL_SECONDS,
                            "seconds"))
    if chosen.epoch:
        rows.append(compare("cnn", "epoch", 1, lambda: our_epoch(lamina, "cnn"), torch, IMAGES, left_out))
    if chosen.format == "json":
        print(json.dumps({"threads": THREADS, "rows": rows, "limits": limits, "left_out": left_out,
                          "shares_of_others": others.shares}, indent=2))
    else:
        report(rows, limits, left_out, others.shares)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)

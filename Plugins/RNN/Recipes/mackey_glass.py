#!/usr/bin/env python3
"""Writes mackey-glass-train.csv and mackey-glass-test.csv beside this file: python3 mackey_glass.py

The series of Mackey and Glass (1977) with a delay of 17, which is chaotic: x' = 0.2 x(t - 17) / (1 + x(t - 17)^10) - 0.1 x,
by the method of Runge and Kutta with steps of 0.1, from x = 1.2; the first 1000 units of time are left out. A row has 32
values in a row, less 0.93 (the mean), and the value 6 units later to predict. The test rows come after the others in time.
"""
import pathlib

DELAY, STEPS, WINDOW, AHEAD, TRAIN, TEST, MEAN = 17, 10, 32, 6, 4000, 1000, 0.93


def series(length):
    h, lag = 1 / STEPS, DELAY * STEPS
    past = [1.2] * (lag + 1)  # past[-1] is the present, past[-1 - lag] the present less the delay

    def slope(x, delayed):
        return 0.2 * delayed / (1 + delayed ** 10) - 0.1 * x

    values = []
    for step in range((1000 + length) * STEPS):
        x, d0, d1 = past[-1], past[-1 - lag], past[-lag]
        half = (d0 + d1) / 2
        a = slope(x, d0)
        b = slope(x + h / 2 * a, half)
        c = slope(x + h / 2 * b, half)
        d = slope(x + h * c, d1)
        past.append(x + h / 6 * (a + 2 * b + 2 * c + d))
        if (step + 1) % STEPS == 0 and step >= 1000 * STEPS:
            values.append(past[-1] - MEAN)
    return values


def write(name, values, first, rows):
    path = pathlib.Path(__file__).parent / name
    with path.open("w") as file:
        file.write(",".join([f"x{i}" for i in range(WINDOW)] + ["target"]) + "\n")
        for row in range(first, first + rows):
            numbers = values[row:row + WINDOW] + [values[row + WINDOW - 1 + AHEAD]]
            file.write(",".join(f"{number:.6f}" for number in numbers) + "\n")
    print("wrote", path)


if __name__ == "__main__":
    gap = WINDOW + AHEAD  # no test value has been seen in training
    values = series(TRAIN + gap + TEST + WINDOW + AHEAD)
    write("mackey-glass-train.csv", values, 0, TRAIN)
    write("mackey-glass-test.csv", values, TRAIN + gap, TEST)

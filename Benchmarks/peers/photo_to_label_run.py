"""Alternates both sides and prints the tables: photo_to_label_run.py ROUNDS THREADS TINYRT WORK

Both sides are confined to the first THREADS processors. Wall time, and processor time, which says more where others use the machine too. The
ratios are those of the medians; in brackets the least.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

rounds, threads, tinyrt, work = int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(threads)])
peer = [sys.executable, str(Path(__file__).with_name("photo_to_label_peer.py"))]
NULL = os.open(os.devnull, os.O_WRONLY)


class Started:
    """A whole process."""

    def __init__(self, command):
        self.command = command

    def milliseconds(self):
        start = time.perf_counter()
        process = os.posix_spawn(self.command[0], self.command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, NULL, 1), (os.POSIX_SPAWN_DUP2, NULL, 2)])
        _, status, usage = os.wait4(process, 0)
        took = time.perf_counter() - start
        if status != 0:
            sys.exit(f"photo_to_label: failed: {' '.join(self.command)}")
        return took * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3


class Warm:
    """A process that times itself, once for each line that it gets."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(3):
            self.milliseconds()

    def milliseconds(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"photo_to_label: ended: {' '.join(self.process.args)}")
        return tuple(float(word) for word in line.split()[:2])


rows = []
for title, model, photo, decoding in [
    ("4000 x 3000, decoded at n/8", "model.tiny", "photo.jpg", "scaled"),
    ("4000 x 3000, decoded in full", "full.tiny", "photo.jpg", "full"),
    ("500 x 375", "full.tiny", "small.jpg", "full"),
]:
    model, photo, tflite = str(work / model), str(work / photo), str(work / "model.tflite")
    for kind in ["exec", "warm"]:
        words = [photo, decoding, threads] + (["warm"] if kind == "warm" else [])
        ours = [tinyrt, "classify", model, photo, "--threads", threads] if kind == "exec" else [str(work / "ours"), model, photo, threads]
        make = Started if kind == "exec" else Warm
        sides = [make(command) for command in (ours, [*peer, tflite, *words], [*peer, "-", *words])]
        times = [[] for _ in sides]
        for _ in range(rounds):
            for side, taken in zip(sides, times):
                taken.append(side.milliseconds())
        if kind == "warm":
            for side in sides:
                side.process.stdin.close()
                side.process.wait()
        rows.append((f"{title}, {kind}", times))
        print(f"{title}, {kind}", file=sys.stderr)

for clock, name in enumerate(["wall time", "processor time"]):
    print(f"\n{name + ', ms':<34}{'ours':>20}{'Pillow + LiteRT':>20}{'Pillow alone':>20}{'ratio':>8}")
    for title, times in rows:
        of = [[each[clock] for each in taken] for taken in times]
        medians = [statistics.median(taken) for taken in of]
        cells = "".join(f"{f'{median:.1f} ({min(taken):.1f})':>20}" for median, taken in zip(medians, of))
        print(f"{title:<34}{cells}{medians[1] / medians[0]:>8.2f}")

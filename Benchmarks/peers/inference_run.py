"""Run by inference_speed: times every runtime in turns and compares.

    inference_run.py [--threads 1,2] [--rounds N] [--seconds S] [--json FILE] OURS PEERS FOLDER...

OURS is inference_ours' binary, PEERS the runtimes (with commas), FOLDER a network with each one's model. In each round every runtime runs once,
in changing order, S seconds after a third of that to warm up (by Python's
usual call, whose cost that shows). Each lives in a process of its own, pinned to the first processors that this one
may use, as many as it has threads; those whose turn it is not are stopped (SIGSTOP), so that no pool spins.

Where OpenVINO takes part it also runs with AVX2 at most (oneDNN's switch ONEDNN_MAX_CPU_ISA; the others have none), and ours always does.
"""

import argparse
import json
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import time

import numpy as np

HERE = pathlib.Path(__file__).parent
# Where little else ran, medians were 1.01 to 1.15 times the fastest run, OpenVINO's 1.3 once.
DISTURBED = 1.3


class Runtime:
    """A stopped process; it runs while it is asked."""

    def __init__(self, key, folder, threads, ours):
        self.key, self.folder = key, folder
        name, _, isa = key.partition("-")
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
        if name == "ours":
            command = [ours, folder / "ours.tiny", str(threads), *([isa] if isa else [])]
        else:
            command = [sys.executable, HERE / "inference_peer.py", name, folder, str(threads)]
            if isa:
                environment["ONEDNN_MAX_CPU_ISA"] = isa.upper()
        self.errors = folder / f"{key}-errors.txt"
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, sorted(cores)[:threads])  # what starts now inherits it
        started = time.monotonic()
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        os.sched_setaffinity(0, cores)
        self.name = self.line()
        self.start_ms = 1e3 * (time.monotonic() - started)
        if isa and name != "ours":
            self.name += f", {isa.upper()} at most"
        self.process.send_signal(signal.SIGSTOP)
        self.rounds, self.calls = [], []

    def line(self):
        text = self.process.stdout.readline()
        if not text:
            sys.exit(f"inference_speed: {self.key} ended on {self.folder}:\n{self.errors.read_text()[-2000:]}")
        return text.strip()

    def ask(self, text, lines=None):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        answer = [self.line()]
        while lines and answer[-1]:
            text = self.process.stdout.readline().strip()
            answer.append(text)
        self.process.send_signal(signal.SIGSTOP)
        return [[float(value) for value in line.split()] for line in answer if line]

    def milliseconds(self, text):
        return [value / 1e6 for value in self.ask(text)[0]]

    def turn(self, seconds):
        self.calls += self.milliseconds(f"call {seconds / 3}")
        self.rounds.append(self.milliseconds(str(seconds)))

    def median(self):
        return statistics.median(value for each in self.rounds for value in each)

    def least(self):
        return min(value for each in self.rounds for value in each)

    def close(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def memory(self):
        """MiB: the most that was resident, and what of it now is no file's."""
        fields = dict(line.split(":") for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines())
        return [int(fields[field].split()[0]) / 1024 for field in ("VmHWM", "RssAnon")]


def signal_to_noise(runtime):
    """dB of the int8 logits against the float network's."""
    ours = runtime.key.startswith("ours")
    got = np.array(runtime.ask(f"check {runtime.folder / 'calibration.rgb'}" if ours else "check", lines=True))
    own = runtime.folder / "executorch-float.npy"
    expected = np.load(own if runtime.key == "executorch" else runtime.folder / "logits.npy")
    return 10 * np.log10(np.square(expected).sum() / np.square(expected - got).sum())


def compare(folder, threads, keys, options):
    runtimes = []
    for key in keys:
        print(f"{folder.name}: {key}, {threads} thread{'s' if threads > 1 else ''}", file=sys.stderr)
        runtimes.append(Runtime(key, folder, threads, options.ours))
    draw, rows = random.Random(threads), []
    for number in range(options.rounds):
        print(f"{folder.name}: round {number + 1} of {options.rounds}", file=sys.stderr)
        for runtime in draw.sample(runtimes, len(runtimes)):
            runtime.turn(options.seconds)
    for runtime in runtimes:
        rows.append({"network": folder.name, "threads": threads, "key": runtime.key, "name": runtime.name, "median_ms": runtime.median(),
                     "least_ms": runtime.least(), "call_us": 1e3 * (min(runtime.calls) - runtime.least()), "sqnr_db": signal_to_noise(runtime),
                     "round_medians_ms": [statistics.median(each) for each in runtime.rounds]})
        runtime.close()
    return rows


def text(ours, theirs):
    """Ratio of medians, the least and most of the rounds' own, and the ratio of the fastest runs."""
    each = [a / b for a, b in zip(ours["round_medians_ms"], theirs["round_medians_ms"])]
    medians, least = (ours[field] / theirs[field] for field in ("median_ms", "least_ms"))
    return f"{medians:.2f} ({min(each):.2f} to {max(each):.2f}), {least:.2f}"


def show(rows):
    ours, avx2 = (next(row for row in rows if row["key"] == key) for key in ("ours", "ours-avx2"))
    threads = rows[0]["threads"]
    print(f"\n{rows[0]['network']}, {threads} thread{'s' if threads > 1 else ''}\n")
    print("| runtime | median ms | least ms | a call adds, µs | SQNR, dB | ours / it: medians (rounds), least | ours with AVX2 / it |")
    print("|---|---|---|---|---|---|---|")
    for row in sorted(rows, key=lambda row: row["median_ms"]):
        cells = [text(one, row) if row is not one else "" for one in (ours, avx2)]
        print(f"| {row['name']} | {row['median_ms']:.3f} | {row['least_ms']:.3f} | {row['call_us']:.0f} | {row['sqnr_db']:.1f} | {' | '.join(cells)} |",
              flush=True)


def summary(table):
    """A line a network and number of threads: ours against the fastest peer; ours with AVX2 against the peer that AVX2 can be asked of."""
    print("\nRatios of medians (least to most of the rounds), of the fastest runs\n")
    print("| network | threads | fastest peer | ours / it | ours with AVX2 / OpenVINO with AVX2 | ours with AVX2 / fastest peer |")
    print("|---|---|---|---|---|---|")
    disturbed = []
    for network, threads in dict.fromkeys((row["network"], row["threads"]) for row in table):
        rows = {row["key"]: row for row in table if (row["network"], row["threads"]) == (network, threads)}
        peers = [row for row in rows.values() if not row["key"].startswith("ours")]
        if peers:
            fastest = min(peers, key=lambda row: row["median_ms"])
            cells = [text(rows[ours], theirs) if theirs else "" for ours, theirs in (
                ("ours", fastest), ("ours-avx2", rows.get("openvino-avx2")), ("ours-avx2", fastest))]
            print(f"| {network} | {threads} | {fastest['name'].split(' (')[0]} | {' | '.join(cells)} |")
            if max(row["median_ms"] / row["least_ms"] for row in (rows["ours"], fastest)) > DISTURBED:
                disturbed.append(f"{network} on {threads}")
    if disturbed:
        print(f"\nOther work ran during {', '.join(disturbed)}: medians are more than {DISTURBED} times the fastest run. It flatters the shorter runs, which "
              "more often\nfit between two turns of the others: take no ratio of medians from there.")


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.15)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("ours")
    parser.add_argument("peers")
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    peers = [peer for peer in options.peers.split(",") if peer]
    keys = ["ours", "ours-avx2", *peers, *(["openvino-avx2"] if "openvino" in peers else [])]
    table = []
    for folder in options.folders:
        for threads in map(int, options.threads.split(",")):
            rows = compare(folder, threads, keys, options)
            show(rows)
            table += rows
    summary(table)
    if options.json:
        options.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()

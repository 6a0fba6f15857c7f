"""One iteration of RMG-PMSI (and of the plain method) in PyTorch, float64: -> Tests/TrainerTests/Goldens/method_*.safetensors

A PyTorch writing of the method, independent of the Swift one: modules, autograd and SGD are PyTorch's; mosaic, interaction and phases are
written from the paper's description. Weights, pixels, mosaics and dropout masks come from formulas (SplitMix64) that the test
computes too, so the golden holds results only. To stay small it keeps, of each tensor, up to SAMPLES values at equal strides and one projection
on random signs (which sees every value): `KEY` and `KEY.projection`, tensors concatenated in the order of their sorted names.

Small configuration: width 0.25, heads 16 and 24, 64 pixels, 4 images, 5 classes. Batch norm's epsilons are 0.1 and 0.5: with the
usual 1e-5, four images leave variances so small that float32's rounding grows by orders of magnitude from phase to phase.
With `--float32` it runs in float32 and prints how far that lies from float64: the reason for the test's tolerances.

Run: $(./tools/goldens/setup) tools/goldens/method.py [--float32]
Made with torch 2.13.0+cpu, numpy 2.4.6, safetensors 0.8.0.
"""
import math
import pathlib
import sys

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLOAT = torch.float32 if "--float32" in sys.argv else torch.float64
WIDTH, IMAGE, BATCH, CLASSES, FEATURES, EMBEDDING = 0.25, 64, 4, 5, 16, 24
BACKBONE_EPS, HEAD_EPS = 0.1, 0.5
SEED, ITERATION = 7, 3
RATES = {"backbone": 0.001, "head": 0.01}
MOMENTUM, DECAY = 0.9, 0.01
SAMPLES = 24
LABELS = torch.tensor([0, 3, 1, 4])

# ---- Numbers by formula

MASK = 2**64 - 1
GOLDEN_RATIO = 0x9E3779B97F4A7C15


def mixed(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


class RandomStream:
    """SplitMix64 from a key of words."""

    def __init__(self, key):
        self.state = GOLDEN_RATIO
        for word in key:
            self.state ^= word
            self.state = self.next()

    def next(self):
        self.state = (self.state + GOLDEN_RATIO) & MASK
        return mixed(self.state)

    def below(self, bound):
        """Lemire's: the product's high word; redrawn where the low word would bring bias."""
        product = self.next() * bound
        while product & MASK < (2**64 - bound) % bound:
            product = self.next() * bound
        return product >> 64


def uniforms(seed, count):
    """Numbers 0 … count−1 of SplitMix64 started at `seed`, each in [0, 1) with 24 bits."""
    z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN_RATIO)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(40)).astype(np.float64) / 2**24


def name_hash(text):
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def start(name, shape):
    """The value that parameter `name` starts from, rounded to float32.

    In front of ReLU and ReLU6 batch norm's shifts keep most values three deviations from the kinks: within the linear part, below it, or (one
    channel in eight of the backbone) above it. Otherwise one value in a million lies so near that float32 takes the other side.
    """
    u = uniforms(name_hash(name), math.prod(shape))
    signed = 2 * u - 1
    convolutional = name.startswith(("features.", "smooth."))
    if len(shape) > 1:
        values = signed * math.sqrt(3.0 / math.prod(shape[1:]))
    elif convolutional and name.endswith("weight"):
        values = 0.5 + 0.1 * signed
    elif convolutional and name.endswith("bias"):
        values = np.where(u < 0.125, -1.5, np.where((u < 0.25) & name.startswith("features."), 7.5, 1.5)) + 0.2 * signed
    elif name.endswith("running_mean"):
        values = 0.1 * signed
    elif name.endswith("running_var"):
        values = 1 + 0.5 * signed
    elif name.endswith("weight"):
        values = 1 + 0.2 * signed
    else:
        values = 0.2 * signed
    return torch.tensor(values.astype(np.float32)).reshape(shape).to(FLOAT)


# ---- Network


class MaskedDropout(nn.Module):
    """Dropout whose masks are the n-th of a keyed stream, in call order."""

    stream = None

    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def forward(self, x):
        if not self.training:
            return x
        u = torch.tensor(uniforms(MaskedDropout.stream.next(), x.numel())).reshape(x.shape)
        return x * torch.where(u < self.rate, 0.0, 1 / (1 - self.rate)).to(FLOAT)


def conv_bn(inputs, outputs, kernel, stride=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=BACKBONE_EPS),
        nn.ReLU6(),
    )


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        steps = [conv_bn(inputs, hidden, 1)] if expansion > 1 else []
        steps += [conv_bn(hidden, hidden, 3, stride, hidden)]
        steps += [nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs, eps=BACKBONE_EPS)]
        self.conv = nn.Sequential(*steps)
        self.skip = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.skip else self.conv(x)


def divisible(value):
    result = max(8, int(value + 4) // 8 * 8)
    return result + 8 if result < 0.9 * value else result


def mobilenet():
    channels = divisible(32 * WIDTH)
    layers = [conv_bn(3, channels, 3, 2)]
    for t, c, n, s in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for index in range(n):
            outputs = divisible(c * WIDTH)
            layers.append(Residual(channels, outputs, s if index == 0 else 1, t))
            channels = outputs
    layers.append(conv_bn(channels, 1280, 1))
    return nn.Sequential(*layers)


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = mobilenet()
        self.classifier = nn.Sequential(MaskedDropout(0.2), nn.Linear(1280, CLASSES))

    def forward(self, x):
        return [self.classifier(self.features(x).mean((2, 3)))]


class Multistage(nn.Module):
    def __init__(self, separable):
        super().__init__()
        self.features = mobilenet()
        F, D = FEATURES, EMBEDDING

        def norm(n):
            return nn.BatchNorm2d(n, eps=HEAD_EPS, momentum=0.01)

        def smooth(c):
            first = [nn.Conv2d(c, F, 1, bias=False), norm(F), nn.ReLU()]
            if separable:
                first += [nn.Conv2d(F, F, 3, padding=1, groups=F, bias=False), norm(F), nn.ReLU()]
                return nn.Sequential(*first, nn.Conv2d(F, D, 1, bias=False), norm(D), nn.ReLU())
            return nn.Sequential(*first, nn.Conv2d(F, D, 3, padding=1, bias=False), norm(D), nn.ReLU())

        def head(n):
            return nn.Sequential(
                nn.BatchNorm1d(n, eps=HEAD_EPS), nn.Linear(n, F), nn.BatchNorm1d(F, eps=HEAD_EPS), nn.ELU(), nn.Linear(F, CLASSES)
            )

        self.smooth = nn.ModuleList([smooth(c) for c in (divisible(32 * WIDTH), divisible(96 * WIDTH), 1280)])
        self.interaction = nn.Sequential(nn.Linear(3 * D, F), MaskedDropout(0.5), nn.Linear(F, D))
        self.heads = nn.ModuleList([head(D), head(D), head(D), head(3 * D)])

    def forward(self, x):
        taps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in (6, 13, 18):
                taps.append(x)
        v = [smooth(tap).amax((2, 3)) for smooth, tap in zip(self.smooth, taps)]
        common = self.interaction(torch.cat(v, 1))
        m = [one + torch.sigmoid(common * one) * one for one in v]
        return [head(value) for head, value in zip(self.heads, m + [torch.cat(m, 1)])]


# ---- Method


def mosaic(depth, stream):
    """For each pixel the index of the pixel it shows; quadrants as views of an index image."""
    index = np.arange(IMAGE * IMAGE).reshape(IMAGE, IMAGE)
    region = index
    for _ in range(depth):
        h, w = region.shape[0] // 2, region.shape[1] // 2
        quadrants = [region[:h, :w], region[:h, w:], region[h:, :w], region[h:, w:]]
        order = [0, 1, 2, 3]
        for last in (3, 2, 1):  # Fisher and Yates
            other = stream.below(last + 1)
            order[last], order[other] = order[other], order[last]
        for visited in order:
            held = quadrants[visited].copy()
            quadrants[visited][:] = quadrants[0]
            quadrants[0][:] = held
        region = quadrants[stream.below(4)]
    return torch.tensor(index.reshape(-1))


PHASES = [(3, 0, 1.0), (2, 1, 1.0), (1, 2, 1.0), (None, 3, 2.0)]  # mosaic's depth, head, loss's weight
PLAIN = [(None, 0, 1.0)]


def samples(tensors):
    kept, projections = [], []
    for name in sorted(tensors):
        values = tensors[name].detach().numpy().astype(np.float64).reshape(-1)
        stride = max(1, -(-values.size // SAMPLES))
        kept.append(values[::stride])
        signs = np.where(uniforms(name_hash(name + ".projection"), values.size) < 0.5, -1.0, 1.0)
        projections.append(values @ signs)
    return np.concatenate(kept).astype(np.float32), np.array(projections).astype(np.float32)


def iteration(network, phases, golden, key, stepped=True, gradients=True):
    state = {k: v for k, v in network.state_dict().items() if "num_batches" not in k}
    network.load_state_dict({k: start(k, v.shape) for k, v in state.items()}, strict=False)
    network.train()
    backbone = [p for n, p in network.named_parameters() if n.startswith("features.")]
    rest = [p for n, p in network.named_parameters() if not n.startswith("features.")]
    optimizer = torch.optim.SGD(
        [{"params": backbone, "lr": RATES["backbone"]}, {"params": rest, "lr": RATES["head"]}],
        momentum=MOMENTUM, weight_decay=DECAY,
    )
    pixels = torch.tensor((4 * uniforms(name_hash("pixels"), BATCH * IMAGE * IMAGE * 3) - 2)).to(FLOAT)
    pixels = pixels.reshape(BATCH, IMAGE, IMAGE, 3).permute(0, 3, 1, 2)
    losses = []
    for phase, (depth, head, weight) in enumerate(phases):
        x = pixels
        if depth is not None:
            source = mosaic(depth, RandomStream([SEED, ITERATION, phase, 0x6D6F7361]))
            x = pixels.reshape(BATCH, 3, -1)[:, :, source].reshape(pixels.shape)
        MaskedDropout.stream = RandomStream([SEED, ITERATION, phase, 0x64726F70])
        optimizer.zero_grad(set_to_none=True)
        logits = network(x)
        loss = weight * nn.functional.cross_entropy(logits[head], LABELS)
        loss.backward()
        losses.append(loss.item())
        if gradients:
            found = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
            golden[f"{key}.gradients.{phase}"], golden[f"{key}.gradients.{phase}.projection"] = samples(found)
            golden[f"{key}.logits.{phase}"] = torch.stack(logits).detach().numpy().astype(np.float32)
        if stepped:
            for p in network.parameters():
                p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        optimizer.step()
    golden[f"{key}.losses"] = np.array(losses, np.float32)
    state = {k: v for k, v in network.state_dict().items() if "num_batches" not in k}
    golden[f"{key}.values"], golden[f"{key}.values.projection"] = samples(state)
    network.eval()
    with torch.no_grad():
        golden[f"{key}.answer"] = sum(network(pixels)).numpy().astype(np.float32)


np.seterr(over="ignore")
golden = {}
iteration(Multistage(False).to(FLOAT), PHASES, golden, "paper")
iteration(Multistage(False).to(FLOAT), PHASES, golden, "skipped", stepped=False, gradients=False)
iteration(Multistage(True).to(FLOAT), PHASES, golden, "separable")
iteration(Plain().to(FLOAT), PLAIN, golden, "plain")
path = ROOT / "Tests/TrainerTests/Goldens/method_iteration.safetensors"
if FLOAT is torch.float64:
    save_file(golden, path)
    path.chmod(0o644)
    print(path.stat().st_size, "bytes")
    for key in ("paper", "skipped", "separable", "plain"):
        print(key, golden[f"{key}.losses"], golden[f"{key}.answer"][0])
else:
    for key, expected in load_file(path).items():
        error = np.abs(golden[key] - expected)
        print(f"{key:36} largest |x| {np.abs(expected).max():9.4g}  |error| {error.max():9.3g}  over (1e-3 + |x|) {(error / (1e-3 + np.abs(expected))).max():9.3g}")

"""PyTorch's side of training_speed: images/s of a MobileNetV2 training step. Arguments: size, batch, threads, steps."""

import statistics
import sys
import time

import torch
from torch import nn

# expansion, channels, repeats, stride of the first (Sandler et al. 2018, table 2)
STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


def unit(inputs, outputs, kernel=1, stride=1, groups=1, activation=True):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([nn.ReLU6(inplace=True)] if activation else []))


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        wide = inputs * expansion
        self.adds = stride == 1 and inputs == outputs
        self.body = nn.Sequential(*([unit(inputs, wide)] if expansion > 1 else []), unit(wide, wide, 3, stride, wide),
                                  unit(wide, outputs, activation=False))

    def forward(self, x):
        return x + self.body(x) if self.adds else self.body(x)


def network(classes=1000):
    layers, channels = [unit(3, 32, 3, 2)], 32
    for expansion, outputs, repeats, stride in STAGES:
        for index in range(repeats):
            layers.append(Residual(channels, outputs, stride if index == 0 else 1, expansion))
            channels = outputs
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1280, classes)]
    return nn.Sequential(*layers, unit(channels, 1280), *head)


def main():
    size, batch, threads, steps = map(int, sys.argv[1:5])
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    model = network().train().to(memory_format=torch.channels_last)
    x = torch.randn(batch, 3, size, size).to(memory_format=torch.channels_last)
    y = torch.randint(0, 1000, (batch,))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4, fused=True)
    rates = []
    for step in range(steps + 3):
        start = time.perf_counter()
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step >= 3:
            rates.append(batch / (time.perf_counter() - start))
    print(f"torch {torch.__version__}, {size}², batch {batch}, {threads} threads")
    print(f"images/s median {statistics.median(rates):.1f} best {max(rates):.1f}")


main()

"""Reference values of the float engine's operations, forward and backward, by PyTorch.

Run: tools/goldens/setup, then its Python with this file. Made with torch 2.13.0+cpu, numpy 2.4.6, safetensors 0.8.0.
Everything is computed in float64 and stored as float32, in our layouts: images N H W C, weights O KH KW I (depthwise C KH KW 1).
Writes Tests/TensorsTests/Goldens/operations.safetensors. Each case's numbers stand under CASE.FIELD; geometry is stored as numbers too.
"""

import pathlib

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

torch.manual_seed(20240607)
torch.set_default_dtype(torch.float64)
out = {}


def put(case, **fields):
    for name, value in fields.items():
        out[f"{case}.{name}"] = torch.as_tensor(value).detach().to(torch.float32).contiguous().clone()


def draw(*shape):
    """Uniform in -1 ... 1, already a float32 number, so that both sides start from the same values."""
    return (2 * torch.rand(*shape) - 1).to(torch.float32).to(torch.float64).requires_grad_()


def nhwc(t):
    return t.permute(0, 2, 3, 1)


# Convolution: x N C H W, weight O I/groups KH KW in PyTorch; pads top, bottom, left, right.
CONVOLUTIONS = {
    "dense": dict(n=2, h=7, w=6, i=5, o=9, k=(3, 3), s=(1, 1), pad=(1, 1, 1, 1), groups=1, bias=True),
    "dense_stride2_same": dict(n=2, h=8, w=8, i=3, o=16, k=(3, 3), s=(2, 2), pad=(0, 1, 0, 1), groups=1, bias=False),
    "dense_four_pads": dict(n=1, h=6, w=7, i=16, o=17, k=(3, 3), s=(2, 1), pad=(2, 0, 1, 2), groups=1, bias=True),
    "dense_2x3": dict(n=3, h=5, w=5, i=4, o=6, k=(2, 3), s=(1, 2), pad=(0, 1, 1, 0), groups=1, bias=False),
    "pointwise": dict(n=3, h=5, w=4, i=24, o=33, k=(1, 1), s=(1, 1), pad=(0, 0, 0, 0), groups=1, bias=True),
    "pointwise_stride2": dict(n=2, h=5, w=6, i=8, o=16, k=(1, 1), s=(2, 2), pad=(0, 0, 0, 0), groups=1, bias=False),
    "depthwise": dict(n=2, h=6, w=7, i=19, o=19, k=(3, 3), s=(1, 1), pad=(1, 1, 1, 1), groups=19, bias=True),
    "depthwise_stride2_same": dict(n=2, h=8, w=9, i=32, o=32, k=(3, 3), s=(2, 2), pad=(0, 1, 1, 1), groups=32, bias=False),
    "depthwise_stride2": dict(n=1, h=9, w=8, i=16, o=16, k=(3, 3), s=(2, 2), pad=(1, 1, 1, 1), groups=16, bias=False),
    "depthwise_5x5": dict(n=1, h=7, w=9, i=20, o=20, k=(5, 5), s=(1, 2), pad=(2, 1, 2, 2), groups=20, bias=True),
}


def convolution(name, c):
    x = draw(c["n"], c["i"], c["h"], c["w"])
    weight = draw(c["o"], c["i"] // c["groups"], *c["k"])
    bias = draw(c["o"]) if c["bias"] else None
    top, bottom, left, right = c["pad"]
    y = F.conv2d(F.pad(x, (left, right, top, bottom)), weight, bias, stride=c["s"], groups=c["groups"])
    dy = draw(*y.shape)
    y.backward(dy)
    put(f"convolution.{name}", x=nhwc(x), weight=nhwc(weight), y=nhwc(y), dy=nhwc(dy), dx=nhwc(x.grad), dweight=nhwc(weight.grad),
        geometry=[*c["k"], *c["s"], *c["pad"], c["groups"]])
    if bias is not None:
        put(f"convolution.{name}", bias=bias, dbias=bias.grad)


for name, c in CONVOLUTIONS.items():
    convolution(name, c)

# Batch norm with the activation behind it: a training step and its backward, the averages moved, then inference with them.
for name, activation, shape, centre in [
    ("identity", lambda t: t, (3, 21, 4, 5), 0.0), ("relu", F.relu, (2, 16, 3, 3), 5.0), ("relu6", F.relu6, (4, 24, 3, 5), -2.0),
    ("features", lambda t: t, (6, 10), 1.0),
]:
    x = (draw(*shape).detach() + centre).to(torch.float32).to(torch.float64).requires_grad_()
    channels = shape[1]
    scale, shift = draw(channels), draw(channels)
    with torch.no_grad():
        scale.mul_(4)
    mean, variance = draw(channels).detach(), draw(channels).detach().abs() + 0.5
    turn = nhwc if len(shape) == 4 else (lambda t: t)
    put(f"batchnorm.{name}", x=turn(x), scale=scale, shift=shift, mean_before=mean, variance_before=variance.to(torch.float32))
    mean, variance = mean.clone(), variance.to(torch.float32).to(torch.float64)
    y = activation(F.batch_norm(x, mean, variance, scale, shift, training=True, momentum=0.1, eps=1e-3))
    dy = draw(*y.shape)
    y.backward(dy)
    inference = activation(F.batch_norm(x, mean, variance, scale, shift, training=False, eps=1e-3))
    put(f"batchnorm.{name}", y=turn(y), dy=turn(dy), dx=turn(x.grad), dscale=scale.grad, dshift=shift.grad, mean_after=mean,
        variance_after=variance, inference=turn(inference))

x, weight, bias = draw(5, 37), draw(19, 37), draw(19)
y = F.linear(x, weight, bias)
dy = draw(*y.shape)
y.backward(dy)
put("linear", x=x, weight=weight, bias=bias, y=y, dy=dy, dx=x.grad, dweight=weight.grad, dbias=bias.grad)

for name, f in [("relu", F.relu), ("relu6", F.relu6), ("sigmoid", torch.sigmoid), ("elu", F.elu)]:
    x = draw(4, 50)
    with torch.no_grad():
        x.mul_(8)
        x[0, :4] = torch.tensor([0.0, 6.0, -30.0, 30.0])  # kinks and tails
    y = f(x)
    dy = draw(*y.shape)
    y.backward(dy)
    put(f"activation.{name}", x=x, y=y, dy=dy, dx=x.grad)

for name, shape, f in [
    ("global_average", (3, 20, 4, 5), lambda t: F.adaptive_avg_pool2d(t, 1).flatten(1)),
    ("global_max", (3, 20, 4, 5), lambda t: F.adaptive_max_pool2d(t, 1).flatten(1)),
    ("max_3x3_stride2", (2, 7, 8, 9), lambda t: F.max_pool2d(t, 3, 2, 1)),
    ("max_2x2", (2, 5, 6, 7), lambda t: F.max_pool2d(t, 2, 2)),
]:
    x = draw(*shape)
    y = f(x)
    dy = draw(*y.shape)
    y.backward(dy)
    turn = nhwc if y.dim() == 4 else (lambda t: t)
    put(f"pool.{name}", x=nhwc(x), y=turn(y), dy=turn(dy), dx=nhwc(x.grad))

for name, smoothing in [("plain", 0.0), ("smoothed", 0.1)]:
    logits, labels = draw(6, 11), torch.randint(0, 11, (6,))
    with torch.no_grad():
        logits.mul_(12)
    loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
    loss.backward()
    put(f"loss.{name}", logits=logits, labels=labels, smoothing=smoothing, loss=loss, dlogits=logits.grad)

# Three steps of SGD; the third has no gradient of its own but zeros.
parameter = torch.nn.Parameter(draw(100).detach())
optimizer = torch.optim.SGD([parameter], lr=0.05, momentum=0.9, weight_decay=5e-3)
put("sgd", start=parameter)
for step in range(3):
    gradient = draw(100).detach() if step < 2 else torch.zeros(100)
    parameter.grad = gradient.clone()
    optimizer.step()
    put("sgd", **{f"gradient{step}": gradient, f"after{step}": parameter})

# What networks from elsewhere need. At the end, so that the numbers above stay as they were.
for name, c in {
    "grouped": dict(n=2, h=7, w=6, i=12, o=20, k=(3, 3), s=(1, 1), pad=(1, 1, 1, 1), groups=4, bias=True),
    "grouped_stride2": dict(n=1, h=8, w=9, i=48, o=48, k=(3, 3), s=(2, 2), pad=(0, 1, 1, 1), groups=2, bias=False),
    "grouped_pointwise": dict(n=3, h=4, w=5, i=18, o=9, k=(1, 1), s=(1, 1), pad=(0, 0, 0, 0), groups=3, bias=True),
    "channel_multiplier": dict(n=2, h=6, w=5, i=7, o=21, k=(3, 3), s=(1, 2), pad=(1, 1, 1, 1), groups=7, bias=True),
}.items():
    convolution(name, c)

for name, f in [
    ("hard_sigmoid", lambda t: torch.clamp(0.2 * t + 0.5, 0, 1)), ("hard_swish", F.hardswish), ("silu", F.silu),
    ("leaky_relu", lambda t: F.leaky_relu(t, 0.1)),
]:
    x = draw(4, 50)
    with torch.no_grad():
        x.mul_(8)
        x[0, :8] = torch.tensor([0.0, 3.0, -3.0, 2.5, -2.5, -30.0, 30.0, -100.0])  # kinks and tails
    put(f"function.{name}", x=x, y=f(x))

for name, k, s, pad, counts in [
    ("average_3x3_stride2", 3, 2, 1, True), ("average_3x3_stride2_inside", 3, 2, 1, False), ("average_2x2", 2, 2, 0, True),
]:
    x = draw(2, 7, 8, 9)
    put(f"pool.{name}", x=nhwc(x), y=nhwc(F.avg_pool2d(x, k, s, pad, count_include_pad=counts)))

x, factors = draw(3, 20, 4, 5), draw(3, 20)
put("scale_channels", x=nhwc(x), factors=factors, y=nhwc(x * factors[:, :, None, None]))

target = pathlib.Path(__file__).resolve().parents[2] / "Tests/TensorsTests/Goldens/operations.safetensors"
save_file(out, target)
print(target, target.stat().st_size)

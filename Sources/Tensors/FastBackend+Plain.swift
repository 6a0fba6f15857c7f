// What has no fast version: the plain one serves both backends. Pooling with a window is rare, and over
// few pixels; the others are copies, or small.

extension FastBackend {
    package func dropoutMask(shape: [Int], rate: Float, seed: UInt64) -> Tensor {
        plain.dropoutMask(shape: shape, rate: rate, seed: seed)
    }

    package func maxPool(_ x: Tensor, window: Window) -> Tensor {
        plain.maxPool(x, window: window)
    }

    package func maxPoolBackward(_ x: Tensor, output: Tensor, window: Window, outputGradient: Tensor) -> Tensor {
        plain.maxPoolBackward(x, output: output, window: window, outputGradient: outputGradient)
    }

    package func averagePool(_ x: Tensor, window: Window, countsPadding: Bool) -> Tensor {
        plain.averagePool(x, window: window, countsPadding: countsPadding)
    }

    package func concat(_ parts: [Tensor]) -> Tensor {
        plain.concat(parts)
    }

    package func split(_ x: Tensor, sizes: [Int]) -> [Tensor] {
        plain.split(x, sizes: sizes)
    }

    package func softmaxCrossEntropy(_ logits: Tensor, labels: [Int], smoothing: Float) -> (
        loss: Float, gradient: Tensor
    ) {
        plain.softmaxCrossEntropy(logits, labels: labels, smoothing: smoothing)
    }

    package func permutePixels(_ x: Tensor, source: [Int32]) -> Tensor {
        plain.permutePixels(x, source: source)
    }
}

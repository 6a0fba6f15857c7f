// TimedBackend: another backend with a stopwatch around each operation, for `--profile`. One line an operation and
// shape, the slowest first. It counts the process's processor time (all threads'), which other programs disturb less
// than the clock on the wall.

import Foundation
import Tensors

final class TimedBackend: Backend, @unchecked Sendable {
    private let inner: any Backend
    private var spent: [String: Duration] = [:]
    private var totals: [String: Duration] = [:]

    init(_ inner: any Backend) { self.inner = inner }

    func reset() {
        spent = [:]
        totals = [:]
    }

    func report(steps: Int) {
        func line(_ name: String, _ time: Duration) {
            let text = "\((time / steps / .microseconds(10)).rounded() / 100)"
            print(String(repeating: " ", count: max(0, 8 - text.count)) + text + " ms  " + name)
        }
        for (name, time) in spent.sorted(by: { $0.value > $1.value }).prefix(60) { line(name, time) }
        print("by operation:")
        for (name, time) in totals.sorted(by: { $0.value > $1.value }) { line(name, time) }
    }

    private func time<T>(_ operation: String, _ detail: @autoclosure () -> String, _ body: () -> T) -> T {
        let start = processorTime()
        let result = body()
        let time = Duration.nanoseconds(processorTime() - start)
        spent[operation + " " + detail(), default: .zero] += time
        totals[operation, default: .zero] += time
        return result
    }

    private func processorTime() -> Int {
        var now = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now)
        return now.tv_sec * 1_000_000_000 + now.tv_nsec
    }

    func makeStorage(count: Int) -> any TensorStorage { inner.makeStorage(count: count) }

    func convolution(_ x: Tensor, weight: Tensor, bias: Tensor?, window: Window, groups: Int) -> Tensor {
        time(
            weight.shape[3] == 1 ? "depthwise" : weight.shape[1] == 1 ? "pointwise" : "convolution",
            "\(x.shape) \(weight.shape) /\(window.strideHeight)"
        ) { inner.convolution(x, weight: weight, bias: bias, window: window, groups: groups) }
    }

    func convolutionBackward(
        _ x: Tensor, weight: Tensor, outputGradient: Tensor, window: Window, groups: Int, needsInputGradient: Bool,
        needsBiasGradient: Bool
    ) -> (input: Tensor?, weight: Tensor, bias: Tensor?) {
        time(
            weight.shape[3] == 1
                ? "depthwiseBackward" : weight.shape[1] == 1 ? "pointwiseBackward" : "convolutionBackward",
            "\(x.shape) \(weight.shape) /\(window.strideHeight)"
        ) {
            inner.convolutionBackward(
                x, weight: weight, outputGradient: outputGradient, window: window, groups: groups,
                needsInputGradient: needsInputGradient, needsBiasGradient: needsBiasGradient)
        }
    }

    func batchNormTraining(
        _ x: Tensor, scale: Tensor, shift: Tensor, runningMean: Tensor, runningVariance: Tensor, momentum: Float,
        epsilon: Float, activation: Activation
    ) -> (output: Tensor, statistics: BatchStatistics) {
        time("batchNormTraining", "\(x.shape)") {
            inner.batchNormTraining(
                x, scale: scale, shift: shift, runningMean: runningMean, runningVariance: runningVariance,
                momentum: momentum, epsilon: epsilon, activation: activation)
        }
    }

    func batchNormTrainingBackward(
        _ x: Tensor, output: Tensor, scale: Tensor, shift: Tensor, statistics: BatchStatistics, activation: Activation,
        outputGradient: Tensor
    ) -> (input: Tensor, scale: Tensor, shift: Tensor) {
        time("batchNormTrainingBackward", "\(x.shape)") {
            inner.batchNormTrainingBackward(
                x, output: output, scale: scale, shift: shift, statistics: statistics, activation: activation,
                outputGradient: outputGradient)
        }
    }

    func batchNormInference(
        _ x: Tensor, scale: Tensor, shift: Tensor, runningMean: Tensor, runningVariance: Tensor, epsilon: Float,
        activation: Activation
    ) -> Tensor {
        time("batchNormInference", "\(x.shape)") {
            inner.batchNormInference(
                x, scale: scale, shift: shift, runningMean: runningMean, runningVariance: runningVariance,
                epsilon: epsilon, activation: activation)
        }
    }

    func linear(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor {
        time("linear", "\(x.shape)") { inner.linear(x, weight: weight, bias: bias) }
    }

    func linearBackward(_ x: Tensor, weight: Tensor, outputGradient: Tensor, needsBiasGradient: Bool) -> (
        input: Tensor, weight: Tensor, bias: Tensor?
    ) {
        time("linearBackward", "\(x.shape)") {
            inner.linearBackward(
                x, weight: weight, outputGradient: outputGradient, needsBiasGradient: needsBiasGradient)
        }
    }

    func activate(_ x: Tensor, _ activation: Activation) -> Tensor {
        time("activate", "\(x.shape)") { inner.activate(x, activation) }
    }

    func activateBackward(output: Tensor, _ activation: Activation, outputGradient: Tensor) -> Tensor {
        time("activateBackward", "\(output.shape)") {
            inner.activateBackward(output: output, activation, outputGradient: outputGradient)
        }
    }

    func clamp(_ x: Tensor, low: Float, high: Float) -> Tensor {
        time("clamp", "\(x.shape)") { inner.clamp(x, low: low, high: high) }
    }

    func add(_ a: Tensor, _ b: Tensor) -> Tensor {
        time("add", "\(a.shape)") { inner.add(a, b) }
    }

    func multiply(_ a: Tensor, _ b: Tensor) -> Tensor {
        time("multiply", "\(a.shape)") { inner.multiply(a, b) }
    }

    func apply(_ function: InferenceFunction, to x: Tensor) -> Tensor {
        time("apply", "\(x.shape)") { inner.apply(function, to: x) }
    }

    func scaleChannels(_ x: Tensor, by factors: Tensor) -> Tensor {
        time("scaleChannels", "\(x.shape)") { inner.scaleChannels(x, by: factors) }
    }

    func scale(_ x: Tensor, by factor: Float) -> Tensor {
        time("scale", "\(x.shape)") { inner.scale(x, by: factor) }
    }

    func accumulate(_ x: Tensor, into target: Tensor) {
        time("accumulate", "\(x.shape)") { inner.accumulate(x, into: target) }
    }

    func dropoutMask(shape: [Int], rate: Float, seed: UInt64) -> Tensor {
        time("dropoutMask", "") { inner.dropoutMask(shape: shape, rate: rate, seed: seed) }
    }

    func globalAveragePool(_ x: Tensor) -> Tensor {
        time("globalAveragePool", "\(x.shape)") { inner.globalAveragePool(x) }
    }

    func globalAveragePoolBackward(inputShape: [Int], outputGradient: Tensor) -> Tensor {
        time("globalAveragePoolBackward", "\(outputGradient.shape)") {
            inner.globalAveragePoolBackward(inputShape: inputShape, outputGradient: outputGradient)
        }
    }

    func globalMaxPool(_ x: Tensor) -> Tensor {
        time("globalMaxPool", "\(x.shape)") { inner.globalMaxPool(x) }
    }

    func globalMaxPoolBackward(_ x: Tensor, output: Tensor, outputGradient: Tensor) -> Tensor {
        time("globalMaxPoolBackward", "\(x.shape)") {
            inner.globalMaxPoolBackward(x, output: output, outputGradient: outputGradient)
        }
    }

    func maxPool(_ x: Tensor, window: Window) -> Tensor {
        time("maxPool", "\(x.shape)") { inner.maxPool(x, window: window) }
    }

    func averagePool(_ x: Tensor, window: Window, countsPadding: Bool) -> Tensor {
        time("averagePool", "\(x.shape)") { inner.averagePool(x, window: window, countsPadding: countsPadding) }
    }

    func maxPoolBackward(_ x: Tensor, output: Tensor, window: Window, outputGradient: Tensor) -> Tensor {
        time("maxPoolBackward", "\(x.shape)") {
            inner.maxPoolBackward(x, output: output, window: window, outputGradient: outputGradient)
        }
    }

    func concat(_ parts: [Tensor]) -> Tensor {
        time("concat", "") { inner.concat(parts) }
    }

    func split(_ x: Tensor, sizes: [Int]) -> [Tensor] {
        time("split", "\(x.shape)") { inner.split(x, sizes: sizes) }
    }

    func softmaxCrossEntropy(_ logits: Tensor, labels: [Int], smoothing: Float) -> (loss: Float, gradient: Tensor) {
        time("softmaxCrossEntropy", "\(logits.shape)") {
            inner.softmaxCrossEntropy(logits, labels: labels, smoothing: smoothing)
        }
    }

    func permutePixels(_ x: Tensor, source: [Int32]) -> Tensor {
        time("permutePixels", "\(x.shape)") { inner.permutePixels(x, source: source) }
    }

    func stepSGD(
        parameter: Tensor, gradient: Tensor?, velocity: Tensor, learningRate: Float, momentum: Float, weightDecay: Float
    ) {
        time("stepSGD", "\(parameter.shape)") {
            inner.stepSGD(
                parameter: parameter, gradient: gradient, velocity: velocity, learningRate: learningRate,
                momentum: momentum, weightDecay: weightDecay)
        }
    }
}

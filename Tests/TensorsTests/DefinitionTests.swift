// What neither PyTorch nor a difference quotient says: dropout's numbers, ties, empty parts, storage that is used
// again.

import Tensors
import Testing

@Suite("Definitions")
struct DefinitionTests {
    let backends: [any Backend] = [PlainBackend()] + fastBackends

    @Test("dropout's mask: the counter-based stream, and about the right share")
    func dropout() {
        // Worked out from SplitMix64's published constants: the first two words of seed 0 are e220a8397b1dcdaf and
        // 6e789e6aa1b965f4,
        // that is 0.8833… and 0.4315… of 2⁶⁴.
        for backend in backends {
            #expect(backend.dropoutMask(shape: [2], rate: 0.5, seed: 0).array() == [2, 0])
            #expect(backend.dropoutMask(shape: [2], rate: 0.9, seed: 0).array() == [0, 0])
            #expect(backend.dropoutMask(shape: [2], rate: 0.25, seed: 0).array() == [Float(1) / 0.75, Float(1) / 0.75])
            #expect(backend.dropoutMask(shape: [3], rate: 0, seed: 7).array() == [1, 1, 1])
            let dropped = backend.dropoutMask(shape: [100, 100], rate: 0.3, seed: 5).array().filter { $0 == 0 }.count
            #expect((2860...3140).contains(dropped))  // three deviations of 46
        }
    }

    @Test("the gradient of a maximum goes to the first pixel that holds it")
    func ties() {
        for backend in backends {
            let x = backend.makeTensor(shape: [1, 2, 2, 2], values: [1, 5, 3, 5, 3, 0, 3, 5])
            let y = backend.globalMaxPool(x)
            #expect(y.array() == [3, 5])
            let dy = backend.makeTensor(shape: [1, 2], values: [10, 20])
            #expect(
                backend.globalMaxPoolBackward(x, output: y, outputGradient: dy).array() == [0, 20, 10, 0, 0, 0, 0, 0])
            let window = Window(kernel: 2)
            let pooled = backend.maxPool(x, window: window)
            let gradient = backend.maxPoolBackward(
                x, output: pooled, window: window,
                outputGradient: backend.makeTensor(shape: [1, 1, 1, 2], values: [10, 20]))
            #expect(gradient.array() == [0, 20, 10, 0, 0, 0, 0, 0])
        }
    }

    @Test("padding never wins a maximum")
    func padding() {
        for backend in backends {
            let x = backend.makeTensor(shape: [1, 1, 1, 1], values: [-7])
            #expect(backend.maxPool(x, window: Window(kernel: 3, stride: 1, pad: 1)).array() == [-7])
        }
    }

    @Test("a batch of one value a channel: variance 0, and the unbiased one is not infinite")
    func singleRow() {
        for backend in backends {
            let variance = backend.makeTensor(shape: [2], values: [1, 1])
            let y = backend.batchNormTraining(
                backend.makeTensor(shape: [1, 2], values: [3, -4]),
                scale: backend.makeTensor(shape: [2], values: [1, 1]),
                shift: backend.makeTensor(shape: [2], values: [0.5, 2]),
                runningMean: backend.makeTensor(shape: [2], values: [0, 0]), runningVariance: variance, momentum: 0.5,
                epsilon: 1e-5, activation: .identity
            ).output
            #expect(y.array() == [0.5, 2])
            #expect(variance.array() == [0.5, 0.5])
        }
    }

    @Test("clamp, concat and split, permutation, by hand")
    func copies() {
        for backend in backends {
            let x = backend.makeTensor(shape: [1, 2, 2, 1], values: [-1, 0.5, 2, 9])
            #expect(backend.clamp(x, low: 0, high: 2).array() == [0, 0.5, 2, 2])
            #expect(backend.permutePixels(x, source: [3, 0, 2, 1]).array() == [9, -1, 2, 0.5])
            let joined = backend.concat([
                backend.makeTensor(shape: [2, 1], values: [1, 2]),
                backend.makeTensor(shape: [2, 2], values: [3, 4, 5, 6]),
            ])
            #expect(joined.shape == [2, 3])
            #expect(joined.array() == [1, 3, 4, 2, 5, 6])
            #expect(backend.split(joined, sizes: [2, 0, 1]).map { $0.array() } == [[1, 3, 2, 5], [], [4, 6]])
        }
    }

    @Test("memory is used again, and no tensor sees another's values")
    func storage() {
        let backend = FastBackend(threads: 2)
        var kept: [(Tensor, Float)] = []
        for round in 0..<200 {
            let value = Float(round)
            kept.append((backend.makeTensor(shape: [1 + round % 7, 33], repeating: value), value))
            if round % 3 == 0 { kept.removeFirst() }
            for (tensor, value) in kept { #expect(tensor.array().allSatisfy { $0 == value }) }
        }
    }
}

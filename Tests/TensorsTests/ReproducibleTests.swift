// Reproducible arithmetic: every instruction set of the machine gives the bits of a chain of fused multiply-adds written
// out here, and functions the bits of one another; the exponential is held to the libm's. (Other processors:
// `tools/same-bits` converts a network under emulation.)

import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Reproducible arithmetic")
struct ReproducibleTests {
    static let backends = VectorInstructions.allCases.filter(\.isAvailable).map {
        FastBackend(threads: 2, vectors: $0, arithmetic: .reproducible)
    }

    @Test("convolutions: dense, grouped, depthwise; any channels, strides and pads", arguments: 0..<60)
    func convolution(trial: Int) {
        var numbers = TestNumbers(seed: UInt64(trial) &* 6271 &+ 3)
        let groups = [1, 1, 3, 8][trial % 4]
        let isDepthwise = trial % 5 == 0 && groups > 1
        let inputs = groups * (isDepthwise ? 1 : numbers.integer(1...21))
        let outputs = groups * (isDepthwise ? 1 : numbers.integer(1...70))
        let window = Window(
            kernelHeight: numbers.integer(1...4), kernelWidth: numbers.integer(1...4),
            strideHeight: numbers.integer(1...2),
            strideWidth: numbers.integer(1...2), padTop: numbers.integer(0...2), padBottom: numbers.integer(0...1),
            padLeft: numbers.integer(0...2), padRight: numbers.integer(0...1))
        let x = HostArray([numbers.integer(1...3), numbers.integer(4...9), numbers.integer(4...9), inputs], &numbers)
        let weight = HostArray([outputs, window.kernelHeight, window.kernelWidth, inputs / groups], &numbers)
        let bias: HostArray? = trial % 2 == 0 ? HostArray([outputs], &numbers) : nil
        let expected = Self.chains(x, weight, bias, window, groups: groups)
        for backend in Self.backends {
            let result = backend.convolution(
                x.on(backend), weight: weight.on(backend), bias: bias?.on(backend), window: window,
                groups: groups
            ).array()
            #expect(result == expected, "\(backend.vectors), trial \(trial)")
        }
    }

    /// fma(x, w, acc) over kernel rows, columns and channels, from the bias; zeros outside the image.
    static func chains(_ x: HostArray, _ weight: HostArray, _ bias: HostArray?, _ window: Window, groups: Int) -> [Float] {
        let (height, width, inputs) = (x.shape[1], x.shape[2], x.shape[3])
        let outputs = weight.shape[0]
        var result: [Float] = []
        for n in 0..<x.shape[0] {
            for p in 0..<window.outputHeight(height) {
                for q in 0..<window.outputWidth(width) {
                    for o in 0..<outputs {
                        var sum = bias?.values[o] ?? 0
                        for r in 0..<window.kernelHeight {
                            for s in 0..<window.kernelWidth {
                                let row = p * window.strideHeight - window.padTop + r
                                let column = q * window.strideWidth - window.padLeft + s
                                let isInside = (0..<height).contains(row) && (0..<width).contains(column)
                                for i in 0..<(inputs / groups) {
                                    let channel = o / (outputs / groups) * (inputs / groups) + i
                                    let tap = ((o * window.kernelHeight + r) * window.kernelWidth + s) * (inputs / groups) + i
                                    let value =
                                        isInside ? x.values[((n * height + row) * width + column) * inputs + channel] : 0
                                    sum.addProduct(value, weight.values[tap])
                                }
                            }
                        }
                        result.append(sum)
                    }
                }
            }
        }
        return result
    }

    @Test("linear layers and functions: one answer for all instruction sets, near the plain one")
    func others() {
        var numbers = TestNumbers(seed: 11)
        let x = HostArray([5, 77], &numbers)
        let weight = HostArray([19, 77], &numbers)
        let bias = HostArray([19], &numbers)
        func results(_ backend: any Backend) -> [[Float]] {
            let features = x.on(backend)
            return [
                backend.linear(features, weight: weight.on(backend), bias: bias.on(backend)),
                backend.activate(features, .sigmoid), backend.activate(features, .elu), backend.activate(features, .relu6),
                backend.apply(.silu, to: features), backend.apply(.hardSwish, to: features),
                backend.apply(.hardSigmoid(alpha: 0.2, beta: 0.5), to: features),
                backend.apply(.leakyRelu(slope: 0.1), to: features),
            ].map { $0.array() }
        }
        let plain = results(PlainBackend())
        let first = results(Self.backends[0])
        for backend in Self.backends { #expect(results(backend) == first, "\(backend.vectors)") }
        for (result, reference) in zip(first, plain) {
            #expect(mismatch(result, reference, absolute: 1e-5, relative: 1e-5) == nil)
        }
    }

    @Test("the exponential is within two units in the last place of the libm's")
    func exponential() {
        var numbers = TestNumbers(seed: 5)
        for _ in 0..<20_000 {
            let x = Double(numbers.integer(-7_000_000...7_000_000)) / 10_000
            #expect(abs(Exponential.exp(x) - exp(x)) <= 2 * exp(x).ulp, "x = \(x)")
            let small = x / 700
            #expect(abs(Exponential.expMinusOne(small) - expm1(small)) <= 4 * expm1(small).magnitude.ulp, "x = \(small)")
        }
        #expect(Exponential.exp(-1000) == 0 && Exponential.exp(1000) == .infinity && Exponential.exp(0) == 1)
        #expect(Exponential.exp(.nan).isNaN && Exponential.expMinusOne(0) == 0 && Exponential.exp(-.infinity) == 0)
    }
}

// The plain kernels, which define the arithmetic, against loops in Swift on unpacked numbers
// (ReferenceArithmetic.swift).
import CTinyKernels
import Testing

@Suite("Plain kernels against loops in Swift")
struct PlainKernelTests {
    @Test(arguments: ReferenceConvolution.Kind.allCases)
    func convolutions(kind: ReferenceConvolution.Kind) {
        for channels in kind.channelsToTry {
            let seed = 0xC0FFEE00 + UInt64(channels)
            let random = RandomConvolution(kind: kind, channels: channels, seed: seed)
            let packed = PackedConvolution(random.reference)
            let got = packed.run(KernelChecks.plain, on: GuardedBytes(random.input), rows: random.rows)
            let place: Comment = "seed \(seed), rows \(random.rows), \(random.reference)"
            #expect(got.output == packed.expected(random.input, rows: random.rows), place)
            #expect(!got.wroteBeforeABuffer, place)
        }
    }

    @Test func convolutionByHand() {
        // 3×3×1, kernel 2×2 of 1 2 3 4, no padding, input zero point 1, multiplier 1/2, output zero point 10.
        let r = ReferenceConvolution(
            kind: .convolution, inputHeight: 3, inputWidth: 3, inputChannels: 1, outputHeight: 2, outputWidth: 2,
            outputChannels: 1,
            kernelHeight: 2, kernelWidth: 2, inputZeroPoint: 1, padding: [1], weights: [1, 2, 3, 4], bias: [3],
            multiplier: [0.5],
            outputZeroPoint: 10)
        let input: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
        // Top left: 0·1 + 1·2 + 3·3 + 4·4 + 3 = 30 → 15 → 25. One to the right: each value one more: + 10 → 20 → 30.
        // Below: 3·1 + 4·2 + 6·3 + 7·4 + 3 = 60 → 30 → 40, then 70 → 35 → 45.
        for kernels in KernelChecks.available {
            let got = PackedConvolution(r).run(kernels, on: GuardedBytes(input), rows: 0..<2)
            #expect(got.output == [25, 30, 40, 45], "\(KernelChecks.name(kernels))")
        }
    }
}

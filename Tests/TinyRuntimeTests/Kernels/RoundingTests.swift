// Ties, limits and double roundings, op by op and instruction set by instruction set. Expected values come from
// integers alone.
import CTinyKernels
import Testing

@Suite("Rounding")
struct RoundingTests {
    /// n / 2 to the nearest integer, ties to even, in integers.
    static func half(_ n: Int) -> Int {
        let floor = n >> 1
        return n & 1 == 0 ? floor : floor + (floor & 1)
    }

    /// One output channel whose sum is `bias` plus the input byte: kernel 1×1, weight 1, for any kind.
    static func identity(_ kind: ReferenceConvolution.Kind, bias: Int, multiplier: Float, zeroPoint: Int)
        -> ReferenceConvolution
    {
        let isFullyConnected = kind == .fullyConnected
        return ReferenceConvolution(
            kind: kind, inputWidth: isFullyConnected ? 1 : 256, inputChannels: 1,
            outputWidth: isFullyConnected ? 1 : 256,
            outputChannels: 1, padding: [0], weights: [1], bias: [bias], multiplier: [multiplier],
            outputZeroPoint: zeroPoint)
    }

    /// The outputs for the input bytes 0 … 255 at sums bias … bias + 255.
    static func outputs(_ r: ReferenceConvolution, _ kernels: UnsafePointer<tk_kernels>) -> [UInt8] {
        let packed = PackedConvolution(r)
        if r.kind != .fullyConnected {
            return packed.run(kernels, on: GuardedBytes([UInt8](0...255)), rows: 0..<1).output
        }
        return (0...255).flatMap { packed.run(kernels, on: GuardedBytes([UInt8($0)]), rows: 0..<1).output }
    }

    @Test(arguments: ReferenceConvolution.Kind.allCases)
    func tiesGoToTheEvenNeighbour(kind: ReferenceConvolution.Kind) {
        for kernels in KernelChecks.available {
            for (bias, zeroPoint) in [(-128, 100), (-127, 101), (0, 0), (-255, 255), (-300, 77), (1, 128)] {
                let got = Self.outputs(Self.identity(kind, bias: bias, multiplier: 0.5, zeroPoint: zeroPoint), kernels)
                let wanted = (0...255).map { UInt8(min(max(Self.half(bias + $0) + zeroPoint, 0), 255)) }
                #expect(got == wanted, "\(KernelChecks.name(kernels)), bias \(bias), zero point \(zeroPoint)")
            }
        }
    }

    /// The sum is rounded to Float first: 2²⁵ + 1 becomes 2²⁵, a tie after the multiplication; 2²⁵ + 3 becomes 2²⁵ +
    /// 4, above it.
    @Test(arguments: ReferenceConvolution.Kind.allCases)
    func theSumIsRoundedToFloatFirst(kind: ReferenceConvolution.Kind) {
        for kernels in KernelChecks.available {
            let multiplier: Float = 0x1p-26
            let got = Self.outputs(Self.identity(kind, bias: 1 << 25, multiplier: multiplier, zeroPoint: 8), kernels)
            #expect(Array(got[0...7]) == [8, 8, 8, 9, 9, 9, 9, 9], "\(KernelChecks.name(kernels))")
            let negative = Self.outputs(
                Self.identity(kind, bias: -(1 << 25) - 7, multiplier: multiplier, zeroPoint: 8), kernels)
            #expect(Array(negative[0...7]) == [7, 7, 7, 7, 7, 8, 8, 8], "\(KernelChecks.name(kernels))")
        }
    }

    /// The largest products that the loader lets through are clamped, not wrapped.
    @Test(arguments: ReferenceConvolution.Kind.allCases)
    func productsNearTwoToThe31Clamp(kind: ReferenceConvolution.Kind) {
        for kernels in KernelChecks.available {
            for (bias, wanted) in [(1_000_000_000, UInt8(255)), (-1_000_000_255, UInt8(0))] {
                let r = Self.identity(kind, bias: bias, multiplier: 2.147, zeroPoint: 131)
                #expect(Self.outputs(r, kernels).allSatisfy { $0 == wanted }, "\(KernelChecks.name(kernels))")
            }
        }
    }

    @Test func addTies() {
        // (a − 3)/2 + (b − 5)/2: every odd sum is a tie.
        var a: [UInt8] = []
        var b: [UInt8] = []
        for i in 0...255 {
            for j in 0...255 {
                a.append(UInt8(i))
                b.append(UInt8(j))
            }
        }
        for zeroPoint in [0, 64, 255] {
            let got = ElementwiseKernels.add(
                a, b, zeroPointA: 3, zeroPointB: 5, scaleA: 0.5, scaleB: 0.5, zeroPoint: zeroPoint)
            let wanted = zip(a, b).map { UInt8(min(max(Self.half(Int($0) + Int($1) - 8) + zeroPoint, 0), 255)) }
            #expect(got == wanted, "zero point \(zeroPoint)")
        }
    }

    @Test func multiplyTies() {
        for scale in [Float(0.5), 0.03125] {
            let pairs = (0...255).flatMap { i in (0...255).map { j in (UInt8(i), UInt8(j)) } }
            let got = ElementwiseKernels.multiply(
                pairs.map(\.0), pairs.map(\.1), zeroPointA: 7, zeroPointB: 200, multiplier: scale, zeroPoint: 31)
            let divisor = Int(1 / scale)
            let wanted = pairs.map { pair -> UInt8 in
                let doubled = (Int(pair.0) - 7) * (Int(pair.1) - 200) * 2
                // Nearest multiple of `divisor`, ties to even, in integers.
                let below = (doubled - (doubled % (2 * divisor) + 2 * divisor) % (2 * divisor)) / (2 * divisor)
                let rest = doubled - below * 2 * divisor
                let rounded = rest > divisor || (rest == divisor && below % 2 != 0) ? below + 1 : below
                return UInt8(min(max(rounded + 31, 0), 255))
            }
            #expect(got == wanted, "scale \(scale)")
        }
    }

    @Test func globalAveragePoolTies() {
        // Two pixels, multiplier 1/2: the mean of two bytes less the zero point.
        for zeroPoint in [0, 1, 100] {
            for outputZeroPoint in [0, 9, 100] {
                let input = (0...255).map { UInt8($0) } + (0...255).map { UInt8(($0 * 3 + 1) % 256) }
                var got = [UInt8](repeating: 0, count: 256)
                tk_global_average_pool(
                    tk_means__plain, input, &got, 2, 256, UInt8(zeroPoint), 0.5, UInt8(outputZeroPoint), 0, 255)
                let wanted = (0..<256).map { c in
                    UInt8(
                        min(
                            max(Self.half(Int(input[c]) + Int(input[256 + c]) - 2 * zeroPoint) + outputZeroPoint, 0),
                            255))
                }
                #expect(got == wanted, "zero points \(zeroPoint), \(outputZeroPoint)")
            }
        }
    }
}

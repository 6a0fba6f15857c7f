// Add, multiply, factors of channels, table, concat and the pools against loops in Swift.
import CTinyKernels
import Testing

/// The C functions on arrays, in guarded memory.
enum ElementwiseKernels {
    static func add(
        _ a: [UInt8], _ b: [UInt8], zeroPointA: Int, zeroPointB: Int, scaleA: Float, scaleB: Float, zeroPoint: Int,
        clampMin: Int = 0,
        clampMax: Int = 255
    ) -> [UInt8] {
        let output = GuardedBytes(count: a.count)
        GuardedBytes.withPointers(GuardedBytes(a), GuardedBytes(b), output) { p in
            var addition = tk_addition(
                scale_a: scaleA, scale_b: scaleB, zero_point_a: UInt8(zeroPointA), zero_point_b: UInt8(zeroPointB),
                output_zero_point: UInt8(zeroPoint), clamp_min: UInt8(clampMin), clamp_max: UInt8(clampMax))
            tk_add__plain(&addition, p[0], p[1], p[2], a.count)
        }
        return output.bytes
    }

    static func multiply(
        _ a: [UInt8], _ b: [UInt8], zeroPointA: Int, zeroPointB: Int, multiplier: Float, zeroPoint: Int,
        clampMin: Int = 0,
        clampMax: Int = 255
    ) -> [UInt8] {
        let output = GuardedBytes(count: a.count)
        GuardedBytes.withPointers(GuardedBytes(a), GuardedBytes(b), output) { p in
            tk_multiply__plain(
                p[0], p[1], p[2], a.count, UInt8(zeroPointA), UInt8(zeroPointB), multiplier, UInt8(zeroPoint),
                UInt8(clampMin), UInt8(clampMax))
        }
        return output.bytes
    }
}

@Suite("Element-wise kernels and pools against loops in Swift")
struct ElementwiseKernelTests {
    @Test(arguments: [1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 1000])
    func addMatchesReference(count: Int) {
        var random = KernelRandom(seed: UInt64(count))
        for _ in 0..<40 {
            let (a, b) = (random.bytes(count), random.bytes(count))
            let (za, zb, z) = (random.int(0...255), random.int(0...255), random.int(0...255))
            let (sa, sb) = (Float(random.int(1...4000)) / 1024.5, Float(random.int(1...4000)) / 1023.7)
            let low = random.int(0...255)
            let high = random.int(low...255)
            let wanted = zip(a, b).map { pair -> UInt8 in
                let left = Float(Int(pair.0) - za) * sa
                let right = Float(Int(pair.1) - zb) * sb
                return ReferenceArithmetic.quantize(left + right, zeroPoint: z, clampMin: low, clampMax: high)
            }
            let got = ElementwiseKernels.add(
                a, b, zeroPointA: za, zeroPointB: zb, scaleA: sa, scaleB: sb, zeroPoint: z, clampMin: low,
                clampMax: high)
            #expect(got == wanted, "seed \(count): \(za) \(zb) \(z) \(sa) \(sb) \(low)…\(high)")
        }
    }

    /// All pairs of bytes at scales where a fused multiply-add would give other bytes (the test makes sure that it
    /// would).
    @Test func addRoundsEachProduct() {
        // Found by search: each has a pair of bytes whose sum lies so near a tie that one rounding less moves it.
        let scales: [(Float, Float)] = [
            (0x1.c1935cp+0, 0x1.9a4c8ap-2), (0x1.5d0bfp+0, 0x1.038e38p-2), (0x1.cee476p-3, 0x1.36655ap-1),
            (0x1.1d4684p+0, 0x1.21e648p+0), (0x1.b661f8p-4, 0x1.fe4498p-1), (0x1.85e0bap-1, 0x1.87120ap-2),
        ]
        for (sa, sb) in scales {
            let pairs = (0...255).flatMap { i in (0...255).map { j in (UInt8(i), UInt8(j)) } }
            let got = ElementwiseKernels.add(
                pairs.map(\.0), pairs.map(\.1), zeroPointA: 0, zeroPointB: 0, scaleA: sa, scaleB: sb, zeroPoint: 0)
            let wanted = pairs.map {
                ReferenceArithmetic.quantize(
                    Float($0.0) * sa + Float($0.1) * sb, zeroPoint: 0, clampMin: 0, clampMax: 255)
            }
            let fused = pairs.map {
                ReferenceArithmetic.quantize(
                    (Float($0.1) * sb).addingProduct(Float($0.0), sa), zeroPoint: 0, clampMin: 0, clampMax: 255)
            }
            #expect(got == wanted, "scales \(sa), \(sb)")
            #expect(wanted != fused, "scales \(sa), \(sb)")
        }
    }

    @Test func outputsMayBeInputs() {
        var random = KernelRandom(seed: 7)
        let (a, b) = (random.bytes(333), random.bytes(333))
        let sum = ElementwiseKernels.add(a, b, zeroPointA: 12, zeroPointB: 34, scaleA: 0.7, scaleB: 0.6, zeroPoint: 56)
        let product = ElementwiseKernels.multiply(a, b, zeroPointA: 12, zeroPointB: 34, multiplier: 0.01, zeroPoint: 56)
        let table = random.bytes(256)
        for inPlace in [0, 1] {
            let sumBuffers = [GuardedBytes(a), GuardedBytes(b)]
            GuardedBytes.withPointers(sumBuffers[0], sumBuffers[1]) { p in
                var addition = tk_addition(
                    scale_a: 0.7, scale_b: 0.6, zero_point_a: 12, zero_point_b: 34, output_zero_point: 56,
                    clamp_min: 0, clamp_max: 255)
                tk_add__plain(&addition, p[0], p[1], p[inPlace], 333)
            }
            #expect(sumBuffers[inPlace].bytes == sum)
            let productBuffers = [GuardedBytes(a), GuardedBytes(b)]
            GuardedBytes.withPointers(productBuffers[0], productBuffers[1]) { p in
                tk_multiply__plain(p[0], p[1], p[inPlace], 333, 12, 34, 0.01, 56, 0, 255)
            }
            #expect(productBuffers[inPlace].bytes == product)
        }
        let buffer = GuardedBytes(a)
        GuardedBytes.withPointers(buffer) { p in tk_table__plain(p[0], p[0], 333, table) }
        #expect(buffer.bytes == a.map { table[Int($0)] })
    }

    @Test(arguments: [1, 16, 63, 64, 65, 300])
    func multiplyMatchesReference(count: Int) {
        var random = KernelRandom(seed: 1000 + UInt64(count))
        for _ in 0..<40 {
            let (a, b) = (random.bytes(count), random.bytes(count))
            let (za, zb, z) = (random.int(0...255), random.int(0...255), random.int(0...255))
            let multiplier = Float(random.int(1...1000)) / 30000
            let low = random.int(0...255)
            let high = random.int(low...255)
            let wanted = zip(a, b).map {
                ReferenceArithmetic.requantize(
                    (Int($0) - za) * (Int($1) - zb), multiplier: multiplier, zeroPoint: z, clampMin: low, clampMax: high
                )
            }
            let got = ElementwiseKernels.multiply(
                a, b, zeroPointA: za, zeroPointB: zb, multiplier: multiplier, zeroPoint: z, clampMin: low,
                clampMax: high)
            #expect(got == wanted, "seed \(1000 + count): \(za) \(zb) \(z) \(multiplier) \(low)…\(high)")
        }
    }

    @Test func concatPutsChannelsInPlace() {
        var random = KernelRandom(seed: 3)
        for channels in [[1, 2], [16, 3, 64], [5], [640, 640, 640], [7, 1, 1, 9]] {
            let pixels = random.int(1...9)
            let inputs = channels.map { random.bytes(pixels * $0) }
            let total = channels.reduce(0, +)
            let output = GuardedBytes(count: pixels * total)
            var offset = 0
            for (input, count) in zip(inputs, channels) {
                GuardedBytes.withPointers(GuardedBytes(input), output) { p in
                    tk_concat__plain(p[0], p[1], pixels, count, total, offset)
                }
                offset += count
            }
            let wanted = (0..<pixels).flatMap { p in zip(inputs, channels).flatMap { $0[p * $1..<(p + 1) * $1] } }
            #expect(output.bytes == wanted, "\(channels)")
        }
    }

    @Test(arguments: [1, 3, 63, 64, 65, 130])
    func globalPools(channels: Int) {
        var random = KernelRandom(seed: 5000 + UInt64(channels))
        for pixels in [1, 2, 49, 196] {
            let input = random.bytes(pixels * channels)
            let guarded = GuardedBytes(input)
            let column = { (c: Int) in (0..<pixels).map { input[$0 * channels + c] } }
            let (zeroPoint, outputZeroPoint) = (random.int(0...255), random.int(0...255))
            let low = random.int(0...100)
            let high = random.int(low...255)
            let multiplier = Float(random.int(50...150)) / 100 / Float(pixels)
            let mean = GuardedBytes(count: channels)
            GuardedBytes.withPointers(guarded, mean) { p in
                tk_global_average_pool(
                    tk_means__plain, p[0], p[1], pixels, channels, UInt8(zeroPoint), multiplier, UInt8(outputZeroPoint), UInt8(low),
                    UInt8(high))
            }
            let wanted = (0..<channels).map { c in
                ReferenceArithmetic.requantize(
                    column(c).reduce(0) { $0 + Int($1) - zeroPoint }, multiplier: multiplier,
                    zeroPoint: outputZeroPoint, clampMin: low,
                    clampMax: high)
            }
            #expect(mean.bytes == wanted, "seed \(5000 + channels), \(pixels) pixels")
            let largest = GuardedBytes(count: channels)
            GuardedBytes.withPointers(guarded, largest) { p in tk_global_max_pool(tk_largest__plain, p[0], p[1], pixels, channels) }
            #expect(
                largest.bytes == (0..<channels).map { column($0).max() ?? 0 },
                "seed \(5000 + channels), \(pixels) pixels")
        }
    }

    @Test(arguments: [1, 3, 63, 64, 65, 130])
    func factorsOfChannels(channels: Int) {
        var random = KernelRandom(seed: 7000 + UInt64(channels))
        for pixels in [1, 2, 49] {
            let (input, factors) = (random.bytes(pixels * channels), random.bytes(channels))
            let (za, zf, z) = (random.int(0...255), random.int(0...255), random.int(0...255))
            let multiplier = Float(random.int(1...1000)) / 30000
            let low = random.int(0...255)
            let high = random.int(low...255)
            let wanted = input.enumerated().map { place, byte in
                ReferenceArithmetic.requantize(
                    (Int(byte) - za) * (Int(factors[place % channels]) - zf), multiplier: multiplier, zeroPoint: z,
                    clampMin: low, clampMax: high)
            }
            let output = GuardedBytes(count: input.count)
            let inPlace = GuardedBytes(input)
            GuardedBytes.withPointers(inPlace, GuardedBytes(factors), output) { p in
                for target in [p[2], p[0]] {
                    tk_scale_channels__plain(
                        p[0], p[1], target, pixels, channels, UInt8(za), UInt8(zf), multiplier, UInt8(z), UInt8(low),
                        UInt8(high))
                }
            }
            #expect(output.bytes == wanted, "seed \(7000 + channels), \(pixels) pixels")
            #expect(inPlace.bytes == wanted, "seed \(7000 + channels), \(pixels) pixels, in place")
        }
    }

    @Test func poolsOverWindows() {
        var random = KernelRandom(seed: 11)
        for trial in 0..<60 {
            var op = tk_convolution()
            let (kernelHeight, kernelWidth) = (random.int(1...4), random.int(1...4))
            let (padTop, padLeft) = (random.int(0...kernelHeight - 1), random.int(0...kernelWidth - 1))
            let (strideHeight, strideWidth) = (random.int(1...3), random.int(1...3))
            let (height, width, channels) = (
                random.int(kernelHeight...9), random.int(kernelWidth...9), random.int(1...70)
            )
            let outputHeight = (height + padTop - kernelHeight + random.int(0...kernelHeight - 1)) / strideHeight + 1
            let outputWidth = (width + padLeft - kernelWidth + random.int(0...kernelWidth - 1)) / strideWidth + 1
            (op.input_height, op.input_width, op.input_channels) = (Int32(height), Int32(width), Int32(channels))
            (op.output_height, op.output_width, op.output_channels) = (
                Int32(outputHeight), Int32(outputWidth), Int32(channels)
            )
            (op.kernel_height, op.kernel_width) = (Int32(kernelHeight), Int32(kernelWidth))
            (op.stride_height, op.stride_width) = (Int32(strideHeight), Int32(strideWidth))
            (op.pad_top, op.pad_left) = (Int32(padTop), Int32(padLeft))
            let input = random.bytes(height * width * channels)
            let output = GuardedBytes(count: outputHeight * outputWidth * channels)
            GuardedBytes.withPointers(GuardedBytes(input), output) { p in tk_max_pool(tk_largest__plain, &op, p[0], p[1]) }
            op.pad_value = UInt8(random.int(0...255))
            op.output_zero_point = UInt8(random.int(0...255))
            op.clamp_min = UInt8(random.int(0...50))
            op.clamp_max = UInt8(random.int(150...255))
            let scale = Float(random.int(500...1500)) / 1000.3
            let countsPadding = trial % 2 == 1
            let means = GuardedBytes(count: output.bytes.count)
            GuardedBytes.withPointers(GuardedBytes(input), means) { p in
                tk_average_pool(tk_means__plain, &op, p[0], p[1], scale, countsPadding ? 1 : 0)
            }
            var wanted: [UInt8] = []
            var wantedMeans: [UInt8] = []
            for row in 0..<outputHeight {
                for column in 0..<outputWidth {
                    for c in 0..<channels {
                        var best: UInt8 = 0
                        var (sum, count) = (0, 0)
                        for y in row * strideHeight - padTop..<row * strideHeight - padTop + kernelHeight
                        where (0..<height).contains(y) {
                            for x in column * strideWidth - padLeft..<column * strideWidth - padLeft + kernelWidth
                            where (0..<width).contains(x) {
                                best = max(best, input[(y * width + x) * channels + c])
                                sum += Int(input[(y * width + x) * channels + c]) - Int(op.pad_value)
                                count += 1
                            }
                        }
                        wanted.append(best)
                        if countsPadding { count = kernelHeight * kernelWidth }
                        wantedMeans.append(
                            ReferenceArithmetic.requantize(
                                sum, multiplier: scale / Float(count), zeroPoint: Int(op.output_zero_point),
                                clampMin: Int(op.clamp_min), clampMax: Int(op.clamp_max)))
                    }
                }
            }
            let place: Comment = "seed 11, \(height)×\(width)×\(channels), kernel \(kernelHeight)×\(kernelWidth)"
            #expect(output.bytes == wanted, place)
            #expect(means.bytes == wantedMeans, place)
        }
    }
}

// The packed order against the index formula of the format, read from the packed side: each place names its channel and
// k.

import Converter
import Testing
import TinyRuntime

struct WeightPackerTests {
    private func weights(_ outputs: Int, _ height: Int, _ width: Int, _ inputs: Int) -> QuantizedWeights {
        var random = SplitMix64(seed: UInt64(outputs * 1000 + height * 100 + width * 10 + inputs))
        return QuantizedWeights(
            outputChannels: outputs, kernelHeight: height, kernelWidth: width, inputChannels: inputs,
            values: (0..<(outputs * height * width * inputs)).map { _ in Int8.random(in: -127...127, using: &random) },
            scales: [], bias: [], multiplier: [])
    }

    @Test(arguments: [(1, 1, 1, 1), (16, 1, 1, 4), (17, 3, 3, 3), (15, 1, 1, 5), (33, 3, 2, 7), (40, 1, 1, 32)])
    func dense(_ outputs: Int, _ height: Int, _ width: Int, _ inputs: Int) {
        let weights = weights(outputs, height, width, inputs)
        let packed = WeightPacker.packDense(weights)
        let depth = height * width * inputs
        let steps = (depth + 3) / 4
        #expect(packed.count == (outputs + 15) / 16 * steps * 64)
        for (place, value) in packed.enumerated() {
            // [N/16][K/4][16][4], read off from the right
            let k = place % 4 + 4 * (place / 64 % steps)
            let channel = place / 4 % 16 + 16 * (place / (64 * steps))
            let expected = channel < outputs && k < depth ? weights.values[channel * depth + k] : 0
            #expect(value == expected, "place \(place), channel \(channel), k \(k)")
        }
    }

    @Test(arguments: [(1, 3, 3), (16, 3, 3), (19, 5, 2)])
    func depthwise(_ channels: Int, _ height: Int, _ width: Int) {
        let weights = weights(channels, height, width, 1)
        let packed = WeightPacker.packDepthwise(weights)
        #expect(packed.count == (channels + 15) / 16 * 16 * height * width)
        for (place, value) in packed.enumerated() {
            // [C/16][KH][KW][16]
            let x = place / 16 % width
            let y = place / 16 / width % height
            let channel = place % 16 + 16 * (place / 16 / width / height)
            let expected = channel < channels ? weights.values[(channel * height + y) * width + x] : 0
            #expect(value == expected, "place \(place), channel \(channel), tap \(y),\(x)")
        }
    }
}

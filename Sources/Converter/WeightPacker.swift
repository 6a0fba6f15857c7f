// WeightPacker: weights in the order in which the kernels read them, done once at conversion. Blocks of 16 output
// channels, in them four neighbouring k at a time, so that one vector load holds 16 channels × 4 products. Missing
// channels and k are zero.

package enum WeightPacker {
    package static let channelBlock = 16
    package static let depthBlock = 4

    /// Convolution and fully connected: O KH KW I → [N/16][K/4][16][4] with k = (kh, kw, c) flattened, rounded up to 4.
    package static func packDense(_ weights: QuantizedWeights) -> [Int8] {
        let depth = weights.kernelHeight * weights.kernelWidth * weights.inputChannels
        let blocks = roundedUp(weights.outputChannels, to: channelBlock) / channelBlock
        let steps = roundedUp(depth, to: depthBlock) / depthBlock
        var packed = [Int8](repeating: 0, count: blocks * steps * channelBlock * depthBlock)
        for channel in 0..<weights.outputChannels {
            let start = (channel / channelBlock * steps * channelBlock + channel % channelBlock) * depthBlock
            for k in 0..<depth {
                let place = start + k / depthBlock * channelBlock * depthBlock + k % depthBlock
                packed[place] = weights.values[channel * depth + k]
            }
        }
        return packed
    }

    /// Depthwise: C KH KW 1 → [C/16][KH][KW][16].
    package static func packDepthwise(_ weights: QuantizedWeights) -> [Int8] {
        let taps = weights.kernelHeight * weights.kernelWidth
        let channels = roundedUp(weights.outputChannels, to: channelBlock)
        var packed = [Int8](repeating: 0, count: channels * taps)
        for channel in 0..<weights.outputChannels {
            for tap in 0..<taps {
                let place = (channel / channelBlock * taps + tap) * channelBlock + channel % channelBlock
                packed[place] = weights.values[channel * taps + tap]
            }
        }
        return packed
    }

    /// Biases and multipliers: N rounded up to 16.
    package static func pad<Value>(_ values: [Value], with filler: Value) -> [Value] {
        values + [Value](repeating: filler, count: roundedUp(values.count, to: channelBlock) - values.count)
    }

    package static func roundedUp(_ value: Int, to multiple: Int) -> Int {
        (value + multiple - 1) / multiple * multiple
    }
}

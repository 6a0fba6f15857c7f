// Initialization: how new parameters start. A parameter's numbers depend on the seed and its name only, so that other
// heads on a backbone do not change the backbone.

import Foundation

package enum Initialization: Sendable {
    case constant(Float)
    /// Normal, mean 0, deviation √(2 / (O·KH·KW)): torchvision's for MobileNetV2's convolutions (Kaiming, fan-out).
    case kaimingNormalFanOut
    /// Uniform in ±1/√fanIn: what PyTorch gives a new convolution or linear layer, weight and bias.
    case uniform(fanIn: Int)

    /// - Parameter shape: of a convolution's weight, O KH KW I, where fan-out counts.
    func values(shape: [Int], name: String, seed: UInt64) -> [Float] {
        let count = shape.reduce(1, *)
        var random = RandomStream(key: [seed, Self.hash(name)])
        switch self {
        case .constant(let value):
            return [Float](repeating: value, count: count)
        case .uniform(let fanIn):
            let bound = 1 / Float(fanIn).squareRoot()
            return (0..<count).map { _ in (2 * random.uniform() - 1) * bound }
        case .kaimingNormalFanOut:
            let deviation = (2 / Float(shape[0] * shape[1] * shape[2])).squareRoot()
            return (0..<count).map { _ in
                // Box and Muller; 1 − u is never 0.
                let radius = (-2 * log(1 - random.uniform())).squareRoot()
                return deviation * radius * cos(2 * .pi * random.uniform())
            }
        }
    }

    /// FNV-1a, 64 bits.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }
}

// Random numbers and shapes for the tests, from a seed that every failure prints.

import Tensors

struct TestNumbers {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func integer(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    mutating func pick<T>(_ choices: [T]) -> T { choices[integer(0...choices.count - 1)] }

    /// Uniform in low ..< high.
    mutating func values(_ count: Int, from low: Float = -1, to high: Float = 1) -> [Float] {
        (0..<count).map { _ in low + (high - low) * Float(next() >> 40) * 0x1p-24 }
    }
}

/// One tensor's shape and values, to be put on any backend.
struct HostArray {
    var shape: [Int]
    var values: [Float]

    init(_ shape: [Int], _ numbers: inout TestNumbers, from low: Float = -1, to high: Float = 1) {
        self.shape = shape
        values = numbers.values(shape.reduce(1, *), from: low, to: high)
    }

    init(shape: [Int], values: [Float]) {
        self.shape = shape
        self.values = values
    }

    func on(_ backend: any Backend) -> Tensor { backend.makeTensor(shape: shape, values: values) }
}

// Numbers by formula, as in tools/goldens/method.py: what the golden iteration starts from, and what is kept of its
// tensors. Here too are the small things that the method's tests share.

import ModelGraph
import Tensors
import TestSupport
import Testing
import Trainer

enum Formula {
    /// Numbers 0 ..< count of SplitMix64 started at `seed`, each in 0 ..< 1 with 24 bits.
    static func uniforms(_ seed: UInt64, _ count: Int) -> [Double] {
        (0..<count).map { index in
            var z = seed &+ (UInt64(index) &+ 1) &* 0x9E37_79B9_7F4A_7C15
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return Double((z ^ (z >> 31)) >> 40) * 0x1p-24
        }
    }

    /// FNV-1a, 64 bits.
    static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }

    /// The value that a parameter starts from, in the file's order.
    static func start(_ name: String, shape: [Int]) -> [Float] {
        let u = uniforms(hash(name), shape.reduce(1, *))
        let convolutional = name.hasPrefix("features.") || name.hasPrefix("smooth.")
        let width = (3.0 / Double(shape.dropFirst().reduce(1, *))).squareRoot()
        return u.map { u in
            let signed = 2 * u - 1
            if shape.count > 1 { return Float(signed * width) }
            if convolutional && name.hasSuffix("weight") { return Float(0.5 + 0.1 * signed) }
            if convolutional && name.hasSuffix("bias") {
                let level = u < 0.125 ? -1.5 : u < 0.25 && name.hasPrefix("features.") ? 7.5 : 1.5
                return Float(level + 0.2 * signed)
            }
            if name.hasSuffix("running_mean") { return Float(0.1 * signed) }
            if name.hasSuffix("running_var") { return Float(1 + 0.5 * signed) }
            return Float(name.hasSuffix("weight") ? 1 + 0.2 * signed : 0.2 * signed)
        }
    }

    /// N H W 3, in −2 ..< 2.
    static func pixels(batch: Int, size: Int, backend: any Backend) -> Tensor {
        let values = uniforms(hash("pixels"), batch * size * size * 3).map { Float(4 * $0 - 2) }
        return backend.makeTensor(shape: [batch, size, size, 3], values: values)
    }

    /// Up to 24 values of each tensor at equal strides, and its sum under random signs; tensors in the order of their
    /// names.
    static func samples(_ tensors: [String: Safetensors.Entry]) -> (values: [Float], projections: [Float]) {
        var (kept, projections): ([Float], [Float]) = ([], [])
        for (name, entry) in tensors.sorted(by: { $0.key < $1.key }) {
            let values = entry.values
            let step = max(1, (values.count + 23) / 24)
            kept += stride(from: 0, to: values.count, by: step).map { values[$0] }
            let signs = uniforms(hash(name + ".projection"), values.count)
            projections.append(Float(zip(values, signs).reduce(0.0) { $0 + ($1.1 < 0.5 ? -1 : 1) * Double($1.0) }))
        }
        return (kept, projections)
    }
}

extension NetworkConfiguration {
    /// A network that is small enough for plain loops.
    static func small(_ method: Method, heads: HeadStyle = .paper, classCount: Int = 5) -> NetworkConfiguration {
        var configuration = NetworkConfiguration(classCount: classCount)
        configuration.width = 0.25
        configuration.imageSize = 64
        configuration.method = method
        configuration.heads = heads
        configuration.headFeatures = 16
        configuration.headEmbedding = 24
        configuration.batchNormEpsilon = 0.1
        configuration.headBatchNormEpsilon = 0.5
        return configuration
    }

    /// …whose parameters and averages start from the formula.
    func makeFormulaNetwork(backend: any Backend) throws -> any Network {
        let network = try makeNetwork(backend: backend, seed: 0)
        for parameter in network.parameters {
            let shape = parameter.fileShape
            let entry = Safetensors.Entry(shape: shape, values: Formula.start(parameter.name, shape: shape))
            parameter.value = try #require(parameter.tensor(from: entry, backend: backend))
        }
        return network
    }
}

extension Network {
    var entries: [String: Safetensors.Entry] {
        Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.fileEntry(of: $0.value)) })
    }

    func parameter(_ name: String) -> Parameter? { parameters.first { $0.name == name } }
}

// GraphOp's properties that do not depend on a graph: its name in messages and reports, its weights, how many edges it
// joins.

import Tensors

extension GraphOp {
    /// As spelled in the enumeration.
    package var name: String {
        switch self {
        case .convolution: "convolution"
        case .batchNorm: "batchNorm"
        case .linear: "linear"
        case .relu: "relu"
        case .clip: "clip"
        case .sigmoid: "sigmoid"
        case .elu: "elu"
        case .hardSigmoid: "hardSigmoid"
        case .hardSwish: "hardSwish"
        case .silu: "silu"
        case .leakyRelu: "leakyRelu"
        case .add: "add"
        case .multiply: "multiply"
        case .concat: "concat"
        case .globalAveragePool: "globalAveragePool"
        case .globalMaxPool: "globalMaxPool"
        case .maxPool: "maxPool"
        case .averagePool: "averagePool"
        }
    }

    /// Names of the weights, in ONNX's order of inputs.
    package var weights: [String] {
        switch self {
        case .convolution(let weight, let bias, _, _), .linear(let weight, let bias):
            [weight] + (bias.map { [$0] } ?? [])
        case .batchNorm(let scale, let shift, let mean, let variance, _): [scale, shift, mean, variance]
        default: []
        }
    }

    /// How many activations go in.
    package var inputCounts: ClosedRange<Int> {
        switch self {
        case .add, .multiply: 2...2
        case .concat: 1...FloatGraph.Limit.joinedEdges
        default: 1...1
        }
    }
}

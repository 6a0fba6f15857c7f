// FloatGraph: a float network as data, between the Trainer's exporter, the ONNX file and the Converter. Nodes in order
// of execution, edges by name, weights by name in ONNX's layout (convolutions O I KH KW, linear layers O I). Left out:
// running it (Converter's FloatInterpreter).

import Tensors

package struct FloatGraph: Sendable, Equatable {
    /// The photo: N × channels × height × width, N free.
    package struct Input: Sendable, Equatable {
        package var name: String
        package var channels: Int
        package var height: Int
        package var width: Int
        package init(name: String, channels: Int, height: Int, width: Int) {
            self.name = name
            self.channels = channels
            self.height = height
            self.width = width
        }
    }

    package struct Node: Sendable, Equatable {
        package var name: String
        package var op: GraphOp
        /// Activations only; weights are named in the op.
        package var inputs: [String]
        package var output: String
        package init(name: String, op: GraphOp, inputs: [String], output: String) {
            self.name = name
            self.op = op
            self.inputs = inputs
            self.output = output
        }
    }

    package struct Weight: Sendable, Equatable {
        package var shape: [Int]
        package var values: [Float]
        package init(shape: [Int], values: [Float]) {
            self.shape = shape
            self.values = values
        }
    }

    package var name: String
    package var input: Input
    package var nodes: [Node]
    /// Name of the one output: logits, N × C.
    package var output: String
    package var weights: [String: Weight]
    /// ONNX `metadata_props`: see `ModelMetadata`.
    package var metadata: [String: String]
    /// What a reader left out or changed that the user should know: one sentence each. Not part of the network.
    package var notes: [String]

    package init(
        name: String, input: Input, nodes: [Node], output: String, weights: [String: Weight],
        metadata: [String: String] = [:], notes: [String] = []
    ) {
        self.name = name
        self.input = input
        self.nodes = nodes
        self.output = output
        self.weights = weights
        self.metadata = metadata
        self.notes = notes
    }
}

/// The closed set of float ops. Adding one: docs/adding-an-op.md.
package enum GraphOp: Sendable, Equatable {
    /// weight: O I/groups KH KW; groups divides I and O (I: depthwise).
    case convolution(weight: String, bias: String?, window: Window, groups: Int)
    /// On N C H W or N C.
    case batchNorm(scale: String, shift: String, mean: String, variance: String, epsilon: Float)
    /// weight: O I.
    case linear(weight: String, bias: String?)
    case relu
    /// max(low, min(high, x)); ReLU6 is clip(0, 6).
    case clip(low: Float, high: Float)
    case sigmoid
    case elu
    /// max(0, min(1, alpha·x + beta)).
    case hardSigmoid(alpha: Float, beta: Float)
    /// x · max(0, min(1, x/6 + 1/2)).
    case hardSwish
    /// x · sigmoid(x).
    case silu
    /// x where x ≥ 0, else slope · x.
    case leakyRelu(slope: Float)
    case add
    /// Two edges of one shape; or an image C H W and features C, in this order: each channel times its factor.
    case multiply
    /// Along channels.
    case concat
    /// N C H W → N C: ONNX GlobalAveragePool (or GlobalMaxPool) and Flatten are one node here.
    case globalAveragePool
    case globalMaxPool
    case maxPool(window: Window)
    /// Each sum is divided by the window's size or, where `countsPadding` is false, by the number of its pixels inside
    /// the image.
    case averagePool(window: Window, countsPadding: Bool)
}

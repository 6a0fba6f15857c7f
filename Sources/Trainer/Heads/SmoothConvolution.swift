// SmoothConvolution: brings a tap's feature map to the common depth D. Paper: 1×1 to F, then a dense 3×3 to D, each
// with batch norm and ReLU. Separable: the 3×3 as a depthwise 3×3 (with batch norm and ReLU of its own, so that int8
// has a bounded range between the two) and a 1×1, about a quarter of the work.

import Tensors

package struct SmoothConvolution {
    private let blocks: [ConvolutionBlock]

    /// Running averages of these batch norms move by a hundredth, as in the released implementation.
    static let momentum: Float = 0.01

    /// Parameters are named as in a PyTorch `Sequential` of convolution, batch norm, ReLU, …: `NAME.0.weight`,
    /// `NAME.1.running_mean`, `NAME.3.weight` …
    init(_ name: String, inputs: Int, _ configuration: NetworkConfiguration, layers: LayerFactory) {
        let (features, embedding) = (configuration.headFeatures, configuration.headEmbedding)
        let shapes: [(inputs: Int, outputs: Int, kernel: Int, groups: Int)] =
            switch configuration.heads {
            case .paper: [(inputs, features, 1, 1), (features, embedding, 3, 1)]
            case .separable: [(inputs, features, 1, 1), (features, features, 3, features), (features, embedding, 1, 1)]
            }
        blocks = shapes.enumerated().map { index, shape in
            ConvolutionBlock(
                convolution: layers.convolution(
                    "\(name).\(3 * index)", inputs: shape.inputs, outputs: shape.outputs,
                    window: Window(kernel: shape.kernel, pad: shape.kernel / 2), groups: shape.groups, group: .head),
                batchNorm: layers.batchNorm(
                    "\(name).\(3 * index + 1)", channels: shape.outputs, group: .head,
                    epsilon: configuration.headBatchNormEpsilon, momentum: Self.momentum),
                activation: .relu)
        }
    }

    /// - Parameter x: N H W c; the result is N H W D.
    package func callAsFunction<Context: ForwardContext>(_ x: Context.Value, in context: Context) -> Context.Value {
        blocks.reduce(x) { $1($0, in: context) }
    }
}

// StageClassifier: BN → linear to F → BN → ELU → linear to the classes. Parameters are named as in a PyTorch
// `Sequential` of these: NAME.0 (BN), NAME.1, NAME.2 (BN), NAME.4.

import Tensors

package struct StageClassifier {
    private let inputNorm: BatchNorm
    private let hidden: Linear
    private let hiddenNorm: BatchNorm
    private let output: Linear

    static let momentum: Float = 0.1

    init(_ name: String, inputs: Int, _ configuration: NetworkConfiguration, layers: LayerFactory) {
        func norm(_ index: Int, channels: Int) -> BatchNorm {
            layers.batchNorm(
                "\(name).\(index)", channels: channels, group: .head, epsilon: configuration.headBatchNormEpsilon,
                momentum: Self.momentum)
        }
        inputNorm = norm(0, channels: inputs)
        hidden = layers.linear("\(name).1", inputs: inputs, outputs: configuration.headFeatures)
        hiddenNorm = norm(2, channels: configuration.headFeatures)
        output = layers.linear("\(name).4", inputs: configuration.headFeatures, outputs: configuration.classCount)
    }

    /// - Parameter x: N I; the result is N classes.
    package func callAsFunction<Context: ForwardContext>(_ x: Context.Value, in context: Context) -> Context.Value {
        let first = hidden(context.batchNorm(x, inputNorm, activation: .identity), in: context)
        let second = context.activate(context.batchNorm(first, hiddenNorm, activation: .identity), .elu)
        return output(second, in: context)
    }
}

// StageInteraction: MSI, the multi-stage interaction of arXiv 2112.04223. One vector x_m, mixed from all stages, gates
// each of them:
//     x_m = W2 · Dropout(W1 · [x1; x2; x3] + b1) + b2,   g_i = sigmoid(x_m ⊙ x_i),   m_i = x_i + g_i ⊙ x_i
// Because x_m reads every stage, a loss on one head sends gradient into all of them.

import Tensors

package struct StageInteraction {
    package let mix: Linear  // NAME.0: W1, b1
    package let spread: Linear  // NAME.2: W2, b2

    static let dropoutRate: Float = 0.5

    package init(_ name: String, stages: Int, _ configuration: NetworkConfiguration, layers: LayerFactory) {
        let (features, embedding) = (configuration.headFeatures, configuration.headEmbedding)
        mix = layers.linear(name + ".0", inputs: embedding * stages, outputs: features)
        spread = layers.linear(name + ".2", inputs: features, outputs: embedding)
    }

    /// - Parameter stages: x_i, N D each; the result is m_i, N D each.
    package func callAsFunction<Context: ForwardContext>(_ stages: [Context.Value], in context: Context)
        -> [Context.Value]
    {
        let mixed = context.dropout(mix(context.concat(stages), in: context), rate: Self.dropoutRate)
        let common = spread(mixed, in: context)
        return stages.map { stage in
            let gate = context.activate(context.multiply(common, stage), .sigmoid)
            return context.add(stage, context.multiply(gate, stage))
        }
    }
}

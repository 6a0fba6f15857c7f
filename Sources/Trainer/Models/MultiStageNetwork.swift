// MultiStageNetwork: the network of RMG-PMSI (arXiv 2112.04223): three taps of a backbone, a smooth convolution and
// global max pooling on each, the multi-stage interaction, a classifier a stage and one over all of them. Heads 0, 1, 2
// are the stages', head 3 the concat head.

import Tensors

package final class MultiStageNetwork: Network {
    package let parameters: [Parameter]
    package let classCount: Int
    package let imageSize: Int
    private let backbone: any Backbone
    private let smooth: [SmoothConvolution]
    private let interaction: StageInteraction
    private let classifiers: [StageClassifier]

    init(_ configuration: NetworkConfiguration, backbone: any Backbone, layers: LayerFactory) {
        self.backbone = backbone
        smooth = backbone.tapChannels.enumerated().map { index, channels in
            SmoothConvolution("smooth.\(index)", inputs: channels, configuration, layers: layers)
        }
        let stages = backbone.tapChannels.count
        interaction = StageInteraction("interaction", stages: stages, configuration, layers: layers)
        classifiers = (0...stages).map { index in
            let inputs = configuration.headEmbedding * (index < stages ? 1 : stages)
            return StageClassifier("heads.\(index)", inputs: inputs, configuration, layers: layers)
        }
        parameters = layers.parameters
        classCount = configuration.classCount
        imageSize = configuration.imageSize
    }

    package func forward<Context: ForwardContext>(_ x: Context.Value, in context: Context) -> [Context.Value] {
        let stages = embeddings(x, in: context)
        let mixed = interaction(stages, in: context)
        return zip(classifiers, mixed + [context.concat(mixed)]).map { classifier, value in
            classifier(value, in: context)
        }
    }

    /// ŷ1 + ŷ2 + ŷ3 + ŷconcat, unweighted.
    package func answer<Context: ForwardContext>(_ x: Context.Value, in context: Context) -> Context.Value {
        let heads = forward(x, in: context)
        return heads.dropFirst().reduce(heads[0]) { context.add($0, $1) }
    }

    /// x_1 … x_3 of the paper, N D each.
    func embeddings<Context: ForwardContext>(_ x: Context.Value, in context: Context) -> [Context.Value] {
        zip(smooth, backbone.features(x, in: context).taps).map { smooth, tap in
            context.globalMaxPool(smooth(tap, in: context))
        }
    }
}

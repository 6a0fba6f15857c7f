// PlainNetwork: a backbone, global average pooling and one linear layer, as torchvision's MobileNetV2 (whose dropout
// before the classifier, 0.2, and whose names it keeps: `classifier.1.weight`). Its classifier starts as any new layer
// here does: uniform ±1/√fanIn.

import Tensors

package final class PlainNetwork: Network {
    package let parameters: [Parameter]
    package let classCount: Int
    package let imageSize: Int
    private let backbone: any Backbone
    private let classifier: Linear

    static let dropoutRate: Float = 0.2

    init(_ configuration: NetworkConfiguration, backbone: any Backbone, layers: LayerFactory) {
        classifier = layers.linear(
            "classifier.1", inputs: backbone.outputChannels, outputs: configuration.classCount)
        self.backbone = backbone
        parameters = layers.parameters
        classCount = configuration.classCount
        imageSize = configuration.imageSize
    }

    package func forward<Context: ForwardContext>(_ x: Context.Value, in context: Context) -> [Context.Value] {
        [answer(x, in: context)]
    }

    package func answer<Context: ForwardContext>(_ x: Context.Value, in context: Context) -> Context.Value {
        let pooled = context.globalAveragePool(backbone.features(x, in: context).output)
        return classifier(context.dropout(pooled, rate: Self.dropoutRate), in: context)
    }
}

// NetworkConfiguration: a network as data. It stands in every checkpoint (JSON), so that the network can be built
// again.

import Tensors

package enum NetworkConfigurationError: Error, Equatable {
    case imageSize(Int)
    case width(Float)
    case classCount(Int)
    case taps([Int])
    case value(field: String, value: String, accepted: String)
}

extension NetworkConfigurationError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .imageSize(let size): "image size \(size): it must be a multiple of 32, from 32 to 4096"
        case .width(let width): "width \(width): it must be from 0.05 to 8"
        case .classCount(let count): "\(count) classes: at least two, at most 1,000,000"
        case .taps(let taps): "taps \(taps): three rising indices of the backbone's stages (0 to 18) are needed"
        case .value(let field, let value, let accepted): "\(field) \(value): \(accepted)"
        }
    }
}

package struct NetworkConfiguration: Codable, Sendable, Equatable {
    package enum BackboneName: String, Codable, Sendable, CaseIterable { case mobilenetv2 }
    package enum Method: String, Codable, Sendable, CaseIterable {
        case plain
        case rmgPMSI = "rmg-pmsi"
    }
    package enum HeadStyle: String, Codable, Sendable, CaseIterable { case paper, separable }

    package var backbone = BackboneName.mobilenetv2
    /// Width multiple; channels are rounded to multiples of 8.
    package var width: Float = 1
    /// Side of the square input, divisible by 32.
    package var imageSize = 224
    /// 2; 1 quadruples the work (for images of 32 pixels).
    package var stemStride = 2
    package var padding = PaddingStyle.torch
    package var batchNormEpsilon: Float = 1e-5
    package var batchNormMomentum: Float = 0.1

    package var method = Method.rmgPMSI
    /// For rmg-pmsi: which kind of 3×3 convolution its heads have.
    package var heads = HeadStyle.paper
    /// F and D of the paper: 320 and 640.
    package var headFeatures = 320
    package var headEmbedding = 640
    package var headBatchNormEpsilon: Float = 1e-5
    /// For rmg-pmsi: after which stages of the backbone the heads read (torchvision's `features[i]`).
    package var taps = [6, 13, 18]

    package var classCount: Int

    package init(classCount: Int) { self.classCount = classCount }

    /// - Throws: `NetworkConfigurationError`: a configuration may come from a file or a command line.
    package func validate() throws(NetworkConfigurationError) {
        guard imageSize % 32 == 0, (32...4096).contains(imageSize) else { throw .imageSize(imageSize) }
        guard width >= 0.05, width <= 8 else { throw .width(width) }
        guard (2...1_000_000).contains(classCount) else { throw .classCount(classCount) }
        guard taps.count == 3, zip(taps, taps.dropFirst()).allSatisfy({ $0 < $1 }),
            taps.allSatisfy({ (0..<MobileNetV2.stageCount).contains($0) })
        else { throw .taps(taps) }
        guard stemStride == 1 || stemStride == 2 else {
            throw .value(field: "stem stride", value: "\(stemStride)", accepted: "1 or 2")
        }
        for (field, value) in [("head features", headFeatures), ("head embedding", headEmbedding)]
        where !(1...65_536).contains(value) {
            throw .value(field: field, value: "\(value)", accepted: "1 to 65536")
        }
        for (field, value) in [
            ("batch norm epsilon", batchNormEpsilon), ("head batch norm epsilon", headBatchNormEpsilon),
            ("batch norm momentum", batchNormMomentum),
        ] where !(value > 0 && value <= 1) {
            throw .value(field: field, value: "\(value)", accepted: "above 0, at most 1")
        }
    }

    /// The method's phases and losses.
    package var trainingMethod: TrainingMethod {
        switch method {
        case .plain: .plain
        case .rmgPMSI: .rmgPMSI
        }
    }

    /// A new network; its initial values depend on the seed and the parameters' names only.
    package func makeNetwork(backend: any Backend, seed: UInt64) throws(NetworkConfigurationError) -> any Network {
        try validate()
        let layers = LayerFactory(backend: backend, seed: seed)
        let backbone =
            switch self.backbone {
            case .mobilenetv2: MobileNetV2(self, layers: layers)
            }
        switch method {
        case .plain: return PlainNetwork(self, backbone: backbone, layers: layers)
        case .rmgPMSI: return MultiStageNetwork(self, backbone: backbone, layers: layers)
        }
    }
}

// LayerFactory: makes layers and gathers their parameters in the order made, which is the network's order.

import Tensors

package final class LayerFactory {
    package let backend: any Backend
    private let seed: UInt64
    package private(set) var parameters: [Parameter] = []

    package init(backend: any Backend, seed: UInt64) {
        self.backend = backend
        self.seed = seed
    }

    /// Without bias. The weight is NAME.weight, O KH KW I/groups.
    func convolution(
        _ name: String, inputs: Int, outputs: Int, window: Window, groups: Int = 1, group: Parameter.Group
    ) -> Convolution {
        let shape = [outputs, window.kernelHeight, window.kernelWidth, inputs / groups]
        let start: Initialization =
            group == .backbone ? .kaimingNormalFanOut : .uniform(fanIn: shape[1] * shape[2] * shape[3])
        let weight = parameter(name + ".weight", layout: .convolution, group: group, shape: shape, start)
        return Convolution(weight: weight, window: window, groups: groups)
    }

    /// Scale 1, shift 0, running mean 0 and variance 1.
    func batchNorm(
        _ name: String, channels: Int, group: Parameter.Group, epsilon: Float, momentum: Float
    ) -> BatchNorm {
        func make(_ field: String, _ group: Parameter.Group, _ value: Float) -> Parameter {
            parameter("\(name).\(field)", group: group, shape: [channels], .constant(value))
        }
        return BatchNorm(
            scale: make("weight", group, 1), shift: make("bias", group, 0),
            runningMean: make("running_mean", .buffer, 0),
            runningVariance: make("running_var", .buffer, 1), epsilon: epsilon, momentum: momentum)
    }

    /// With bias, O I. Linear layers stand in heads only.
    func linear(_ name: String, inputs: Int, outputs: Int) -> Linear {
        let start = Initialization.uniform(fanIn: inputs)
        return Linear(
            weight: parameter(name + ".weight", group: .head, shape: [outputs, inputs], start),
            bias: parameter(name + ".bias", group: .head, shape: [outputs], start))
    }

    private func parameter(
        _ name: String, layout: Parameter.Layout = .plain, group: Parameter.Group, shape: [Int], _ start: Initialization
    ) -> Parameter {
        let values = start.values(shape: shape, name: name, seed: seed)
        let value = backend.makeTensor(shape: shape, values: values)
        let parameter = Parameter(name: name, layout: layout, group: group, value: value)
        parameters.append(parameter)
        return parameter
    }
}

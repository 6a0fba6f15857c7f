// SGD: stochastic gradient descent with momentum and weight decay on all parameters, as PyTorch's (no dampening, not
// Nesterov), with one learning rate for the backbone and one for everything new. A velocity starts as zeros at a
// parameter's first step.

import Tensors

package struct LearningRates: Sendable, Equatable {
    package var backbone: Float
    package var head: Float

    package init(backbone: Float, head: Float) {
        self.backbone = backbone
        self.head = head
    }

    package func scaled(by factor: Float) -> LearningRates {
        LearningRates(backbone: backbone * factor, head: head * factor)
    }
}

package struct SGD {
    /// What happens to a parameter that no loss reached.
    package enum WithoutGradient: String, Codable, CaseIterable, Sendable {
        /// Stepped as with a gradient of zeros: momentum and weight decay move it. So the paper's released code ran.
        case stepped
        /// Left as it is, its velocity too: the same code under later PyTorch versions.
        case skipped
    }

    package let backend: any Backend
    package var momentum: Float
    package var weightDecay: Float
    package var withoutGradient: WithoutGradient

    package init(
        backend: any Backend, momentum: Float = 0.9, weightDecay: Float = 5e-4,
        withoutGradient: WithoutGradient = .stepped
    ) {
        self.backend = backend
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.withoutGradient = withoutGradient
    }

    /// Steps the parameters of the given groups; buffers are never stepped.
    package func step(
        _ parameters: [Parameter], gradients: Gradients, rates: LearningRates,
        groups: Set<Parameter.Group> = [.backbone, .head]
    ) {
        for parameter in parameters where groups.contains(parameter.group) {
            let rate: Float
            switch parameter.group {
            case .backbone: rate = rates.backbone
            case .head: rate = rates.head
            case .buffer: continue
            }
            let gradient = gradients[parameter]
            if gradient == nil && withoutGradient == .skipped { continue }
            let velocity = parameter.velocity ?? backend.makeTensor(shape: parameter.value.shape, repeating: 0)
            parameter.velocity = velocity
            backend.stepSGD(
                parameter: parameter.value, gradient: gradient, velocity: velocity, learningRate: rate,
                momentum: momentum,
                weightDecay: weightDecay)
        }
    }
}

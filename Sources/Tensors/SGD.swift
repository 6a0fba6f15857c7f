// SGD with momentum and weight decay, PyTorch's definition: g = gradient + decay·p; v = momentum·v + g; p −= rate·v. In place.

extension PlainBackend {
    package func stepSGD(
        parameter: Tensor, gradient: Tensor?, velocity: Tensor, learningRate: Float, momentum: Float, weightDecay: Float
    ) {
        checkStep(parameter, gradient, velocity)
        for index in 0..<parameter.count {
            let g = (gradient.map { $0.host[index] } ?? 0) + weightDecay * parameter.host[index]
            velocity.host[index] = momentum * velocity.host[index] + g
            parameter.host[index] -= learningRate * velocity.host[index]
        }
    }
}

func checkStep(_ parameter: Tensor, _ gradient: Tensor?, _ velocity: Tensor) {
    precondition(
        velocity.shape == parameter.shape && (gradient == nil || gradient?.shape == parameter.shape),
        "parameter \(parameter.shape), gradient \(gradient?.shape ?? []), velocity \(velocity.shape)")
}

// SGD with momentum and weight decay, PyTorch's definition: g = gradient + decay·p; v = momentum·v + g; p −= rate·v. In
// place.

import CTensorKernels

extension PlainBackend {
    package func stepSGD(
        parameter: Tensor, gradient: Tensor?, velocity: Tensor, learningRate: Float, momentum: Float, weightDecay: Float
    ) {
        checkStep(parameter, gradient, velocity)
        let (p, v, slope) = (parameter.host, velocity.host, gradient?.host)
        for index in 0..<parameter.count {
            let g = (slope?[index] ?? 0) + weightDecay * p[index]
            v[index] = momentum * v[index] + g
            p[index] -= learningRate * v[index]
        }
    }
}

func checkStep(_ parameter: Tensor, _ gradient: Tensor?, _ velocity: Tensor) {
    precondition(
        velocity.shape == parameter.shape && (gradient == nil || gradient?.shape == parameter.shape),
        "parameter \(parameter.shape), gradient \(gradient?.shape ?? []), velocity \(velocity.shape)")
}

extension FastBackend {
    package func stepSGD(
        parameter: Tensor, gradient: Tensor?, velocity: Tensor, learningRate: Float, momentum: Float, weightDecay: Float
    ) {
        checkStep(parameter, gradient, velocity)
        tensor_sgd(
            engine, parameter.count, parameter.host, gradient?.host, velocity.host, learningRate, momentum, weightDecay)
    }
}

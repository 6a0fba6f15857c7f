// Gradients: what a backward pass leaves for the optimizer, by parameter. A parameter that no loss reached has none,
// which is not the same as a gradient of zeros: the optimizer's caller decides what that means.

import Tensors

package struct Gradients {
    private var tensors: [ObjectIdentifier: Tensor] = [:]

    package init() {}

    /// The sum over all places where the network used the parameter; nil where no loss reached it.
    package subscript(_ parameter: Parameter) -> Tensor? { tensors[ObjectIdentifier(parameter)] }

    package mutating func add(_ gradient: Tensor, for parameter: Parameter, backend: any Backend) {
        let key = ObjectIdentifier(parameter)
        tensors[key] = tensors[key].map { backend.add($0, gradient) } ?? gradient
    }
}

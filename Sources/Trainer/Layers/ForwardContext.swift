// ForwardContext: what a network's forward pass is written against. A layer says what it computes once; the tape runs
// it with numbers and records the way back, the inference context runs it with numbers only, and the graph exporter
// writes it down as ONNX nodes. So what is exported is what was trained, by construction.

import Tensors

package protocol ForwardContext: AnyObject {
    associatedtype Value

    /// x: N H W I. The weight's Parameter is O KH KW I/groups.
    func convolution(_ x: Value, weight: Parameter, bias: Parameter?, window: Window, groups: Int) -> Value
    func batchNorm(_ x: Value, _ layer: BatchNorm, activation: Activation) -> Value
    /// x: N I → N O.
    func linear(_ x: Value, weight: Parameter, bias: Parameter?) -> Value
    func activate(_ x: Value, _ activation: Activation) -> Value
    func add(_ a: Value, _ b: Value) -> Value
    func multiply(_ a: Value, _ b: Value) -> Value
    func concat(_ parts: [Value]) -> Value
    /// The identity except in training.
    func dropout(_ x: Value, rate: Float) -> Value
    func globalAveragePool(_ x: Value) -> Value
    func globalMaxPool(_ x: Value) -> Value
    func maxPool(_ x: Value, window: Window) -> Value
}

/// Batch norm's parameters and averages. eps and momentum are data: pretrained weights bring their own.
package struct BatchNorm {
    package let scale: Parameter  // NAME.weight
    package let shift: Parameter  // NAME.bias
    package let runningMean: Parameter  // NAME.running_mean
    package let runningVariance: Parameter  // NAME.running_var
    package let epsilon: Float
    package let momentum: Float

    package init(
        scale: Parameter, shift: Parameter, runningMean: Parameter, runningVariance: Parameter, epsilon: Float,
        momentum: Float
    ) {
        self.scale = scale
        self.shift = shift
        self.runningMean = runningMean
        self.runningVariance = runningVariance
        self.epsilon = epsilon
        self.momentum = momentum
    }
}

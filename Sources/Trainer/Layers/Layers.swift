// The layers that networks are made of: parameters with their geometry, applied to any ForwardContext.

import Tensors

package struct Convolution {
    package let weight: Parameter
    package let window: Window
    package let groups: Int

    /// - Parameter x: N H W I; the result is N H' W' O.
    package func callAsFunction<Context: ForwardContext>(_ x: Context.Value, in context: Context) -> Context.Value {
        context.convolution(x, weight: weight, bias: nil, window: window, groups: groups)
    }
}

package struct Linear {
    package let weight: Parameter
    package let bias: Parameter

    /// - Parameter x: N I; the result is N O.
    package func callAsFunction<Context: ForwardContext>(_ x: Context.Value, in context: Context) -> Context.Value {
        context.linear(x, weight: weight, bias: bias)
    }
}

/// Convolution, batch norm and activation: the unit of every convolutional part here.
package struct ConvolutionBlock {
    package let convolution: Convolution
    package let batchNorm: BatchNorm
    package let activation: Activation

    package func callAsFunction<Context: ForwardContext>(_ x: Context.Value, in context: Context) -> Context.Value {
        context.batchNorm(convolution(x, in: context), batchNorm, activation: activation)
    }
}

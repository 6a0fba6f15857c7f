// PaddingStyle: where a convolution's padding lies. It is data, because weights trained under one style are wrong under
// the other: at stride 2 TensorFlow's SAME pads one pixel at the bottom and right only, PyTorch's padding=1 pads all
// four sides.

import Tensors

package enum PaddingStyle: String, Codable, Sendable, CaseIterable {
    case torch, tensorflow

    /// Window of a square, odd kernel over an input of `inputSize` pixels a side.
    package func window(kernel: Int, stride: Int, inputSize: Int) -> Window {
        var window = Window(kernel: kernel, stride: stride, pad: kernel / 2)
        if self == .tensorflow {
            // SAME: as many outputs as strides begin in the input; the odd pixel goes to the end.
            let outputSize = (inputSize + stride - 1) / stride
            let total = max((outputSize - 1) * stride + kernel - inputSize, 0)
            window.padTop = total / 2
            window.padLeft = total / 2
            window.padBottom = total - total / 2
            window.padRight = total - total / 2
        }
        return window
    }
}

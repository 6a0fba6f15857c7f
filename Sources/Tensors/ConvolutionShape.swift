// ConvolutionShape: the sizes of one convolution, checked once for both backends.

struct ConvolutionShape: Hashable {
    var batch: Int
    var height: Int
    var width: Int
    var inputChannels: Int
    var outputChannels: Int
    var outputHeight: Int
    var outputWidth: Int
    var window: Window
    var groups: Int

    init(_ x: Tensor, weight: Tensor, window: Window, groups: Int) {
        precondition(
            x.shape.count == 4 && weight.shape.count == 4, "convolution of \(x.shape) by weights \(weight.shape)")
        batch = x.shape[0]
        height = x.shape[1]
        width = x.shape[2]
        inputChannels = x.shape[3]
        outputChannels = weight.shape[0]
        self.window = window
        self.groups = groups
        outputHeight = window.outputHeight(height)
        outputWidth = window.outputWidth(width)
        precondition(
            groups >= 1 && inputChannels % groups == 0 && outputChannels % groups == 0,
            "\(groups) groups of \(inputChannels) input and \(outputChannels) output channels")
        precondition(
            Array(weight.shape[1...]) == [window.kernelHeight, window.kernelWidth, inputChannels / groups],
            "weights \(weight.shape) for input \(x.shape), groups \(groups), \(window)")
        precondition(
            window.strideHeight > 0 && window.strideWidth > 0 && window.kernelHeight > 0 && window.kernelWidth > 0
                && window.padTop >= 0 && window.padBottom >= 0 && window.padLeft >= 0 && window.padRight >= 0,
            "\(window)")
        precondition(
            height + window.padTop + window.padBottom >= window.kernelHeight
                && width + window.padLeft + window.padRight >= window.kernelWidth,
            "input \(x.shape) is smaller than the kernel: \(window)")
    }

    var input: [Int] { [batch, height, width, inputChannels] }
    var output: [Int] { [batch, outputHeight, outputWidth, outputChannels] }
    /// Each channel by itself. (One channel of one group is dense: there is no difference.)
    var isDepthwise: Bool { groups > 1 && groups == inputChannels && groups == outputChannels }
    /// One kernel position a pixel, no padding: a product of matrices, pixels × channels.
    var isPointwise: Bool { groups == 1 && window == Window(kernel: 1) }

    /// Rows or columns of the kernel that meet the input at this output position: `first ..< end`.
    static func taps(output: Int, kernel: Int, stride: Int, pad: Int, input: Int) -> Range<Int> {
        let start = output * stride - pad
        let first = max(0, -start)
        return first..<max(first, min(kernel, input - start))
    }
}

// A convolution packed for the kernels as ModelLayout says, in guarded memory, and the call of a kernel on it.
import CTinyKernels

final class PackedConvolution {
    let reference: ReferenceConvolution
    private var op = tk_convolution()
    private let weights: GuardedBytes
    private let bias: GuardedBytes
    private let multiplier: GuardedBytes

    init(_ r: ReferenceConvolution) {
        reference = r
        let padded = (r.outputChannels + 15) / 16 * 16
        let quads = (r.window + 3) / 4
        var packed = [Int8](repeating: 0, count: r.kind == .depthwise ? padded * r.window : padded * quads * 4)
        var bias = [Int32](repeating: 0, count: padded)
        var multiplier = [Float](repeating: 0, count: padded)
        for n in 0..<r.outputChannels {
            var sum = 0
            for k in 0..<r.window {
                let weight = r.weights[n * r.window + k]
                sum += weight
                let place =
                    r.kind == .depthwise
                    ? (n / 16 * r.window + k) * 16 + n % 16
                    : ((n / 16 * quads + k / 4) * 16 + n % 16) * 4 + k % 4
                packed[place] = Int8(weight)
            }
            bias[n] = Int32(r.bias[n] - r.inputZeroPoint * sum)
            multiplier[n] = r.multiplier[n]
        }
        weights = GuardedBytes(packed)
        self.bias = GuardedBytes(bias)
        self.multiplier = GuardedBytes(multiplier)

        op.input_height = Int32(r.inputHeight)
        op.input_width = Int32(r.inputWidth)
        op.input_channels = Int32(r.inputChannels)
        op.output_height = Int32(r.outputHeight)
        op.output_width = Int32(r.outputWidth)
        op.output_channels = Int32(r.outputChannels)
        op.kernel_height = Int32(r.kernelHeight)
        op.kernel_width = Int32(r.kernelWidth)
        op.stride_height = Int32(r.strideHeight)
        op.stride_width = Int32(r.strideWidth)
        op.pad_top = Int32(r.padTop)
        op.pad_left = Int32(r.padLeft)
        op.input_stride = op.input_channels
        op.output_stride = op.output_channels
        op.weights = UnsafePointer(weights.pointer(as: Int8.self))
        op.bias = UnsafePointer(self.bias.pointer(as: Int32.self))
        op.multiplier = UnsafePointer(self.multiplier.pointer(as: Float.self))
        if r.inputChannels <= 4 {
            let pixel = r.padding + [UInt8](repeating: 0, count: 4 - r.padding.count)
            op.pad_pixel = (pixel[0], pixel[1], pixel[2], pixel[3])
        } else {
            op.pad_value = r.padding[0]
        }
        op.output_zero_point = UInt8(r.outputZeroPoint)
        op.clamp_min = UInt8(r.clampMin)
        op.clamp_max = UInt8(r.clampMax)
    }

    struct Outcome {
        /// H'·W'·N bytes; rows that were not asked for still hold `untouched`.
        var output: [UInt8]
        var wroteBeforeABuffer: Bool
    }
    static let untouched: UInt8 = 0x5A

    /// Runs the kernel of `kernels` for this kind on output rows `rows`.
    func run(_ kernels: UnsafePointer<tk_kernels>, on input: GuardedBytes, rows: Range<Int>) -> Outcome {
        let kernel =
            switch reference.kind {
            case .convolution: kernels.pointee.convolution
            case .pointwise: kernels.pointee.pointwise
            case .depthwise: kernels.pointee.depthwise
            case .fullyConnected: kernels.pointee.fully_connected
            }
        let output = GuardedBytes(count: reference.outputCount, fill: Self.untouched)
        let scratch = GuardedBytes(count: kernel.scratch_bytes(&op), fill: 0xEE, alignment: 64)
        kernel.run(
            &op, input.pointer(as: UInt8.self), output.pointer(as: UInt8.self), scratch.base,
            tk_part(
                first_row: Int32(rows.lowerBound), end_row: Int32(rows.upperBound), first_channel: 0,
                end_channel: op.output_channels))
        return Outcome(
            output: output.bytes,
            wroteBeforeABuffer: !(output.isIntactBefore && scratch.isIntactBefore && input.isIntactBefore))
    }

    /// The reference's answer where `rows` were asked for, `untouched` elsewhere.
    func expected(_ input: [UInt8], rows: Range<Int>) -> [UInt8] { masked(reference.run(input), rows: rows) }

    /// `output` with the rows outside `rows` untouched.
    func masked(_ output: [UInt8], rows: Range<Int>) -> [UInt8] {
        let rowBytes = reference.outputWidth * reference.outputChannels
        return output.enumerated().map { index, byte in rows.contains(index / rowBytes) ? byte : Self.untouched }
    }
}

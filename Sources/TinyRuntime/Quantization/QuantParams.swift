// QuantParams: what a u8 activation means: real = (q − zeroPoint) · scale. Rounding is not here: it is the kernels' (quant_math.h).

public struct QuantParams: Equatable, Sendable {
    /// > 0, finite
    public let scale: Float
    public let zeroPoint: UInt8

    public init(scale: Float, zeroPoint: UInt8) {
        self.scale = scale
        self.zeroPoint = zeroPoint
    }

    public func real(_ q: UInt8) -> Float { Float(Int32(q) - Int32(zeroPoint)) * scale }
}

// ModelTensor: one activation as its record in the file says: H×W×C bytes at a place in the arena.

public struct ModelTensor: Equatable, Sendable {
    public let height: Int
    public let width: Int
    public let channels: Int
    public let quantization: QuantParams
    /// From the arena's start; a multiple of 64.
    public let arenaOffset: Int

    /// height × width × channels
    public var bytes: Int { height * width * channels }
    public var pixels: Int { height * width }
    var arenaRange: Range<Int> { arenaOffset..<(arenaOffset + bytes) }
    func hasShape(of other: ModelTensor) -> Bool {
        height == other.height && width == other.width && channels == other.channels
    }

    init(_ reader: ByteReader, at offset: UInt64, index: Int, arenaBytes: UInt64) throws(ModelError) {
        typealias Field = ModelLayout.TensorRecord
        let height = try reader.u32(at: offset + UInt64(Field.height))
        let width = try reader.u32(at: offset + UInt64(Field.width))
        let channels = try reader.u32(at: offset + UInt64(Field.channels))
        let sides = 1...ModelLayout.Limit.side
        guard sides.contains(height), sides.contains(width), channels >= 1, channels <= ModelLayout.Limit.channels
        else {
            throw .tensor(index: index, .emptyOrTooLarge)
        }
        let scale = try reader.f32(at: offset + UInt64(Field.scale))
        guard scale > 0, scale.isFinite else { throw .tensor(index: index, .scale) }
        let zeroPoint = try reader.u8(at: offset + UInt64(Field.zeroPoint))
        try reader.requireZero(from: offset + UInt64(Field.zeroPoint + 1), to: offset + UInt64(Field.arenaOffset))
        let arenaOffset = try reader.u64(at: offset + UInt64(Field.arenaOffset))
        guard arenaOffset % UInt64(ModelLayout.alignment) == 0 else { throw .tensor(index: index, .misaligned) }
        // At most 2¹³·2¹³·2¹⁶ = 2⁴²; with the arena's limit it fits an Int of 32 bits too.
        let bytes = UInt64(height) * UInt64(width) * UInt64(channels)
        guard bytes <= arenaBytes, arenaOffset <= arenaBytes - bytes else {
            throw .tensor(index: index, .outsideArena)
        }
        self.height = Int(height)
        self.width = Int(width)
        self.channels = Int(channels)
        quantization = QuantParams(scale: scale, zeroPoint: zeroPoint)
        self.arenaOffset = Int(arenaOffset)
    }
}

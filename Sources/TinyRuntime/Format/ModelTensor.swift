// ModelTensor: one activation as its record in the file says: H×W×C bytes at a place in the arena, or inside a block.

public struct ModelTensor: Equatable, Sendable {
    public let height: Int
    public let width: Int
    public let channels: Int
    public let quantization: QuantParams
    /// Written and read inside one block only: exists where ops run one by one, and then behind the arena.
    public let isInterior: Bool
    /// It stands inside the output of the concat that reads it, its pixels as far apart as that output's.
    public let isInsideConcat: Bool
    /// Bytes from one pixel to the next: `channels`, or more inside a concat's output.
    public let pixelStride: Int
    /// From the arena's start; a multiple of 64 but for tensors inside a concat's output.
    public internal(set) var arenaOffset: Int

    /// height × width × channels
    public var bytes: Int { height * width * channels }
    public var pixels: Int { height * width }
    /// From its first byte to its last; other tensors' bytes may lie between where it stands inside a concat's output.
    var arenaRange: Range<Int> { arenaOffset..<(arenaOffset + (pixels - 1) * pixelStride + channels) }
    func hasShape(of other: ModelTensor) -> Bool {
        height == other.height && width == other.width && channels == other.channels
    }

    init(_ reader: ByteReader, at offset: UInt64, index: Int, arenaBytes: UInt64) throws(ModelError) {
        typealias Field = ModelLayout.TensorRecord
        let record = try reader.record(at: offset, bytes: Field.bytes)
        let height = record.u32(Field.height)
        let width = record.u32(Field.width)
        let channels = record.u32(Field.channels)
        let sides = 1...ModelLayout.Limit.side
        guard sides.contains(height), sides.contains(width), channels >= 1, channels <= ModelLayout.Limit.channels
        else {
            throw .tensor(index: index, .emptyOrTooLarge)
        }
        let scale = record.f32(Field.scale)
        guard scale > 0, scale.isFinite else { throw .tensor(index: index, .scale) }
        let zeroPoint = record.u8(Field.zeroPoint)
        let interior = record.u8(Field.interior)
        guard interior <= 1 else { throw .outOfRange(offset: offset + UInt64(Field.interior)) }
        try reader.requireZero(from: offset + UInt64(Field.interior + 1), to: offset + UInt64(Field.pixelStride))
        let pixelStride = record.u32(Field.pixelStride)
        guard pixelStride == 0 || (channels...ModelLayout.Limit.channels).contains(pixelStride) else {
            throw .tensor(index: index, .pixelStride)
        }
        let arenaOffset = record.u64(Field.arenaOffset)
        let stride = pixelStride == 0 ? channels : pixelStride
        // At most 2¹³·2¹³·2¹⁶ = 2⁴²; with the arena's limit it fits an Int of 32 bits too.
        let bytes = (UInt64(height) * UInt64(width) - 1) * UInt64(stride) + UInt64(channels)
        if interior == 1 {
            guard pixelStride == 0, arenaOffset == 0 else { throw .tensor(index: index, .interior) }
            guard bytes <= ModelLayout.Limit.arenaBytes else { throw .tensor(index: index, .emptyOrTooLarge) }
        } else {
            guard pixelStride > 0 || arenaOffset % UInt64(ModelLayout.alignment) == 0 else {
                throw .tensor(index: index, .misaligned)
            }
            guard bytes <= arenaBytes, arenaOffset <= arenaBytes - bytes else {
                throw .tensor(index: index, .outsideArena)
            }
        }
        self.height = Int(height)
        self.width = Int(width)
        self.channels = Int(channels)
        quantization = QuantParams(scale: scale, zeroPoint: zeroPoint)
        isInterior = interior == 1
        isInsideConcat = pixelStride > 0
        self.pixelStride = Int(stride)
        self.arenaOffset = Int(arenaOffset)
    }
}

// ModelOp: one op as its record in the file says. Which fields an op uses, and what they may hold, is its `prepare`'s matter (Ops/).

public struct ModelOp: Sendable {
    public let code: ModelLayout.OpCode
    public let inputCount: Int
    private let inputs: InlineArray<4, Int>
    /// Index of the tensor that it writes.
    public let output: Int
    public let kernelHeight, kernelWidth: Int
    public let strideHeight, strideWidth: Int
    public let padTop, padBottom, padLeft, padRight: Int
    public let clampMin, clampMax: UInt8
    /// Groups of a grouped convolution; of an average pool, 1 where padding counts.
    public let parameter: Int
    public let padPixel: InlineArray<4, UInt8>
    /// Offsets from the constants section's start.
    let weights, bias, multiplier, table: UInt64
    public let weightsBytes: UInt64
    public let scale0, scale1: Float
    /// Of a block's first op, how many ops run as one; of every other op 0.
    public let blockLength: Int

    /// Index of the tensor that is input `position` of `inputCount`.
    public func input(_ position: Int) -> Int { inputs[position] }

    init(_ reader: ByteReader, at offset: UInt64, index: Int, tensorCount: Int) throws(ModelError) {
        typealias Field = ModelLayout.OpRecord
        let record = try reader.record(at: offset, bytes: Field.bytes)
        func u16(_ field: Int) -> Int { Int(record.u16(field)) }
        func tensor(_ field: Int) throws(ModelError) -> Int {
            let tensor = record.u32(field)
            guard tensor < UInt32(tensorCount) else { throw .op(index: index, .tensorIndex) }
            return Int(tensor)
        }

        guard let code = ModelLayout.OpCode(rawValue: record.u16(Field.code)) else {
            throw .op(index: index, .unknownCode)
        }
        self.code = code
        inputCount = u16(Field.inputCount)
        guard inputCount >= 1, inputCount <= 4 else { throw .op(index: index, .inputCount) }
        var inputs = InlineArray<4, Int>(repeating: 0)
        for position in 0..<4 {
            inputs[position] = try tensor(Field.inputs + 4 * position)
            guard position < inputCount || inputs[position] == 0 else { throw .op(index: index, .unusedFieldNotZero) }
        }
        self.inputs = inputs
        output = try tensor(Field.output)
        kernelHeight = u16(Field.kernelHeight)
        kernelWidth = u16(Field.kernelWidth)
        strideHeight = u16(Field.strideHeight)
        strideWidth = u16(Field.strideWidth)
        padTop = u16(Field.padTop)
        padBottom = u16(Field.padBottom)
        padLeft = u16(Field.padLeft)
        padRight = u16(Field.padRight)
        clampMin = record.u8(Field.clampMin)
        clampMax = record.u8(Field.clampMax)
        parameter = u16(Field.parameter)
        var padPixel = InlineArray<4, UInt8>(repeating: 0)
        for channel in 0..<4 { padPixel[channel] = record.u8(Field.padPixel + channel) }
        self.padPixel = padPixel
        weights = record.u64(Field.weights)
        weightsBytes = record.u64(Field.weightsBytes)
        bias = record.u64(Field.bias)
        multiplier = record.u64(Field.multiplier)
        table = record.u64(Field.table)
        scale0 = record.f32(Field.scale0)
        scale1 = record.f32(Field.scale1)
        blockLength = u16(Field.blockLength)
        try reader.requireZero(from: offset + UInt64(Field.blockLength + 2), to: offset + UInt64(Field.bytes))
    }
}

// ONNXTensors: TensorProto as ONNXConstant. The shape is held against the bytes before memory is taken for values.
// float16, bfloat16 and double become float32; a double that float32 cannot hold is refused. Left out: strings, complex
// numbers, types of less than a byte.

import Foundation

struct ONNXTensors {
    /// Not yet looked into.
    private let tensors: [String: Onnx_TensorProto]
    private var loaded: [String: ONNXConstant] = [:]
    private var external: ONNXExternalData

    /// - Throws: `ONNXError.badTensor` where two have one name.
    init(_ initializers: [Onnx_TensorProto], folder: String?) throws {
        var tensors: [String: Onnx_TensorProto] = [:]
        for tensor in initializers where tensors.updateValue(tensor, forKey: tensor.name) != nil {
            throw ONNXError.badTensor(name: tensor.name, reason: "there are two of this name")
        }
        self.tensors = tensors
        external = ONNXExternalData(folder: folder)
    }

    var names: Dictionary<String, Onnx_TensorProto>.Keys { tensors.keys }

    func contains(_ name: String) -> Bool { tensors[name] != nil }

    /// Values that stand in the file, as far as shapes and bytes agree; what may be computed from them is limited by it.
    static func storedCount(_ model: Onnx_ModelProto) -> Int {
        let nodes = model.graph.node + model.functions.flatMap(\.node)
        let inNodes = nodes.flatMap(\.attribute).filter(\.hasT).map(\.t)
        return (model.graph.initializer + inNodes).reduce(0) { sum, tensor in
            let stored =
                tensor.rawData.count + tensor.floatData.count + tensor.doubleData.count + tensor.int32Data.count
                + tensor.int64Data.count + tensor.uint64Data.count
            return sum + min(stored, ONNXConstant.count(tensor.dims.map { Int($0) }) ?? 0)
        }
    }

    /// Values read from other files so far.
    private(set) var externalCount = 0

    /// The named initializer, read at its first use; nil where there is none of that name.
    mutating func constant(_ name: String) throws -> ONNXConstant? {
        if let constant = loaded[name] { return constant }
        guard let tensor = tensors[name] else { return nil }
        let constant = try read(tensor, name: name)
        loaded[name] = constant
        return constant
    }

    /// - Parameter name: for errors, and of the constant: a Constant node's tensor is called as its edge.
    mutating func read(_ tensor: Onnx_TensorProto, name: String) throws -> ONNXConstant {
        func bad(_ reason: String) -> ONNXError { .badTensor(name: name, reason: reason) }
        guard let type = ElementType(tensor.dataType) else {
            throw bad(
                "element type \(tensor.dataType.rawValue) is not read; accepted: float32 (1), float16 (10), double (11),"
                    + " bfloat16 (16), integers (2…7, 12, 13), bool (9)")
        }
        let shape = tensor.dims.map { Int($0) }
        guard shape.count <= ONNXConstant.rankLimit else { throw bad("\(shape.count) axes") }
        guard let count = ONNXConstant.count(shape) else {
            throw bad("shape \(shape) is not a tensor's")
        }
        let values: ONNXConstant.Values
        if tensor.dataLocation == .external {
            let bytes = try external.bytes(of: tensor, name: name, count: count * type.bytes)
            values = Self.values(bytes, type)
            externalCount += count
        } else if let typed = Self.typedValues(tensor, type) {
            guard tensor.rawData.isEmpty, typed.count == count else {
                throw bad("\(typed.count) values, its shape \(shape) needs \(count)")
            }
            values = typed.values
        } else {
            guard tensor.rawData.count % type.bytes == 0, tensor.rawData.count / type.bytes == count else {
                throw bad("\(tensor.rawData.count) bytes, its shape \(shape) needs \(type.bytes) × \(count)")
            }
            values = Self.values(tensor.rawData, type)
        }
        if type == .double, case .floats(let floats) = values, let index = floats.firstIndex(where: { $0.isInfinite }) {
            throw bad("value \(index) is outside float32's range")
        }
        return ONNXConstant(name: name, shape: shape, values: values)
    }

    private enum ElementType {
        case float, double, half, bfloat, int8, uint8, int16, uint16, int32, uint32, int64, uint64

        init?(_ type: Onnx_TensorProto.DataType) {
            switch type {
            case .float: self = .float
            case .double: self = .double
            case .float16: self = .half
            case .bfloat16: self = .bfloat
            case .int8: self = .int8
            case .uint8, .bool: self = .uint8
            case .int16: self = .int16
            case .uint16: self = .uint16
            case .int32: self = .int32
            case .uint32: self = .uint32
            case .int64: self = .int64
            case .uint64: self = .uint64
            default: return nil
            }
        }

        var bytes: Int {
            switch self {
            case .int8, .uint8: 1
            case .half, .bfloat, .int16, .uint16: 2
            case .float, .int32, .uint32: 4
            case .double, .int64, .uint64: 8
            }
        }
    }

    /// Values that stand in a field of their own type; nil where that field is empty.
    private static func typedValues(_ tensor: Onnx_TensorProto, _ type: ElementType)
        -> (values: ONNXConstant.Values, count: Int)?
    {
        switch type {
        case .float: return tensor.floatData.isEmpty ? nil : (.floats(tensor.floatData), tensor.floatData.count)
        case .double:
            return tensor.doubleData.isEmpty
                ? nil : (.floats(tensor.doubleData.map { Float($0) }), tensor.doubleData.count)
        case .half, .bfloat:
            let bits = tensor.int32Data.map { UInt16(truncatingIfNeeded: $0) }
            return bits.isEmpty
                ? nil : (.floats(bits.map { type == .half ? float(half: $0) : float(brain: $0) }), bits.count)
        case .int64: return tensor.int64Data.isEmpty ? nil : (.ints(tensor.int64Data), tensor.int64Data.count)
        case .uint32, .uint64:
            return tensor.uint64Data.isEmpty
                ? nil : (.ints(tensor.uint64Data.map { Int64(truncatingIfNeeded: $0) }), tensor.uint64Data.count)
        case .int8, .uint8, .int16, .uint16, .int32:
            return tensor.int32Data.isEmpty ? nil : (.ints(tensor.int32Data.map { Int64($0) }), tensor.int32Data.count)
        }
    }

    /// - Parameter bytes: little-endian, a whole number of elements.
    private static func values(_ bytes: Data, _ type: ElementType) -> ONNXConstant.Values {
        func all<Raw: FixedWidthInteger>(_: Raw.Type) -> [Raw] {
            bytes.withUnsafeBytes { buffer in
                (0..<buffer.count / MemoryLayout<Raw>.size).map {
                    Raw(littleEndian: buffer.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Raw>.size, as: Raw.self))
                }
            }
        }
        switch type {
        case .float: return .floats([Float](littleEndian: bytes))
        case .double: return .floats(all(UInt64.self).map { Float(Double(bitPattern: $0)) })
        case .half: return .floats(all(UInt16.self).map { float(half: $0) })
        case .bfloat: return .floats(all(UInt16.self).map { float(brain: $0) })
        case .int8: return .ints(all(Int8.self).map { Int64($0) })
        case .uint8: return .ints(all(UInt8.self).map { Int64($0) })
        case .int16: return .ints(all(Int16.self).map { Int64($0) })
        case .uint16: return .ints(all(UInt16.self).map { Int64($0) })
        case .int32: return .ints(all(Int32.self).map { Int64($0) })
        case .uint32: return .ints(all(UInt32.self).map { Int64($0) })
        case .int64: return .ints(all(Int64.self))
        case .uint64: return .ints(all(UInt64.self).map { Int64(truncatingIfNeeded: $0) })
        }
    }

    /// IEEE 754 binary16. (Swift's own Float16 is missing on some machines.)
    static func float(half bits: UInt16) -> Float {
        let sign: Float = bits & 0x8000 == 0 ? 1 : -1
        let exponent = Int(bits >> 10 & 0x1F)
        let fraction = Float(bits & 0x3FF)
        switch exponent {
        case 0: return sign * fraction * Float(sign: .plus, exponent: -24, significand: 1)
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default: return sign * (1 + fraction / 1024) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
        }
    }

    static func float(brain bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
}

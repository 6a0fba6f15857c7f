// StepProfile: each step's time beside the least that the machine could need for it: its multiply-adds at the speed of the instruction set's
// dot product, or its weights at the speed at which they can be read, whichever takes longer. What neither counts (rounding, activations,
// the adds of ops without weights) is why no step reaches it; a depthwise convolution has too few products an output to come near.

/// What this machine can do at best with the threads of the session, measured beside the runs.
public struct MachineBound: Sendable {
    /// Multiply-adds a second; nil: not known for the instruction set.
    public var multiplyAdds: Double?
    /// Bytes of the model a second, read again and again, from wherever they then lie: a cache that holds them, or memory.
    public var bytes: Double?

    public init(multiplyAdds: Double?, bytes: Double?) {
        self.multiplyAdds = multiplyAdds
        self.bytes = bytes
    }
}

struct StepProfile {
    enum Bound {
        case compute, memory

        var name: StaticString {
            switch self {
            case .compute: "compute"
            case .memory: "memory"
            }
        }
    }

    /// Indices of the ops that it runs.
    let ops: Range<Int>
    let output: ModelTensor
    let medianMilliseconds: Double
    let fastestMilliseconds: Double
    let multiplyAdds: UInt64
    let weightBytes: UInt64

    init(_ times: StepTimes, step: Int, model: EdgeModel) {
        ops = times.steps[step]
        output = model.tensors[model.ops[ops.upperBound - 1].output]
        let durations = times.durations(ofStep: step)
        medianMilliseconds = durations.milliseconds(percent: 50)
        fastestMilliseconds = durations.milliseconds(percent: 0)
        (multiplyAdds, weightBytes) = model.work(ops)
    }

    /// Nil where the time is not known, or there is nothing to compute.
    var multiplyAddsPerNanosecond: Double? { perNanosecond(multiplyAdds, medianMilliseconds) }

    /// The least milliseconds, and what they are due to; nil where neither is known.
    func least(_ bound: MachineBound) -> (milliseconds: Double, by: Bound)? {
        let compute = Self.milliseconds(multiplyAdds, bound.multiplyAdds)
        let memory = Self.milliseconds(weightBytes, bound.bytes)
        guard let compute else { return nil }
        guard let memory, memory > compute else { return compute > 0 ? (compute, .compute) : nil }
        return (memory, .memory)
    }

    private static func milliseconds(_ count: UInt64, _ perSecond: Double?) -> Double? {
        guard let perSecond, perSecond > 0 else { return nil }
        return Double(count) / perSecond * 1e3
    }

    @inline(never)
    func appendName(to text: inout TextBytes, _ model: EdgeModel) {
        for op in ops {
            if op > ops.lowerBound { text.append("+") }
            text.append(model.ops[op].code.name)
        }
    }

    @inline(never)
    func appendShape(to text: inout TextBytes) {
        text.append(output.height)
        text.append("×")
        text.append(output.width)
        text.append("×")
        text.append(output.channels)
    }
}

/// GMAC/s; nil where there is nothing to divide.
func perNanosecond(_ multiplyAdds: UInt64, _ milliseconds: Double) -> Double? {
    multiplyAdds > 0 && milliseconds > 0 ? Double(multiplyAdds) / milliseconds / 1e6 : nil
}

extension EdgeModel {
    /// Of some ops together.
    func work(_ range: Range<Int>) -> (multiplyAdds: UInt64, weightBytes: UInt64) {
        var sum: (multiplyAdds: UInt64, weightBytes: UInt64) = (0, 0)
        for index in range {
            sum.multiplyAdds += ops[index].multiplyAdds(tensors)
            sum.weightBytes += ops[index].constantBytes(tensors)
        }
        return sum
    }
}

extension ModelLayout.OpCode {
    public var name: StaticString {
        switch self {
        case .convolution: "convolution"
        case .pointwise: "pointwise"
        case .depthwise: "depthwise"
        case .fullyConnected: "fullyConnected"
        case .add: "add"
        case .multiply: "multiply"
        case .table: "table"
        case .concat: "concat"
        case .globalAveragePool: "globalAveragePool"
        case .globalMaxPool: "globalMaxPool"
        case .maxPool: "maxPool"
        case .scaleChannels: "scaleChannels"
        case .averagePool: "averagePool"
        case .groupedConvolution: "groupedConvolution"
        }
    }
}

// What the kernels' tests share: the instruction sets that this machine has, and the comparison of one kernel with
// the plain one.
import CTinyKernels
import Testing

enum KernelChecks {
    static var plain: UnsafePointer<tk_kernels> {
        guard let kernels = kernels(TK_ISA_PLAIN) else { preconditionFailure("every build has the plain kernels") }
        return kernels
    }

    static func kernels(_ isa: tk_isa) -> UnsafePointer<tk_kernels>? { tk_kernels_for(isa) }

    static func isAvailable(_ isa: tk_isa) -> Bool { kernels(isa) != nil }

    /// All instruction sets that run here, for tests of single ops.
    static var available: [UnsafePointer<tk_kernels>] {
        (0..<TK_ISA_COUNT.rawValue).compactMap { kernels(tk_isa(rawValue: $0)) }
    }

    static func name(_ kernels: UnsafePointer<tk_kernels>) -> String { String(cString: kernels.pointee.name) }

    /// Random convolutions of `kind`, `casesEach` for each channel count: the kernel of `isa` must give the plain
    /// kernel's bytes.
    static func expectEqualToPlain(
        _ isa: tk_isa, _ kind: ReferenceConvolution.Kind, channels: [Int], casesEach: Int,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let vector = try #require(kernels(isa), sourceLocation: sourceLocation)
        for count in channels {
            for index in 0..<casesEach {
                let seed = UInt64(count) << 16 | UInt64(index)
                let random = RandomConvolution(kind: kind, channels: count, seed: seed)
                let packed = PackedConvolution(random.reference)
                let input = GuardedBytes(random.input)
                let wanted = packed.run(plain, on: input, rows: random.rows)
                let got = packed.run(vector, on: input, rows: random.rows)
                let place: Comment =
                    "\(name(vector)), channels \(count), seed \(seed), rows \(random.rows), \(random.reference)"
                #expect(got.output == wanted.output, place, sourceLocation: sourceLocation)
                #expect(!got.wroteBeforeABuffer, place, sourceLocation: sourceLocation)
                if got.output != wanted.output { return }
            }
        }
    }
}

extension ReferenceConvolution.Kind {
    /// Channel counts for random tests: 1 … 70, and some wide ones.
    var channelsToTry: [Int] {
        switch self {
        case .convolution: Array(1...70)
        case .pointwise: Array(1...70) + [96, 100, 144, 255, 256, 320]
        case .depthwise: Array(1...70) + [79, 80, 81, 96, 127, 128, 129, 144, 192, 200]
        case .fullyConnected: Array(1...70) + [320, 640, 1279, 1280, 1920]
        }
    }
}

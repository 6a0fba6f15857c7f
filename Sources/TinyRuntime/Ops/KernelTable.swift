// KernelTable: one instruction set's convolution kernels as Swift calls them, and the choice of an instruction set.

import CTinyKernels

public enum InstructionSet: CaseIterable, Sendable {
    case plain
    case sse41
    case avx2
    /// 256 bits: client processors without AVX-512.
    case avxvnni
    case avx512vnni
    /// ARMv7's and AArch64's.
    case neon
    case neonDot
    case neonI8mm

    /// The fastest that this processor and this build have.
    public static var best: InstructionSet {
        let best = tk_best_isa()
        for candidate in allCases where candidate.code == best { return candidate }
        return .plain
    }

    public var isAvailable: Bool { tk_kernels_for(code) != nil }

    public var name: StaticString {
        switch self {
        case .plain: "plain"
        case .sse41: "sse4.1"
        case .avx2: "avx2"
        case .avxvnni: "avxvnni"
        case .avx512vnni: "avx512vnni"
        case .neon: "neon"
        case .neonDot: "neon-dotprod"
        case .neonI8mm: "neon-i8mm"
        }
    }

    var code: tk_isa {
        switch self {
        case .plain: TK_ISA_PLAIN
        case .sse41: TK_ISA_SSE41
        case .avx2: TK_ISA_AVX2
        case .avxvnni: TK_ISA_AVXVNNI
        case .avx512vnni: TK_ISA_AVX512VNNI
        case .neon: TK_ISA_NEON
        case .neonDot: TK_ISA_NEON_DOT
        case .neonI8mm: TK_ISA_NEON_I8MM
        }
    }
}

struct KernelTable {
    typealias Function = @convention(c) (
        UnsafePointer<tk_convolution>?, UnsafePointer<UInt8>?, UnsafeMutablePointer<UInt8>?, UnsafeMutableRawPointer?,
        tk_part
    ) -> Void

    struct Kernel {
        let run: Function
        let scratchBytes: @convention(c) (UnsafePointer<tk_convolution>?) -> Int

        init?(_ kernel: tk_convolution_kernel) {
            guard let run = kernel.run, let scratchBytes = kernel.scratch_bytes else { return nil }
            self.run = run
            self.scratchBytes = scratchBytes
        }

        func scratch(_ op: WeightedOp) -> Int { withUnsafePointer(to: op.descriptor) { scratchBytes($0) } }
    }

    let convolution, pointwise, depthwise, fullyConnected: Kernel
    let elementwise: tk_elementwise
    let isPlain: Bool
    /// As C takes it.
    let table: UnsafePointer<tk_kernels>

    /// nil where the processor or the build lacks the instruction set.
    init?(_ instructionSet: InstructionSet) {
        guard let table = tk_kernels_for(instructionSet.code) else { return nil }
        let kernels = table.pointee
        guard let elementwise = kernels.elementwise?.pointee, let convolution = Kernel(kernels.convolution),
            let pointwise = Kernel(kernels.pointwise), let depthwise = Kernel(kernels.depthwise),
            let fullyConnected = Kernel(kernels.fully_connected)
        else { return nil }
        self.table = table
        self.elementwise = elementwise
        self.convolution = convolution
        self.pointwise = pointwise
        self.depthwise = depthwise
        self.fullyConnected = fullyConnected
        isPlain = instructionSet == .plain
    }
}

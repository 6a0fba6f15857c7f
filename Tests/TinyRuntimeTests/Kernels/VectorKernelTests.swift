// The convolutions of every instruction set that this processor has give the plain kernels' bytes.
import CTinyKernels
import Testing
import TinyRuntime

@Suite("Vector kernels equal plain C")
struct VectorKernelTests {
    /// The sets of this processor, each with every kind of convolution. `tools/test-kernels` runs the others under emulation.
    static let cases = (TK_ISA_PLAIN.rawValue + 1..<TK_ISA_COUNT.rawValue)
        .filter { KernelChecks.isAvailable(tk_isa(rawValue: $0)) }
        .flatMap { isa in ReferenceConvolution.Kind.allCases.map { (isa, $0) } }

    @Test(arguments: cases)
    func convolutions(isa: UInt32, kind: ReferenceConvolution.Kind) throws {
        try KernelChecks.expectEqualToPlain(tk_isa(rawValue: isa), kind, channels: kind.channelsToTry, casesEach: 12)
    }

    #if arch(x86_64) || arch(arm64)
        @Test func thisArchitectureHasVectorKernels() { #expect(!Self.cases.isEmpty) }
    #endif
}

@Suite("Choice of kernels")
struct KernelDispatchTests {
    @Test func plainIsAlwaysThereAndTheBestIsTheLastAvailable() {
        #expect(KernelChecks.name(KernelChecks.plain) == "plain")
        let available = InstructionSet.allCases.filter(\.isAvailable)
        #expect(available.first == .plain)
        #expect(InstructionSet.best == available.last)
        #expect(KernelChecks.available.map(KernelChecks.name) == available.map(\.name.text))
        #expect(InstructionSet.allCases.count == Int(TK_ISA_COUNT.rawValue))
    }

    @Test func setsOfOtherArchitecturesAreAbsent() {
        #if arch(x86_64)
            let others: [InstructionSet] = [.neon, .neonDot, .neonI8mm]
        #elseif arch(arm64) || arch(arm)
            let others: [InstructionSet] = [.sse41, .avx2, .avxvnni, .avx512vnni]
        #else
            let others = InstructionSet.allCases.filter { $0 != .plain }
        #endif
        for other in others { #expect(!other.isAvailable) }
    }

    @Test func unknownSetsAreNil() {
        #expect(tk_kernels_for(TK_ISA_COUNT) == nil)
        #expect(tk_kernels_for(tk_isa(rawValue: 77)) == nil)
    }
}

// Every instruction set's convolutions give the plain kernels' bytes. A set that this CPU lacks is reported as skipped.
import CTinyKernels
import Testing

@Suite(
    "AVX2 kernels equal plain C",
    .enabled(if: KernelChecks.isAvailable(TK_ISA_AVX2), "not run: this CPU or build lacks AVX2"))
struct AVX2KernelTests {
    @Test(arguments: ReferenceConvolution.Kind.allCases)
    func convolutions(kind: ReferenceConvolution.Kind) throws {
        try KernelChecks.expectEqualToPlain(TK_ISA_AVX2, kind, channels: kind.channelsToTry, casesEach: 12)
    }
}

@Suite(
    "AVX-512 VNNI kernels equal plain C",
    .enabled(if: KernelChecks.isAvailable(TK_ISA_AVX512VNNI), "not run: this CPU or build lacks AVX-512 VNNI"))
struct AVX512VNNIKernelTests {
    @Test(arguments: ReferenceConvolution.Kind.allCases)
    func convolutions(kind: ReferenceConvolution.Kind) throws {
        try KernelChecks.expectEqualToPlain(TK_ISA_AVX512VNNI, kind, channels: kind.channelsToTry, casesEach: 12)
    }
}

@Suite("Choice of kernels")
struct KernelDispatchTests {
    @Test func plainIsAlwaysThereAndTheBestIsTheLastAvailable() {
        #expect(KernelChecks.name(KernelChecks.plain) == "plain")
        let order = [TK_ISA_PLAIN, TK_ISA_AVX2, TK_ISA_AVX512VNNI]
        #expect(tk_best_isa() == order.last(where: KernelChecks.isAvailable))
        #expect(
            KernelChecks.available.map(KernelChecks.name)
                == zip(order, ["plain", "avx2", "avx512vnni"])
                .filter { KernelChecks.isAvailable($0.0) }.map(\.1))
    }

    @Test func unknownSetsAreNil() {
        #expect(tk_kernels_for(TK_ISA_COUNT) == nil)
        #expect(tk_kernels_for(tk_isa(rawValue: 77)) == nil)
    }
}

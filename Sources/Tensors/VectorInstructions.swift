// VectorInstructions: which vector instructions the fast backend's own kernels use. Tests force each; oneDNN chooses
// for itself.

import CTensorKernels

package enum VectorInstructions: CaseIterable, Sendable {
    case plain, avx2, avx512

    var code: tensor_isa {
        switch self {
        case .plain: TENSOR_ISA_PLAIN
        case .avx2: TENSOR_ISA_AVX2
        case .avx512: TENSOR_ISA_AVX512
        }
    }

    package var isAvailable: Bool { tensor_isa_available(code) }

    package static var best: VectorInstructions { allCases.last(where: \.isAvailable) ?? .plain }
}

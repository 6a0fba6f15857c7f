// SessionPlan: what was chosen for a session, checked: kernels, threads, and whether blocks run as one.

import CTinyKernels

struct SessionPlan {
    let model: Model
    let kernels: KernelTable
    let threads: Int
    /// The plain kernels define the arithmetic op by op, so that they never do.
    let runsBlocks: Bool

    init(_ model: Model, _ instructionSet: InstructionSet, threads: Int, fused: Bool) throws(ModelError) {
        guard let kernels = KernelTable(instructionSet) else { throw .instructionSetUnavailable }
        guard Session.threadCounts.contains(threads) else { throw .threadCount(threads) }
        self.model = model
        self.kernels = kernels
        self.threads = threads
        runsBlocks = fused && instructionSet != .plain
    }

    /// Ranges of op indices that run as one.
    var steps: [Range<Int>] { runsBlocks ? model.edge.steps : model.edge.ops.indices.map { $0..<$0 + 1 } }
}

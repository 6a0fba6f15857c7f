// StoragePool: memory of freed tensors, kept for the next tensor of the same size. A training step asks for the same
// sizes again and again, and fresh memory costs a page fault for each 4 KiB. Kept memory never exceeds twice what was
// in use at the peak; beyond it, all is given back.

import CTensorKernels
import Synchronization

final class StoragePool: Sendable {
    private struct State {
        var kept: [Int: [Block]] = [:]  // by size
        var keptBytes = 0
        var liveBytes = 0
        var peakBytes = 0
    }

    private struct Block: @unchecked Sendable {
        var pointer: UnsafeMutableRawPointer
    }

    private let state = Mutex(State())

    deinit { state.withLock { Self.giveBack(&$0) } }

    func makeStorage(count: Int) -> HostStorage {
        let bytes = (max(count, 1) * MemoryLayout<Float>.stride + 63) / 64 * 64
        let kept = state.withLock { state -> Block? in
            state.liveBytes += bytes
            state.peakBytes = max(state.peakBytes, state.liveBytes)
            guard let block = state.kept[bytes]?.popLast() else { return nil }
            state.keptBytes -= bytes
            return block
        }
        guard let memory = kept?.pointer ?? tensor_block_allocate(bytes) else { preconditionFailure("\(bytes) bytes") }
        return HostStorage(count: count, pointer: memory.bindMemory(to: Float.self, capacity: max(count, 1))) {
            self.keep(Block(pointer: UnsafeMutableRawPointer($0)), bytes: bytes)
        }
    }

    private func keep(_ block: Block, bytes: Int) {
        state.withLock { state in
            state.liveBytes -= bytes
            if state.keptBytes + bytes > 2 * state.peakBytes { Self.giveBack(&state) }
            state.kept[bytes, default: []].append(block)
            state.keptBytes += bytes
        }
    }

    private static func giveBack(_ state: inout State) {
        for block in state.kept.values.joined() { tensor_block_free(block.pointer) }
        state.kept = [:]
        state.keptBytes = 0
    }
}

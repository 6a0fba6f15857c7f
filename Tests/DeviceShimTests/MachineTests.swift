// MachineTests: what the machine is asked: every instruction set that runs here has a bound, and its processors are those that it may use.

import CDeviceShim
import Foundation
import Testing

@Suite struct MachineTests {
    @Test(arguments: [1, 2]) func aKnownInstructionSetHasABound(threads: Int32) {
        let bytes = [UInt8](repeating: 1, count: 1 << 16)
        #if arch(x86_64)
            let name = "sse4.1"
        #else
            let name = "neon"
        #endif
        let bound = device_measure_bound(name, threads, bytes, bytes.count)
        #expect(bound.multiply_adds > 0 && bound.multiply_adds.isFinite && bound.bytes > 0 && bound.bytes.isFinite)
        let unknown = device_measure_bound("plain", threads, bytes, 0)
        #expect(unknown.multiply_adds == 0 && unknown.bytes == 0)
    }

    @Test func processorsAreWithinTheLimit() {
        let all = Int32(ProcessInfo.processInfo.activeProcessorCount)
        #expect(device_processors(1) == 1)
        #expect((1...all).contains(device_processors(64)))
    }
}

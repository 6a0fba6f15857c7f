// SelfTestWriter: the part of the file with which a device proves that its kernels compute what the converter's did: a
// seed for the input, the hash of every op's output, the answer. Filled by the real runtime with its plain kernels,
// which define the arithmetic.

import Foundation
import TinyRuntime

enum SelfTest {
    /// Any would do; this one is "tiny" in ASCII.
    static let seed: UInt64 = 0x7469_6E79

    static func empty(opCount: Int, outputCount: Int) -> Data {
        typealias Record = ModelLayout.SelfTest
        var section = Data(count: Record.opHashes + 8 * opCount + outputCount)
        section.put(seed, at: Record.seed)
        section.put(UInt32(outputCount), at: Record.outputCount)
        return section
    }

    /// Runs the file once, op by op as plain kernels do, and writes hashes and answer into its self-test.
    static func fill(_ file: inout Data, opCount: Int) throws {
        typealias Record = ModelLayout.SelfTest
        let place = ModelLayout.Header.sections + 16 * ModelLayout.Section.selfTest.rawValue
        let start = file.withUnsafeBytes {
            Int(UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: UInt64.self)))
        }
        let session = try session(file, .plain)
        var generator = SplitMix64(seed: seed)
        generator.fill(session.input)
        var hashes = [UInt64](repeating: 0, count: opCount)
        session.run(afterEachStep: { op, bytes in hashes[op] = XXH64.hash(UnsafeRawBufferPointer(bytes)) })
        for (op, hash) in hashes.enumerated() { file.put(hash, at: start + Record.opHashes + 8 * op) }
        let answer = start + Record.opHashes + 8 * opCount
        for (index, byte) in session.output.enumerated() { file.put(byte, at: answer + index) }
    }

    /// The finished file must load and pass its own test on every instruction set of this machine.
    static func accept(_ file: Data) throws {
        for set in InstructionSet.allCases where set.isAvailable {
            let session = try session(file, set)
            do {
                try session.selfTest()
            } catch {
                throw ConversionError.refusedByRuntime("self-test, \(set.name): \(error)")
            }
        }
    }

    static func session(_ file: Data, _ set: InstructionSet) throws -> Session { try session(model(file), set) }

    /// - Parameter fused: false: every op's output can be seen.
    static func session(_ model: Model, _ set: InstructionSet = .best, fused: Bool = true) throws -> Session {
        do {
            return try Session(model: model, instructionSet: set, fused: fused)
        } catch {
            throw ConversionError.refusedByRuntime("\(error)")
        }
    }

    static func model(_ file: Data) throws -> Model {
        do {
            return try file.withUnsafeBytes { bytes throws(ModelError) in try Model(copying: bytes) }
        } catch {
            throw ConversionError.refusedByRuntime("\(error)")
        }
    }
}

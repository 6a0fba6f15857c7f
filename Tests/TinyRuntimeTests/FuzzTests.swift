// Thousands of damaged files, from seeds: whatever is in a file, the loader answers and does not crash; what it accepts, runs. The checksum
// is repaired, so that the checks behind it are reached. A failure prints the seed; a crash prints the last one that began, if
// TINY_FUZZ_TRACE is set.

import Foundation
import Testing
import TinyRuntime

@Suite struct FuzzTests {
    private static let trace = ProcessInfo.processInfo.environment["TINY_FUZZ_TRACE"] != nil

    /// Values that break arithmetic: zero, one, around powers of two, all bits.
    private static let nasty: [UInt64] = [
        0, 1, 2, 3, 15, 16, 17, 63, 64, 65, 127, 128, 255, 256, 4095, 4096, 4097, 8191, 8192, 8193, 65535, 65536,
        1 << 24, 1 << 30,
        (1 << 30) + 1, 0x7F7F_FFFF, 0x7F80_0000, 0x7FC0_0000, 0x8000_0000, 0xFFFF_FFFF, 1 << 32, 1 << 40, 1 << 62,
        1 << 63,
        .max - 63, .max,
    ]

    @Test(arguments: 0..<40 as Range<UInt64>)
    func mutationsNeverCrash(series: UInt64) throws {
        let (base, layout) =
            series % 2 == 0
            ? TestNetworks.everyOp(seed: series % 4 + 1, side: 9 + Int(series % 3) * 4).build()
            : BlockNetworks.random(seed: series, side: 9 + Int(series % 3) * 4).build()
        var accepted = 0
        for number in 0..<500 as Range<UInt64> {
            let seed = series << 32 | number
            if Self.trace { FileHandle.standardError.write(Data("fuzz \(seed)\n".utf8)) }
            var random = SplitMix64(seed: seed)
            var file = base
            for _ in 0..<Int.random(in: 1...4, using: &random) { Self.mutate(&file, layout, using: &random) }
            ModelFileBuilder.repair(&file)
            guard let model = try? load(file) else { continue }
            accepted += 1
            let session = try Session(model: model)
            session.run()
            _ = session.classify(top: 3)
            if number % 16 == 0 { try? session.selfTest() }
        }
        // Some changes (weights, scales, labels) leave a valid file: the kernels ran on them.
        #expect(
            accepted > 25,
            "series \(series): only \(accepted) of 500 files were accepted; the fuzzing does not reach the kernels")
        #expect(
            accepted < 475,
            "series \(series): \(accepted) of 500 files were accepted; the fuzzing hardly changes anything")
    }

    @Test func filesCutOffAnywhereAreRefused() {
        let file = TestNetworks.everyOp(seed: 2, classes: 3, side: 7).build().bytes
        for length in 0..<file.count {
            let cut = Array(file[..<length])
            if refusal(cut) == nil { Issue.record("\(length) of \(file.count) bytes were accepted") }
            var repaired = cut
            ModelFileBuilder.repair(&repaired)  // the right length and checksum for what is left
            if refusal(repaired) == nil { Issue.record("\(length) of \(file.count) bytes, repaired, were accepted") }
        }
    }

    @Test func everyFlippedBitIsNoticed() {
        let file = TestNetworks.everyOp(seed: 3, classes: 3, side: 7).build().bytes
        var random = SplitMix64(seed: 1)
        for offset in file.indices {
            var damaged = file
            damaged[offset] ^= 1 << UInt8.random(in: 0...7, using: &random)
            if refusal(damaged) == nil { Issue.record("a flipped bit of byte \(offset) was not noticed") }
        }
    }

    @Test func randomBytesAfterAGoodHeaderNeverCrash() {
        let (base, layout) = TestNetworks.everyOp(seed: 4, side: 9).build()
        for seed in 0..<500 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            var file = base
            let section = layout.sections[Int(seed % 5)]
            for offset in section { file[offset] = UInt8.random(in: 0...255, using: &random) }
            ModelFileBuilder.repair(&file)
            if let model = try? load(file), let session = try? Session(model: model) { session.run() }
        }
    }

    static func mutate(
        _ file: inout [UInt8], _ layout: ModelFileBuilder.Layout, using random: inout SplitMix64
    ) {
        // Half of the changes go where the structure is; most of a file is weights.
        let structure = [0..<256, layout.sections[0], layout.sections[1], layout.sections[3], layout.sections[4]]
        let isStructure = Bool.random(using: &random)
        let range = isStructure ? structure[Int.random(in: 0..<5, using: &random)] : layout.sections[2]
        var place = Int.random(in: range, using: &random)
        func put(_ bytes: [UInt8]) {
            for (offset, byte) in bytes.enumerated() where place + offset < file.count { file[place + offset] = byte }
        }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: file[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
        case 1: file[place] = UInt8.random(in: 0...255, using: &random)
        case 2:
            place &= ~7
            put(littleEndian(nasty[Int.random(in: 0..<nasty.count, using: &random)]))
        case 3:
            place &= ~3
            put(littleEndian(UInt32(truncatingIfNeeded: nasty[Int.random(in: 0..<nasty.count, using: &random)])))
        case 4:
            // A small step of a number: off by one.
            place &= ~1
            guard place + 1 < file.count else { return }
            let value = UInt16(file[place]) | UInt16(file[place + 1]) << 8
            put(littleEndian(value &+ UInt16(bitPattern: Int16.random(in: -2...2, using: &random))))
        default:
            // A piece from elsewhere.
            let count = min(32, file.count - place)
            let source = Int.random(in: 0...(file.count - count), using: &random)
            put(Array(file[source..<source + count]))
        }
    }
}

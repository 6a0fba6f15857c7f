// The runtime's bytes against plain loops, on every instruction set that this machine has; arenas; the self-test.

import Testing
import TinyRuntime

@Suite struct SessionTests {
    static let available = InstructionSet.allCases.filter(\.isAvailable)

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func everyOpEqualsPlainLoopsOnEveryInstructionSet(seed: UInt64) throws {
        let network = TestNetworks.everyOp(seed: seed, classes: 3 + Int(seed) * 2, side: 7 + Int(seed) * 3)
        let model = try load(network.build().bytes)
        let input = ReferenceNetwork.selfTestInput(network)
        let expected = ReferenceNetwork.run(network, input: input)
        for instructionSet in Self.available {
            let session = try Session(model: model, instructionSet: instructionSet)
            session.setInput(input)
            session.run { op, bytes in  // no blocks: each step is an op
                #expect(
                    Array(bytes) == expected[op],
                    "seed \(seed), \(instructionSet), op \(op) \(network.ops[op].code)")
            }
            session.setInput(input)
            session.run()
            #expect(Array(session.output) == expected.last, "seed \(seed), \(instructionSet)")
            try session.selfTest()
        }
    }

    @Test(arguments: [2, 3, 8, 64])
    func anyNumberOfThreadsGivesTheSameBytes(threads: Int) throws {
        let network = TestNetworks.everyOp(seed: 77, classes: 5, side: 61)
        let model = try load(network.build().bytes)
        let input = ReferenceNetwork.selfTestInput(network)
        let expected = ReferenceNetwork.run(network, input: input)
        for instructionSet in Self.available {
            let session = try Session(model: model, instructionSet: instructionSet, threads: threads)
            for _ in 0..<3 {
                session.setInput(input)
                session.run { op, bytes in
                    #expect(Array(bytes) == expected[op], "\(threads) threads, \(instructionSet), op \(op)")
                }
            }
        }
    }

    @Test(arguments: [-1, 0, 65, Int.max]) func refusesOtherNumbersOfThreads(threads: Int) throws {
        let model = try load(TestNetworks.everyOp(seed: 1).build().bytes)
        #expect(throws: ModelError.threadCount(threads)) { try Session(model: model, threads: threads) }
        #expect(throws: ModelError.threadCount(threads)) { try Session.arenaBytes(for: model, threads: threads) }
    }

    @Test func cancelEndsOneRun() throws {
        let network = TestNetworks.everyOp(seed: 5)
        let session = try Session(model: try load(network.build().bytes))
        let input = ReferenceNetwork.selfTestInput(network)
        session.cancellation.cancel()
        #expect(!session.run())
        session.setInput(input)
        #expect(session.run())
        #expect(Array(session.output) == ReferenceNetwork.run(network, input: input).last)
    }

    @Test func cancelFromAnotherThreadEndsTheRunUnderWay() async throws {
        let session = try Session(model: try load(TestNetworks.everyOp(seed: 6).build().bytes))
        let cancellation = session.cancellation
        // Whenever it comes, exactly one run ends early.
        let task = Task.detached { cancellation.cancel() }
        var cancelled = 0
        while cancelled == 0 { if !session.run() { cancelled += 1 } }
        await task.value
        for _ in 0..<10 where !session.run() { cancelled += 1 }
        #expect(cancelled == 1)
    }

    /// A value that no clamp or rounding leaves unused: if most outputs sat at a limit, the comparison above would show little.
    @Test func testNetworksUseTheRange() {
        let network = TestNetworks.everyOp(seed: 3, side: 20)
        let outputs = ReferenceNetwork.run(network, input: ReferenceNetwork.selfTestInput(network))
        for (index, op) in network.ops.enumerated() where op.hasWeights && op.code != .fullyConnected {
            #expect(Set(outputs[index]).count > 40, "op \(index) \(op.code) gives \(Set(outputs[index]).count) values")
        }
    }

    @Test func plainIsAlwaysThereAndTheBestIsAvailable() {
        #expect(InstructionSet.plain.isAvailable)
        #expect(InstructionSet.best.isAvailable)
        #expect(
            InstructionSet.allCases.map(\.name.text)
                == ["plain", "sse4.1", "avx2", "avxvnni", "avx512vnni", "neon", "neon-dotprod", "neon-i8mm"])
    }

    @Test func logitsAreTheQuantizedOutputsRealValues() throws {
        let network = TestNetworks.logitsFromPixels(classes: 6, scale: 0.25, zeroPoint: 100)
        let session = try Session(model: try load(network.build().bytes))
        session.setInput([0, 99, 100, 101, 200, 255])
        session.run()
        #expect((0..<6).map { session.logit($0) } == [-25, -0.25, 0, 0.25, 25, 38.75])
    }

    @Test func anInputMayBeOverwrittenAndAnElementwiseOpMayWorkInPlace() throws {
        // Every tensor's place shared as far as the rules allow: input and table's output at 0, the sum over its first input.
        var network = ModelFileBuilder()
        network.tensors = [
            .init(height: 5, width: 5, channels: 3, zeroPoint: 7, arenaOffset: 0),
            .init(height: 5, width: 5, channels: 3, scale: 0.1, zeroPoint: 9, arenaOffset: 128),
            .init(height: 5, width: 5, channels: 3, zeroPoint: 1, arenaOffset: 0),
            .init(height: 1, width: 1, channels: 3, arenaOffset: 128),
        ]
        network.ops = [
            .init(code: .table, inputs: [0], output: 1, table: (0..<256).map { UInt8(255 - $0) }),
            .init(code: .add, inputs: [0, 1], output: 2, clamp: (0, 255), scale0: 0.5, scale1: 0.4),
            .init(code: .globalAveragePool, inputs: [2], output: 3, clamp: (0, 255), scale0: 0.04),
        ]
        let session = try Session(model: try load(network.build().bytes))
        try session.selfTest()
        #expect(try Session.arenaBytes(for: session.model, instructionSet: .plain) >= 128 + 75)
    }

    @Test func theCallersArenaIsUsedAndSmallerOnesAreRefused() throws {
        let model = try load(TestNetworks.everyOp(seed: 5).build().bytes)
        for instructionSet in Self.available {
            let needed = try Session.arenaBytes(for: model, instructionSet: instructionSet)
            #expect(needed >= model.edge.arenaBytes && needed % 64 == 0)
            let guardBytes = 4096
            let memory = UnsafeMutableRawBufferPointer.allocate(
                byteCount: guardBytes + needed + guardBytes, alignment: 4096)
            defer { memory.deallocate() }
            memory.initializeMemory(as: UInt8.self, repeating: 0xA5)
            let arena = UnsafeMutableRawBufferPointer(rebasing: memory[guardBytes..<guardBytes + needed])

            let session = try Session(model: model, instructionSet: instructionSet, arena: arena)
            try session.selfTest()
            #expect(session.input.baseAddress.map { memory.contains(address: UnsafeRawPointer($0)) } == true)
            let untouched =
                memory[..<guardBytes].allSatisfy { $0 == 0xA5 }
                && memory[(guardBytes + needed)...].allSatisfy { $0 == 0xA5 }
            #expect(untouched, "\(instructionSet) wrote outside its arena")

            let short = UnsafeMutableRawBufferPointer(rebasing: arena[..<(needed - 1)])
            #expect(throws: ModelError.arenaTooSmall(needed: needed, given: needed - 1)) {
                _ = try Session(model: model, instructionSet: instructionSet, arena: short)
            }
            let shifted = UnsafeMutableRawBufferPointer(rebasing: memory[guardBytes + 32..<guardBytes + needed + 32])
            #expect(throws: ModelError.arenaMisaligned) {
                _ = try Session(model: model, instructionSet: instructionSet, arena: shifted)
            }
            let none = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            #expect(throws: ModelError.arenaTooSmall(needed: needed, given: 0)) {
                _ = try Session(model: model, instructionSet: instructionSet, arena: none)
            }
        }
    }

    /// Sessions of one model do not share memory, so that threads may run at once.
    @Test func manySessionsAtOnceGiveTheSameBytes() async throws {
        let network = TestNetworks.everyOp(seed: 9, side: 24)
        let model = try load(network.build().bytes)
        let expected = ReferenceNetwork.run(network, input: ReferenceNetwork.selfTestInput(network)).last ?? []
        let input = ReferenceNetwork.selfTestInput(network)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    guard let session = try? Session(model: model) else { return false }
                    return (0..<20).allSatisfy { _ in
                        session.setInput(input)
                        session.run()
                        return Array(session.output) == expected
                    }
                }
            }
            for await isEqual in group { #expect(isEqual) }
        }
    }

    @Test func theSelfTestNamesTheFirstOpWhoseWeightsChanged() throws {
        let network = TestNetworks.everyOp(seed: 11)
        let (bytes, layout) = network.build()
        for (op, constants) in layout.constants.enumerated() {
            guard let place = constants["multiplier"] ?? constants["table"] else { continue }
            // The other half of the multiplier, or other bytes of the table: the file stays valid, the answers change.
            var changed = bytes
            if constants["table"] != nil {
                for index in place { changed[index] ^= 0x55 }
            } else {
                for index in stride(from: place.lowerBound, to: place.upperBound, by: 4) where changed[index + 3] != 0 {
                    changed[index + 2] ^= 0x40
                }
            }
            ModelFileBuilder.repair(&changed)
            let session = try Session(model: try load(changed))
            #expect(throws: ModelError.selfTestFailed(op: op)) { try session.selfTest() }
        }
    }

    @Test func theSelfTestComparesTheStoredOutput() throws {
        var (bytes, layout) = TestNetworks.everyOp(seed: 12).build()
        bytes[layout.sections[4].upperBound - 2] ^= 1
        ModelFileBuilder.repair(&bytes)
        let session = try Session(model: try load(bytes))
        #expect(throws: ModelError.selfTestOutputDiffers(channel: 3)) { try session.selfTest() }
    }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate func contains(address: UnsafeRawPointer) -> Bool {
        guard let base = baseAddress else { return false }
        return address >= UnsafeRawPointer(base) && address < UnsafeRawPointer(base) + count
    }
}

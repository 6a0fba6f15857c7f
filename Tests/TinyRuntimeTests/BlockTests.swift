// Blocks run in strips against plain loops op by op, on every instruction set that this machine has and any number of threads; their
// memory; files whose blocks or places in a concat's output are wrong.

import Testing
import TinyRuntime

@Suite struct BlockTests {
    /// Of each step, what its last op gives.
    private func check(_ session: Session, _ input: [UInt8], _ expected: [[UInt8]], _ text: String) {
        session.setInput(input)
        session.run { step, bytes in
            let op = session.steps[step].upperBound - 1
            #expect(Array(bytes) == expected[op], "\(text), op \(op)")
        }
        session.setInput(input)
        session.run()
        #expect(Array(session.output) == expected.last, "\(text)")
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func fusedOrNotTheBytesArePlainLoops(seed: UInt64) throws {
        let network = BlockNetworks.random(seed: seed)
        let model = try load(network.build().bytes)
        let input = ReferenceNetwork.selfTestInput(network)
        let expected = ReferenceNetwork.run(network, input: input)
        #expect(model.edge.steps.count < model.edge.ops.count)
        for instructionSet in SessionTests.available {
            for fused in [false, true] {
                let session = try Session(model: model, instructionSet: instructionSet, fused: fused)
                let runsBlocks = fused && instructionSet != .plain
                #expect(session.steps == (runsBlocks ? model.edge.steps : model.edge.ops.indices.map { $0..<$0 + 1 }))
                check(session, input, expected, "seed \(seed), \(instructionSet), fused \(fused)")
                try session.selfTest()
            }
        }
    }

    /// Large enough that blocks are cut into several strips.
    @Test(arguments: [(2, 61), (3, 61), (8, 61), (2, 128), (3, 128)])
    func anyNumberOfThreadsGivesTheSameBytes(threads: Int, side: Int) throws {
        let network = BlockNetworks.random(seed: UInt64(side), side: side)
        let model = try load(network.build().bytes)
        let input = ReferenceNetwork.selfTestInput(network)
        let expected = ReferenceNetwork.run(network, input: input)
        for instructionSet in SessionTests.available {
            let alone = try Session(model: model, instructionSet: instructionSet)
            check(alone, input, expected, "one thread, side \(side), \(instructionSet)")
            let session = try Session(model: model, instructionSet: instructionSet, threads: threads)
            for _ in 0..<3 { check(session, input, expected, "\(threads) threads, side \(side), \(instructionSet)") }
        }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>) func nothingOutsideTheArenaIsTouched(seed: UInt64) throws {
        let model = try load(BlockNetworks.random(seed: seed, side: 40).build().bytes)
        for instructionSet in SessionTests.available {
            for (fused, threads) in [(true, 1), (true, 3), (false, 1)] {
                let needed = try Session.arenaBytes(for: model, instructionSet: instructionSet, threads: threads, fused: fused)
                let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: needed + 8192, alignment: 4096)
                defer { memory.deallocate() }
                memory.initializeMemory(as: UInt8.self, repeating: 0xA5)
                let session = try Session(
                    model: model, instructionSet: instructionSet, threads: threads, fused: fused,
                    arena: UnsafeMutableRawBufferPointer(rebasing: memory[4096..<4096 + needed]))
                try session.selfTest()
                let untouched = memory[..<4096].allSatisfy { $0 == 0xA5 } && memory[(4096 + needed)...].allSatisfy { $0 == 0xA5 }
                #expect(untouched, "seed \(seed), \(instructionSet), fused \(fused) wrote outside its arena")
            }
        }
    }

    /// 56×56, 24 → 144 → 24 with a residual: the wide activations (2 · 451,584 bytes) are in memory only where ops run one by one.
    @Test func wideActivationsTakeNoPlace() throws {
        let model = try load(Self.invertedResidual().build().bytes)
        let narrow = 56 * 56 * 24
        #expect(model.edge.arenaBytes == 56 * 56 * 3 + 2 * narrow + 24)
        #expect(model.edge.steps == [0..<1, 1..<5, 5..<6])
        let interior = 2 * 56 * 56 * 144 + narrow
        #expect(try Session.arenaBytes(for: model, instructionSet: .plain) >= model.edge.arenaBytes + interior)
        for instructionSet in SessionTests.available where instructionSet != .plain {
            let apart = try Session.arenaBytes(for: model, instructionSet: instructionSet, fused: false)
            let fused = try Session.arenaBytes(for: model, instructionSet: instructionSet)
            #expect(apart >= model.edge.arenaBytes + interior)
            #expect(fused <= model.edge.arenaBytes + 400_000, "\(instructionSet): \(fused)")
        }
    }

    @Test func theSelfTestNamesTheLastOpOfABlockThatDiffers() throws {
        let (bytes, layout) = Self.invertedResidual().build()
        let place = try #require(layout.constants[2]["multiplier"])
        var changed = bytes
        for index in stride(from: place.lowerBound, to: place.upperBound, by: 4) { changed[index + 2] ^= 0x40 }
        ModelFileBuilder.repair(&changed)
        let model = try load(changed)
        for instructionSet in SessionTests.available {
            let isFused = instructionSet != .plain
            let session = try Session(model: model, instructionSet: instructionSet)
            #expect(throws: ModelError.selfTestFailed(op: isFused ? 4 : 2)) { try session.selfTest() }
        }
    }

    /// Ops 0 to 5: a pointwise from the photo, an inverted residual block, a pool. Tensors 0 to 6.
    private static func invertedResidual() -> ModelFileBuilder {
        var random = SplitMix64(seed: 5)
        var network = ModelFileBuilder()
        for (channels, isInterior) in [(3, false), (24, false), (144, true), (144, true), (24, true), (24, false)] {
            network.tensors.append(.init(height: 56, width: 56, channels: channels, zeroPoint: 3, isInterior: isInterior))
        }
        network.tensors.append(.init(height: 1, width: 1, channels: 24, zeroPoint: 3))
        network.ops = [
            .init(code: .pointwise, inputs: [0], output: 1, clamp: (0, 255)),
            .init(code: .pointwise, inputs: [1], output: 2, clamp: (3, 250), blockLength: 4),
            .init(code: .depthwise, inputs: [2], output: 3, kernel: (3, 3), stride: (1, 1), pads: (1, 1, 1, 1), clamp: (3, 250)),
            .init(code: .pointwise, inputs: [3], output: 4, clamp: (0, 255)),
            .init(code: .add, inputs: [4, 1], output: 5, clamp: (0, 255), scale0: 0.5, scale1: 0.5),
            .init(code: .globalMaxPool, inputs: [5], output: 6),
        ]
        for index in network.ops.indices where network.ops[index].hasWeights {
            TestNetworks.fill(&network, index, using: &random)
        }
        return network
    }

    private func refusal(_ change: (inout ModelFileBuilder) -> Void) -> ModelError? {
        var network = Self.invertedResidual()
        change(&network)
        return TinyRuntimeTests.refusal(network.build(selfTest: false).bytes)
    }

    @Test func blocksOfAnotherFormAreRefused() {
        #expect(refusal { _ in } == nil)
        for length in [1, 2, 5, 65535] {
            #expect(refusal { $0.ops[1].blockLength = length } == .op(index: 1, .block), "length \(length)")
        }
        // Without its addition the block is one all the same; the project's output then needs a place.
        #expect(refusal { $0.ops[1].blockLength = 3 } == .tensor(index: 4, .interior))
        #expect(
            refusal {
                $0.ops[1].blockLength = 3
                $0.tensors[4].isInterior = false
            } == nil)
        #expect(
            refusal {
                $0.ops[1].blockLength = 0
                $0.ops[2].blockLength = 3
                $0.tensors[2].isInterior = false
            } == nil)
        #expect(refusal { $0.ops[1].blockLength = 0 } == .tensor(index: 2, .interior))
        #expect(refusal { $0.ops[2].blockLength = 3 } == .op(index: 1, .block))  // one inside another
        #expect(refusal { $0.ops[5].blockLength = 2 } == .op(index: 5, .block))  // no op of it a block's, and past the end
        #expect(refusal { $0.ops[0].blockLength = 3 } == .op(index: 0, .block))  // pointwise, pointwise, depthwise
        // Another op reads what is inside.
        #expect(refusal { $0.ops[4].inputs = [4, 4] } == .op(index: 3, .block))
        #expect(refusal { $0.ops[5].inputs = [4] } == .op(index: 3, .block))
        // The add does not read the block's own.
        #expect(refusal { $0.ops[4].inputs = [1, 1] } == .op(index: 3, .block))
    }

    @Test func tensorsInsideBlocksHaveNoPlaceAndOthersHaveOne() {
        #expect(refusal { $0.tensors[3].isInterior = false } == .tensor(index: 3, .interior))
        #expect(refusal { $0.tensors[5].isInterior = true } == .tensor(index: 5, .interior))
        #expect(refusal { $0.tensors[3].arenaOffset = 64 } == .tensor(index: 3, .interior))
        #expect(refusal { $0.tensors[3].pixelStride = 144 } == .tensor(index: 3, .interior))
        #expect(refusal { $0.outputTensor = 4 } == .tensor(index: 4, .interior))
        #expect(refusal { $0.inputTensor = 2 } != nil)
        let (bytes, layout) = Self.invertedResidual().build()
        var file = bytes
        let place = layout.tensor(3, ModelLayout.TensorRecord.interior)
        file[place] = 2
        ModelFileBuilder.repair(&file)
        #expect(TinyRuntimeTests.refusal(file) == .outOfRange(offset: UInt64(place)))
    }

    @Test func aBlocksOutputLiesOverNothingThatItReads() {
        // The residual, read by the block's last op; what its first one reads.
        #expect(refusal { $0.tensors[5].arenaOffset = $0.arenaOffsets[1] } == .op(index: 4, .outputOverlapsLiveTensor))
        #expect(
            refusal {
                $0.ops[1].blockLength = 3
                $0.tensors[4].isInterior = false
                $0.tensors[4].arenaOffset = $0.arenaOffsets[1]
            } == .op(index: 3, .outputOverlapsLiveTensor))
    }

    @Test func placesInAConcatsOutput() throws {
        func refusal(_ change: (inout ModelFileBuilder) -> Void) -> ModelError? {
            var network = BlockNetworks.random(seed: 3)
            change(&network)
            return TinyRuntimeTests.refusal(network.build(selfTest: false).bytes)
        }
        let network = BlockNetworks.random(seed: 3)
        let concat = try #require(network.ops.firstIndex { $0.code == .concat })
        let parts = network.ops[concat].inputs
        #expect(refusal { _ in } == nil)
        for part in parts[0...1] {
            #expect(refusal { $0.tensors[part].arenaOffset! += 1 } == .tensor(index: part, .pixelStride))
            #expect(refusal { $0.tensors[part].pixelStride += 1 } == .tensor(index: part, .pixelStride))
            #expect(refusal { $0.tensors[part].pixelStride = $0.tensors[part].channels - 1 } != nil)
            #expect(refusal { $0.tensors[part].pixelStride = 65537 } == .tensor(index: part, .pixelStride))
        }
        // Without its stride it would lie over its neighbour's bytes.
        let next = try #require(network.ops.firstIndex { $0.output == parts[1] })
        #expect(refusal { $0.tensors[parts[0]].pixelStride = 0 } == .op(index: next, .outputOverlapsLiveTensor))
        // Read by another op too.
        #expect(
            refusal {
                $0.tensors.append($0.tensors[$0.ops[concat].output])
                $0.tensors[$0.tensors.count - 1].channels = $0.tensors[parts[0]].channels
                $0.ops.insert(
                    .init(code: .table, inputs: [parts[0]], output: $0.tensors.count - 1, table: [UInt8](repeating: 0, count: 256)),
                    at: concat)
            } == .tensor(index: parts[0], .pixelStride))
    }

    @Test func onlyConvolutionsLeaveGapsBetweenPixels() {
        func refusal(_ code: ModelLayout.OpCode, side: Int) -> ModelError? {
            var network = ModelFileBuilder()
            network.tensors = [
                .init(height: side, width: side, channels: 3, arenaOffset: 0),
                .init(height: side, width: side, channels: 6, arenaOffset: 1024),
                .init(height: side, width: side, channels: 3, arenaOffset: 1027, pixelStride: 6),
                .init(height: 1, width: 1, channels: 6, arenaOffset: 2048),
            ]
            network.ops = [
                .init(code: code, inputs: [0], output: 2), .init(code: .concat, inputs: [0, 2], output: 1),
                .init(code: .globalMaxPool, inputs: [1], output: 3),
            ]
            if code == .table {
                network.ops[0].table = [UInt8](repeating: 0, count: 256)
            } else {
                network.ops[0].clamp = (0, 255)
                (network.ops[0].weights, network.ops[0].bias) = ([Int8](repeating: 1, count: 9), [0, 0, 0])
                network.ops[0].multiplier = [0.1, 0.1, 0.1]
            }
            return TinyRuntimeTests.refusal(network.build(selfTest: false).bytes)
        }
        #expect(refusal(.pointwise, side: 4) == nil)
        #expect(refusal(.table, side: 4) == .op(index: 0, .outputInsideConcat))
        #expect(refusal(.table, side: 1) == nil)  // one pixel has no gaps
    }
}

// The ops of SE blocks and RegNets (scaleChannels, averagePool, groupedConvolution): the runtime's bytes against plain loops on
// every instruction set and number of threads, refused files, and damaged ones.

import Testing
import TinyRuntime

@Suite struct GroupsAndFactorsTests {
    typealias OpField = ModelLayout.OpRecord
    private enum Op {
        static let pointwise = 0, grouped = 1, multiplied = 2, averagePool = 3, counted = 4, scale = 6
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func bytesAreThoseOfPlainLoops(seed: UInt64) throws {
        let network = TestNetworks.groupsAndFactors(seed: seed, side: 7 + Int(seed) * 3)
        let model = try load(network.build().bytes)
        let input = ReferenceNetwork.selfTestInput(network)
        let expected = ReferenceNetwork.run(network, input: input)
        for output in expected.dropLast() { #expect(Set(output).count > 4, "hardly any value is used") }
        for instructionSet in InstructionSet.allCases where instructionSet.isAvailable {
            for threads in [1, 3] {
                let session = try Session(model: model, instructionSet: instructionSet, threads: threads)
                session.setInput(input)
                session.run(afterEachStep: { op, bytes in
                    #expect(Array(bytes) == expected[op], "\(instructionSet.name), \(threads) threads, op \(op)")
                })
                try session.selfTest()
            }
        }
    }

    private static let base = TestNetworks.groupsAndFactors(seed: 3).build()

    private func refusal(putting bytes: [UInt8], _ op: Int, _ field: Int) -> ModelError? {
        var file = Self.base.bytes
        let place = Self.base.layout.op(op, field)
        file.replaceSubrange(place..<place + bytes.count, with: bytes)
        ModelFileBuilder.repair(&file)
        return TinyRuntimeTests.refusal(file)
    }

    private func refusal(_ change: (inout ModelFileBuilder) -> Void) -> ModelError? {
        var network = TestNetworks.groupsAndFactors(seed: 3)
        change(&network)
        return TinyRuntimeTests.refusal(network.build(selfTest: false).bytes)
    }

    @Test func everyCheckRefuses() {
        #expect(TinyRuntimeTests.refusal(Self.base.bytes) == nil)
        // Fields that the op does not use.
        let weights = [OpField.weights, OpField.weightsBytes, OpField.bias, OpField.multiplier]
        for (op, fields) in [
            (Op.pointwise, [OpField.parameter]), (Op.pointwise, [OpField.parameter + 1]),
            (Op.grouped, [OpField.padPixel, OpField.table, OpField.scale0, OpField.scale1]),
            (Op.averagePool, weights + [OpField.padPixel, OpField.table, OpField.scale1]),
            (
                Op.scale,
                weights + [
                    OpField.kernelHeight, OpField.strideWidth, OpField.padLeft, OpField.padPixel, OpField.table,
                    OpField.scale1, OpField.parameter,
                ]
            ),
        ] {
            for field in fields {
                #expect(refusal(putting: [1], op, field) == .op(index: op, .unusedFieldNotZero), "\(op), \(field)")
            }
        }
        // Inputs.
        for (op, count) in [(Op.grouped, 2), (Op.averagePool, 2), (Op.scale, 1)] as [(Int, UInt8)] {
            let refused = refusal(putting: [count, 0], op, OpField.inputCount)
            #expect(refused == .op(index: op, op == Op.scale ? .unusedFieldNotZero : .inputCount))
        }
        #expect(refusal { $0.ops[Op.scale].inputs = [5] } == .op(index: Op.scale, .inputCount))
        // Groups: none, one, more than there are channels, those that divide only one side.
        for groups in [0, 1, 3, 5, 41, 65535] as [UInt16] {
            let refused = refusal(putting: littleEndian(groups), Op.grouped, OpField.parameter)
            #expect(refused == .op(index: Op.grouped, .shapesDisagree), "\(groups) groups")
        }
        #expect(
            refusal(putting: littleEndian(UInt16(4)), Op.grouped, OpField.parameter)
                == .op(index: Op.grouped, .constantOfWrongSize))
        #expect(refusal(putting: [2, 0], Op.counted, OpField.parameter) == .op(index: Op.counted, .window))
        // Windows, shapes, ranges.
        for op in [Op.grouped, Op.averagePool] {
            #expect(refusal { $0.ops[op].kernel.height = 0 } == .op(index: op, .window))
            #expect(refusal { $0.ops[op].pads.left = 3 } == .op(index: op, .window))
            #expect(refusal { $0.ops[op].stride.width = 0 } == .op(index: op, .window))
        }
        #expect(refusal { $0.tensors[2].height += 1 } == .op(index: Op.grouped, .shapesDisagree))
        #expect(refusal { $0.tensors[4].channels -= 1 } == .op(index: Op.averagePool, .shapesDisagree))
        #expect(refusal { $0.tensors[4].width += 1 } == .op(index: Op.averagePool, .shapesDisagree))
        #expect(refusal { $0.tensors[7].height += 1 } == .op(index: Op.scale, .shapesDisagree))
        #expect(refusal { $0.ops[Op.scale].inputs = [5, 4] } == .op(index: Op.scale, .shapesDisagree))
        #expect(refusal { $0.ops[Op.scale].inputs = [6, 5] } == .op(index: Op.scale, .shapesDisagree))
        for op in [Op.grouped, Op.averagePool, Op.scale] {
            #expect(refusal { $0.ops[op].clamp = (201, 200) } == .op(index: op, .clamp))
        }
        for bad in [-1, Float.nan, .infinity, 1e8] {
            for op in [Op.averagePool, Op.scale] {
                let refused = refusal(putting: littleEndian(bad.bitPattern), op, OpField.scale0)
                #expect(refused == .op(index: op, .scale), "\(bad)")
            }
        }
        // Weights of the second group: -128, a sum that overflows, a multiplier, what fills up a block.
        func put(_ bytes: [UInt8], _ constant: String, at index: Int) -> ModelError? {
            var file = Self.base.bytes
            let start = (Self.base.layout.constants[Op.grouped][constant]?.lowerBound ?? 0) + index
            file.replaceSubrange(start..<start + bytes.count, with: bytes)
            ModelFileBuilder.repair(&file)
            return TinyRuntimeTests.refusal(file)
        }
        // 18 outputs a group: 32 with what fills up; K = 9 · 20 = 180.
        let second = 32
        #expect(put([128], "weights", at: second * 180 + 5) == .op(index: Op.grouped, .weightOutOfRange))
        #expect(
            put(littleEndian(Int32.max), "bias", at: 4 * second) == .op(index: Op.grouped, .accumulatorOverflow))
        #expect(
            put(littleEndian(Float.nan.bitPattern), "multiplier", at: 4 * second + 4)
                == .op(index: Op.grouped, .multiplier))
        #expect(put([1, 0, 0, 0], "bias", at: 4 * (second + 18)) == .op(index: Op.grouped, .packingNotZero))
        #expect(put([1], "weights", at: second * 180 + 16 * 180 + 2 * 4) == .op(index: Op.grouped, .packingNotZero))
        #expect(put([1, 0, 0, 0], "multiplier", at: 4 * 18) == .op(index: Op.grouped, .packingNotZero))
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func mutationsNeverCrash(series: UInt64) throws {
        let (base, layout) = TestNetworks.groupsAndFactors(seed: series + 1, side: 9).build()
        var accepted = 0
        for number in 0..<500 as Range<UInt64> {
            var random = SplitMix64(seed: 1 << 40 | series << 32 | number)
            var file = base
            for _ in 0..<Int.random(in: 1...4, using: &random) { FuzzTests.mutate(&file, layout, using: &random) }
            ModelFileBuilder.repair(&file)
            guard let model = try? load(file) else { continue }
            accepted += 1
            try Session(model: model).run()
        }
        #expect((25..<475).contains(accepted), "series \(series): \(accepted) of 500 files were accepted")
    }

    /// A grouped convolution copies its input, though it may look at few of its pixels.
    @Test func theCopiesCountAsWork() {
        var network = ModelFileBuilder()
        network.tensors = [.init(height: 4096, width: 4096, channels: 3)]
        for op in 0..<1366 {
            network.tensors.append(.init(height: 1, width: 1, channels: 3))
            network.ops.append(
                .init(
                    code: .groupedConvolution, inputs: [0], output: op + 1, kernel: (1, 1), stride: (4096, 4096),
                    clamp: (0, 255), weights: [1, 1, 1], bias: [0, 0, 0], multiplier: [1, 1, 1], parameter: 3))
        }
        #expect(
            TinyRuntimeTests.refusal(network.build(selfTest: false).bytes) == .op(index: 1365, .tooMuchWork))
        network.ops.removeLast()
        network.tensors.removeLast()
        #expect(TinyRuntimeTests.refusal(network.build(selfTest: false).bytes) == nil)
    }
}

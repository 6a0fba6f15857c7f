// The five golden facts of the method (docs/training-method.md), and what they rest on.

import Foundation
import Tensors
import TestSupport
import Testing
import Trainer

@Suite struct MethodFactsTests {
    /// A rearrangement as displacements: how far, in rows and columns, the shown pixel lies from its place.
    struct Mosaic {
        let size: Int
        let source: [Int32]

        init(size: Int, depth: Int, seed: UInt64) {
            var random = RandomStream(key: [seed])
            self.size = size
            source = RecursiveMosaic.permutation(height: size, width: size, depth: depth, using: &random)
        }

        func displacement(_ row: Int, _ column: Int) -> [Int] {
            let shown = Int(source[row * size + column])
            return [shown / size - row, shown % size - column]
        }

        /// The square's one displacement, or nil where it is torn.
        func displacement(top: Int, left: Int, side: Int) -> [Int]? {
            let first = displacement(top, left)
            for row in top..<top + side {
                for column in left..<left + side where displacement(row, column) != first { return nil }
            }
            return first
        }
    }

    // Fact 1
    @Test(arguments: [(448, 3), (448, 2), (448, 1), (64, 3), (32, 5), (32, 0)])
    func mosaicIsAPermutation(size: Int, depth: Int) {
        let mosaic = Mosaic(size: size, depth: depth, seed: 1)
        #expect(mosaic.source.sorted() == (0..<Int32(size * size)).map { $0 })
    }

    @Test func atDepthOneFourQuadrantsMoveInOneCycle() {
        for seed in 0..<50 as Range<UInt64> {
            let mosaic = Mosaic(size: 8, depth: 1, seed: seed)
            let quadrants = (0..<4).map { quadrant -> Int in
                let (top, left) = (quadrant / 2 * 4, quadrant % 2 * 4)
                let moved = mosaic.displacement(top: top, left: left, side: 4)
                let shown = Int(mosaic.source[top * 8 + left])
                #expect(moved != nil, "seed \(seed): quadrant \(quadrant) is torn")
                return shown / 8 / 4 * 2 + shown % 8 / 4
            }
            var (place, length) = (quadrants[0], 1)
            while place != 0 && length < 5 { (place, length) = (quadrants[place], length + 1) }
            #expect(length == 4, "seed \(seed): \(quadrants)")
        }
    }

    /// 448²: three squares of 224, three of 112 and four of 56, all of them elsewhere than before.
    @Test func atDepthThreeTenPiecesMove() {
        for seed in 0..<20 as Range<UInt64> {
            let mosaic = Mosaic(size: 448, depth: 3, seed: seed)
            var (top, left, side) = (0, 0, 448)
            var pieces: [Int] = []
            for level in 1...3 {
                side /= 2
                var torn: [(Int, Int)] = []
                for quadrant in 0..<4 {
                    let (row, column) = (top + quadrant / 2 * side, left + quadrant % 2 * side)
                    guard let moved = mosaic.displacement(top: row, left: column, side: side) else {
                        torn.append((row, column))
                        continue
                    }
                    #expect(moved != [0, 0], "seed \(seed): a piece of \(side) stays")
                    pieces.append(side)
                }
                #expect(torn.count == (level < 3 ? 1 : 0), "seed \(seed), level \(level)")
                if let next = torn.first { (top, left) = next }
            }
            #expect(pieces == [224, 224, 224, 112, 112, 112, 56, 56, 56, 56], "seed \(seed)")
        }
    }

    @Test func everyRegionAndCycleComesUp() {
        var seen: Set<[Int32]> = []
        for seed in 0..<400 as Range<UInt64> { seen.insert(Mosaic(size: 4, depth: 2, seed: seed).source) }
        // Six 4-cycles, four regions, six 4-cycles within.
        #expect(seen.count > 120 && seen.count <= 144)
    }

    // Fact 2
    @Test func parametersOfThePapersNetwork() throws {
        let network = try NetworkConfiguration(classCount: 200).makeNetwork(backend: PlainBackend(), seed: 0)
        func count(_ prefix: String) -> Int {
            network.parameters.filter { $0.group != .buffer && $0.name.hasPrefix(prefix) }.reduce(0) {
                $0 + $1.value.count
            }
        }
        #expect(count("") == 10_527_072)
        #expect(count("features.") == 2_223_872)
        #expect(count("smooth.") == 5_985_920)
        #expect(count("interaction.") == 820_160)
        #expect(count("heads.") == 1_497_120)
    }

    // Fact 3
    @Test func interactionGatesEachStage() {
        let backend = PlainBackend()
        let configuration = NetworkConfiguration.small(.rmgPMSI)
        let layers = LayerFactory(backend: backend, seed: 5)
        let interaction = StageInteraction("interaction", stages: 3, configuration, layers: layers)
        let (batch, depth) = (2, configuration.headEmbedding)
        let stages = (0..<3).map { stage in
            Formula.uniforms(UInt64(stage), batch * depth).map { Float(4 * $0 - 2) }
        }
        let context = InferenceContext(backend: backend)
        func run() -> [[Float]] {
            interaction(stages.map { backend.makeTensor(shape: [batch, depth], values: $0) }, in: context).map {
                $0.array()
            }
        }
        let (w1, b1) = (interaction.mix.weight.value.array(), interaction.mix.bias.value.array())
        let (w2, b2) = (interaction.spread.weight.value.array(), interaction.spread.bias.value.array())
        let result = run()
        func product(_ weight: [Float], _ bias: [Float], _ x: [Double]) -> [Double] {
            bias.indices.map { row in
                x.indices.reduce(Double(bias[row])) { sum, column in
                    sum + Double(weight[row * x.count + column]) * x[column]
                }
            }
        }
        for image in 0..<batch {
            let inputs = stages.map { $0[image * depth..<(image + 1) * depth].map(Double.init) }
            let common = product(w2, b2, product(w1, b1, inputs.flatMap { $0 }))
            for (stage, input) in inputs.enumerated() {
                for channel in 0..<depth {
                    let x = input[channel]
                    let gate: Double = 1 / (1 + exp(-common[channel] * x))
                    let expected = x * (1 + gate)
                    // Two sums of up to 72 products in float32.
                    #expect(abs(Double(result[stage][image * depth + channel]) - expected) < 1e-5)
                }
            }
        }
        for parameter in [interaction.spread.weight, interaction.spread.bias] {
            parameter.value = backend.makeTensor(shape: parameter.value.shape, repeating: 0)
        }
        for (actual, stage) in zip(run(), stages) { #expect(actual == stage.map { 1.5 * $0 }) }
    }

    // Fact 4
    @Test(arguments: [NetworkConfiguration.HeadStyle.paper, .separable])
    func firstPhaseReachesEveryStageButOneClassifier(heads: NetworkConfiguration.HeadStyle) throws {
        let backend = FastBackend(threads: 2)
        let configuration = NetworkConfiguration.small(.rmgPMSI, heads: heads)
        let network = try configuration.makeFormulaNetwork(backend: backend)
        let step = TrainingStep(
            network: network, method: configuration.trainingMethod, optimizer: SGD(backend: backend), seed: 1)
        var phases = 0
        step.run(
            pixels: Formula.pixels(batch: 4, size: 64, backend: backend), labels: [0, 1, 2, 3], iteration: 0,
            rates: LearningRates(backbone: 0, head: 0)
        ) { phase, outcome in
            phases += 1
            guard phase == 0 else { return }
            for parameter in network.parameters where parameter.group != .buffer {
                let norm = outcome.gradients[parameter]?.array().reduce(0) { $0 + $1 * $1 } ?? 0
                let isOtherHead = ["heads.1.", "heads.2.", "heads.3."].contains { parameter.name.hasPrefix($0) }
                #expect((norm > 0) != isOtherHead, "\(parameter.name): \(norm)")
            }
        }
        #expect(phases == 4)
    }

    // Fact 5
    @Test func schedulesEnd() {
        let (images, batches, epochs) = (5_994, 5_994 / 32, 150)
        func factor(_ schedule: Schedule, _ iteration: Int) -> Float {
            schedule.factor(iteration: iteration, iterationsPerEpoch: batches, imagesPerEpoch: images, epochs: epochs)
        }
        for schedule in Schedule.allCases { #expect(factor(schedule, 0) == 1) }
        #expect(abs(factor(.cosine, batches * epochs)) < 1e-7)
        #expect(abs(factor(.cosine, batches * epochs / 2) - 0.5) < 1e-6)
        #expect(abs(factor(.released, batches * epochs) - 0.9976) < 5e-5)
    }
}

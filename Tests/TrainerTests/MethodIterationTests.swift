// One whole iteration against PyTorch in float64 (tools/goldens/method.py): mosaics, losses, gradients of every phase,
// updated weights and running averages, and the answer at inference. Dropout's masks and the mosaics are drawn by the
// same formulas on both sides.
//
// Tolerances: the same script run in float32 (`--float32`) lies within 1e-5 absolute of float64 in gradients (their
// largest: 0.9; of projections, sums of up to 100,000 values, 1e-5 + 1e-6 relative), 2e-5 in weights and averages
// (largest: 7.4), 2e-6 in logits and losses. A ReLU on the wrong side would show as 1e-3 and more; the start is chosen
// so that none stands near its kink.

import ModelGraph
import Tensors
import TestSupport
import Testing
import Trainer

@Suite struct MethodIterationTests {
    static let rates = LearningRates(backbone: 0.001, head: 0.01)
    static let seed: UInt64 = 7
    static let iteration = 3
    static let labels = [0, 3, 1, 4]

    enum Engine: CaseIterable { case plain, fast }

    static func backend(_ engine: Engine) -> any Backend {
        switch engine {
        case .plain: PlainBackend()
        case .fast: FastBackend(threads: 2)
        }
    }

    func golden(_ key: String) throws -> [Float] {
        try #require(Golden.load("method_iteration")[key], "golden \(key)").values
    }

    func check(_ actual: [Float], _ key: String, absolute: Float, relative: Float = 0) throws {
        let difference = mismatch(actual, try golden(key), absolute: absolute, relative: relative)
        #expect(difference == nil, "\(key): \(difference.map(String.init(describing:)) ?? "")")
    }

    func run(
        _ key: String, _ configuration: NetworkConfiguration, on backend: any Backend,
        withoutGradient: SGD.WithoutGradient = .stepped, checksGradients: Bool = true
    ) throws {
        let golden = try Golden.load("method_iteration")
        let network = try configuration.makeFormulaNetwork(backend: backend)
        let optimizer = SGD(backend: backend, momentum: 0.9, weightDecay: 0.01, withoutGradient: withoutGradient)
        let step = TrainingStep(
            network: network, method: configuration.trainingMethod, optimizer: optimizer, seed: Self.seed)
        let pixels = Formula.pixels(batch: 4, size: 64, backend: backend)
        var phases: [TrainingStep.Outcome] = []
        var gradients: [[String: Safetensors.Entry]] = []
        let losses = step.run(
            pixels: pixels, labels: Self.labels, iteration: Self.iteration, rates: Self.rates
        ) { _, outcome in
            phases.append(outcome)
            gradients.append([:])
            for parameter in network.parameters {
                guard let gradient = outcome.gradients[parameter] else { continue }
                gradients[gradients.count - 1][parameter.name] = parameter.fileEntry(of: gradient)
            }
        }
        try check(losses, "\(key).losses", absolute: 5e-6)
        for (index, outcome) in phases.enumerated() where checksGradients {
            try check(outcome.logits.flatMap { $0.array() }, "\(key).logits.\(index)", absolute: 1e-5)
            let samples = Formula.samples(gradients[index])
            try check(samples.values, "\(key).gradients.\(index)", absolute: 1e-5)
            try check(
                samples.projections, "\(key).gradients.\(index).projection", absolute: 3e-5, relative: 3e-6)
        }
        let samples = Formula.samples(network.entries)
        try check(samples.values, "\(key).values", absolute: 3e-5)
        try check(samples.projections, "\(key).values.projection", absolute: 3e-5, relative: 1e-6)
        let answer = network.answer(pixels, in: InferenceContext(backend: backend))
        #expect(answer.shape == [4, 5])
        try check(answer.array(), "\(key).answer", absolute: 2e-5, relative: 2e-6)
        #expect(golden.keys.contains("\(key).losses"))
    }

    @Test(arguments: Engine.allCases) func paperHeads(_ engine: Engine) throws {
        try run("paper", .small(.rmgPMSI), on: Self.backend(engine))
    }

    @Test(arguments: Engine.allCases) func separableHeads(_ engine: Engine) throws {
        try run("separable", .small(.rmgPMSI, heads: .separable), on: Self.backend(engine))
    }

    @Test func headsWithoutLossSkipped() throws {
        try run(
            "skipped", .small(.rmgPMSI), on: Self.backend(.fast), withoutGradient: .skipped, checksGradients: false)
    }

    @Test(arguments: Engine.allCases) func plainMethod(_ engine: Engine) throws {
        try run("plain", .small(.plain), on: Self.backend(engine))
    }

    /// The two ways with heads that have no loss differ by more than the tolerance, so the tests above can tell them
    /// apart.
    @Test func steppedAndSkippedDiffer() throws {
        let stepped = try golden("paper.values")
        let skipped = try golden("skipped.values")
        #expect(zip(stepped, skipped).contains { abs($0 - $1) > 3e-4 })
    }

    @Test func frozenBackboneKeepsItsWeightsAndMovesItsAverages() throws {
        let backend = Self.backend(.fast)
        let configuration = NetworkConfiguration.small(.rmgPMSI)
        let pixels = Formula.pixels(batch: 4, size: 64, backend: backend)
        func network(frozen: Bool) throws -> (any Network, [String: [Float]]) {
            let network = try configuration.makeFormulaNetwork(backend: backend)
            var method = configuration.trainingMethod
            method.phases = [method.phases[0]]
            let step = TrainingStep(
                network: network, method: method, optimizer: SGD(backend: backend), seed: Self.seed)
            var gradients: [String: [Float]] = [:]
            step.run(
                pixels: pixels, labels: Self.labels, iteration: 0, rates: Self.rates, backboneFrozen: frozen
            ) { _, outcome in
                for parameter in network.parameters {
                    gradients[parameter.name] = outcome.gradients[parameter]?.array()
                }
            }
            return (network, gradients)
        }
        let (frozen, frozenGradients) = try network(frozen: true)
        let (moving, movingGradients) = try network(frozen: false)
        for (a, b) in zip(frozen.parameters, moving.parameters) {
            let start = Formula.start(a.name, shape: a.fileShape)
            let (kept, stepped) = (a.fileEntry(of: a.value).values, b.fileEntry(of: b.value).values)
            switch a.group {
            case .backbone:
                #expect(kept == start && stepped != start, "\(a.name)")
                #expect(
                    a.velocity == nil && frozenGradients[a.name] == nil && movingGradients[a.name] != nil, "\(a.name)")
            case .head:
                #expect(kept == stepped && frozenGradients[a.name] == movingGradients[a.name], "\(a.name)")
            case .buffer:
                #expect(kept == stepped && kept != start, "\(a.name)")
            }
        }
    }
}

// TrainingStep: one iteration on one batch: for each phase of the method, in order, a forward, a backward and a step of
// the optimizer. Which phases and losses is data (`TrainingMethod`). Left out: batches, schedules, epochs, which are
// the training loop's.

import Tensors

package struct TrainingStep {
    /// Of one phase.
    package struct Outcome {
        /// Sum of the phase's weighted losses, before its step.
        package var loss: Float
        /// Of every head, N C.
        package var logits: [Tensor]
        /// Of every trained parameter that a loss reached.
        package var gradients: Gradients
    }

    package let network: any Network
    package let method: TrainingMethod
    package let optimizer: SGD
    package let loss: SoftmaxCrossEntropy
    package let seed: UInt64

    /// What a random stream is for, so that no two uses share one.
    private enum Purpose: UInt64 { case mosaic = 0x6D6F_7361, dropout = 0x6472_6F70 }

    package init(
        network: any Network, method: TrainingMethod, optimizer: SGD, loss: SoftmaxCrossEntropy = .init(), seed: UInt64
    ) {
        self.network = network
        self.method = method
        self.optimizer = optimizer
        self.loss = loss
        self.seed = seed
    }

    /// - Parameters:
    ///   - pixels: N H W 3, normalized.
    ///   - labels: N of 0 ..< classes.
    ///   - iteration: counts from 0 over the whole run; with the seed it keys mosaics and dropout.
    ///   - rates: already scaled by the schedule's factor, which advances once an iteration.
    ///   - backboneFrozen: it is not stepped and gets no gradients, but its batch norms' averages move.
    ///   - afterPhase: sees each phase's outcome before the next one begins.
    /// - Returns: the loss of each phase.
    @discardableResult
    package func run(
        pixels: Tensor, labels: [Int], iteration: Int, rates: LearningRates, backboneFrozen: Bool = false,
        afterPhase: (Int, Outcome) -> Void = { _, _ in }
    ) -> [Float] {
        let groups: Set<Parameter.Group> = backboneFrozen ? [.head] : [.backbone, .head]
        return method.phases.indices.map { index in
            let outcome = forwardAndBackward(method.phases[index], index, pixels, labels, iteration, groups)
            optimizer.step(network.parameters, gradients: outcome.gradients, rates: rates, groups: groups)
            afterPhase(index, outcome)
            return outcome.loss
        }
    }

    private func forwardAndBackward(
        _ phase: Phase, _ index: Int, _ pixels: Tensor, _ labels: [Int], _ iteration: Int,
        _ groups: Set<Parameter.Group>
    ) -> Outcome {
        let backend = optimizer.backend
        func key(_ purpose: Purpose) -> [UInt64] { [seed, UInt64(iteration), UInt64(index), purpose.rawValue] }
        var input = pixels
        if let depth = phase.mosaicDepth {
            var random = RandomStream(key: key(.mosaic))
            let source = RecursiveMosaic.permutation(
                height: pixels.shape[1], width: pixels.shape[2], depth: depth, using: &random)
            input = backend.permutePixels(pixels, source: source)
        }
        let tape = Tape(backend: backend, training: groups, dropoutKey: key(.dropout))
        let heads = network.forward(tape.constant(input), in: tape)
        var total: Float = 0
        var starts: [(value: Tape.Value, gradient: Tensor)] = []
        for term in phase.losses {
            let (value, gradient) = loss(heads[term.head].tensor, labels: labels, weight: term.weight, backend: backend)
            total += value
            starts.append((heads[term.head], gradient))
        }
        return Outcome(loss: total, logits: heads.map(\.tensor), gradients: tape.backward(from: starts))
    }
}

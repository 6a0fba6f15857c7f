// Tape: the forward pass of training. It computes each op at once and notes how to go back; `backward` then plays the
// notes from the end. What a note holds (inputs, outputs) is freed as soon as it has been played, and an op that leads
// to no trained parameter is not noted at all, so a frozen backbone costs neither memory nor time going back. One tape
// serves one forward and one backward. Left out: second derivatives, and the gradient of the input.

import Tensors

package final class Tape {
    /// A tensor, and whether and where a gradient flows into it.
    package struct Value {
        package let tensor: Tensor
        /// Place of its gradient; nil: none is wanted (the photo, or everything in front of the first trained
        /// parameter).
        fileprivate let slot: Int?
        package var needsGradient: Bool { slot != nil }
        /// For ways back that do not read the tensor: holding this does not hold the memory.
        var target: Target { Target(slot: slot) }
    }

    struct Target { fileprivate let slot: Int? }

    /// Plays one op backwards: takes the gradient of the op's output, hands on the gradients of its inputs.
    typealias Note = (_ outputGradient: Tensor, _ tape: Tape) -> Void

    package let backend: any Backend
    private let trained: Set<Parameter.Group>
    private var dropoutSeeds: RandomStream
    private var notes: [(slot: Int, play: Note)] = []
    private var slotGradients: [Tensor?] = []
    private var gradients = Gradients()

    /// - Parameters:
    ///   - trained: which parameters get gradients; the backbone is left out while it is frozen (its batch norm's
    ///     averages move all the same).
    ///   - dropoutKey: names the stream of dropout masks, e.g. `[seed, iteration, phase]`; the n-th dropout of a
    ///     forward takes its n-th word.
    package init(
        backend: any Backend, training trained: Set<Parameter.Group> = [.backbone, .head], dropoutKey: [UInt64]
    ) {
        self.backend = backend
        self.trained = trained
        dropoutSeeds = RandomStream(key: dropoutKey)
    }

    /// The batch, or anything else that no gradient is wanted of.
    package func constant(_ tensor: Tensor) -> Value { Value(tensor: tensor, slot: nil) }

    /// Goes back from the given outputs and empties the tape.
    /// - Parameter outputs: each with the loss's gradient with respect to it, of the output's shape. The same value may
    ///   stand twice.
    /// - Returns: the gradients of all trained parameters that a loss reached.
    package func backward(from outputs: [(value: Value, gradient: Tensor)]) -> Gradients {
        for (value, gradient) in outputs {
            precondition(
                value.tensor.shape == gradient.shape,
                "gradient \(gradient.shape) for an output of \(value.tensor.shape)")
            accumulate(gradient, into: value.target)
        }
        while let note = notes.popLast() {
            guard let gradient = slotGradients[note.slot] else { continue }
            slotGradients[note.slot] = nil
            note.play(gradient, self)
        }
        defer { gradients = Gradients() }
        return gradients
    }

    // MARK: For the ops (Tape+Operations)

    func trains(_ parameter: Parameter?) -> Bool { parameter.map { trained.contains($0.group) } ?? false }

    func nextDropoutSeed() -> UInt64 { dropoutSeeds.next() }

    /// The op's value; the note is kept only where something in front of it is trained.
    func record(_ tensor: Tensor, when needed: Bool, note: @escaping Note) -> Value {
        guard needed else { return constant(tensor) }
        let slot = slotGradients.count
        slotGradients.append(nil)
        notes.append((slot, note))
        return Value(tensor: tensor, slot: slot)
    }

    /// Adds to a value's gradient. Never in place: two values may have been handed the same tensor.
    func accumulate(_ gradient: @autoclosure () -> Tensor, into target: Target) {
        guard let slot = target.slot else { return }
        let gradient = gradient()
        slotGradients[slot] = slotGradients[slot].map { backend.add($0, gradient) } ?? gradient
    }

    func accumulate(_ gradient: Tensor?, for parameter: Parameter?) {
        guard let gradient, let parameter, trains(parameter) else { return }
        gradients.add(gradient, for: parameter, backend: backend)
    }
}

// Bounds in a row (Min after Max, or after Relu: ReLU6 as TensorFlow and old PyTorch exports write it) become one clip.
// A bound that something else reads too stays for that reader.

extension ReaderGraph {
    mutating func joinClips() {
        let makers = makers
        for index in steps.indices {
            guard case .graph(.clip(let low, let high)) = steps[index].op, low <= high,
                let maker = makers[steps[index].inputs[0]], let inner = bounds(steps[maker]), inner.low <= inner.high
            else { continue }
            func bounded(_ value: Float) -> Float { min(max(value, low), high) }
            steps[index].op = .graph(.clip(low: bounded(inner.low), high: bounded(inner.high)))
            steps[index].inputs = steps[maker].inputs
        }
        removeUnused()
    }

    private func bounds(_ step: Step) -> (low: Float, high: Float)? {
        switch step.op {
        case .graph(.relu): (0, .greatestFiniteMagnitude)
        case .graph(.clip(let low, let high)): (low, high)
        default: nil
        }
    }
}

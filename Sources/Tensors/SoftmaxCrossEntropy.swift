// Softmax cross-entropy with label smoothing, PyTorch's definition: the target is (1 − s)·onehot + s/C, the loss the
// batch's mean of −Σ target·log softmax(logits), its gradient (softmax − target)/N. logits: N C. A few thousand values:
// the plain version serves both backends.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension PlainBackend {
    package func softmaxCrossEntropy(_ logits: Tensor, labels: [Int], smoothing: Float) -> (
        loss: Float, gradient: Tensor
    ) {
        precondition(
            logits.shape.count == 2 && logits.shape[0] == labels.count && !labels.isEmpty && logits.shape[1] > 0,
            "logits \(logits.shape) for \(labels.count) labels")
        precondition(smoothing >= 0 && smoothing < 1, "label smoothing \(smoothing) is not in 0 ..< 1")
        let (batch, classes) = (logits.shape[0], logits.shape[1])
        let gradient = makeTensor(shape: logits.shape)
        var loss = 0.0
        for n in 0..<batch {
            precondition((0..<classes).contains(labels[n]), "label \(labels[n]) of \(classes) classes")
            let row = logits.host + n * classes
            var largest = row[0]
            for c in 1..<max(classes, 1) { largest = max(largest, row[c]) }
            var sum = 0.0
            for c in 0..<classes { sum += exp(Double(row[c] - largest)) }
            let logSum = log(sum)
            for c in 0..<classes {
                let logProbability = Double(row[c] - largest) - logSum
                let target = Double(smoothing) / Double(classes) + (c == labels[n] ? 1 - Double(smoothing) : 0)
                loss -= target * logProbability
                gradient.host[n * classes + c] = Float((exp(logProbability) - target) / Double(batch))
            }
        }
        return (Float(loss / Double(batch)), gradient)
    }
}

// Prediction: from u8 logits to the best labels: softmax with the model's temperature, top-k, rejection.

public struct Prediction: Equatable, Sendable {
    /// The class, `0 ..< classCount`.
    public var index: Int
    /// 0…1; over all classes they sum to 1.
    public var probability: Float

    public init(index: Int, probability: Float) {
        self.index = index
        self.probability = probability
    }
}

/// e^(−d·scale/temperature) for each distance d from the best quantized logit: a u8 logit has 256 of them, so that softmax needs no
/// exponential after load. Public for whoever fits a temperature: the converter's probabilities are the device's, bit for bit.
public struct ProbabilityTable {
    private var values = InlineArray<256, Double>(repeating: 0)

    public init(scale: Float, temperature: Float) {
        let step = Double(scale) / Double(temperature)
        for distance in 0..<256 { values[distance] = Exponential.ofNonPositive(-Double(distance) * step) }
    }

    public subscript(distance: Int) -> Double { values[distance] }
}

extension Session {
    /// The last run's best classes, the most probable first; equal ones by index.
    ///
    /// - Parameters:
    ///   - top: how many at most.
    ///   - predictions: where they go; its size is another upper bound.
    /// - Returns: how many were written, and whether the best probability is below the model's rejection threshold.
    public func classify(
        top: Int, into predictions: UnsafeMutableBufferPointer<Prediction>
    ) -> (count: Int, rejected: Bool) {
        classify(top: min(top, predictions.count)) { place, prediction in predictions[place] = prediction }
    }

    /// The same for callers that may allocate.
    ///
    /// - Parameter threshold: 0…1, instead of the model's rejection threshold.
    public func classify(top: Int, threshold: Float? = nil) -> (predictions: [Prediction], rejected: Bool) {
        var rejected = false
        let predictions = [Prediction](unsafeUninitializedCapacity: max(0, min(top, output.count))) { buffer, count in
            (count, rejected) = classify(top: min(top, buffer.count), threshold: threshold) { place, prediction in
                buffer.initializeElement(at: place, to: prediction)
            }
        }
        return (predictions, rejected)
    }

    /// `emit` is called once for each place `0 ..< count`, in the order of the classes.
    ///
    /// Cost: two passes over the classes, whatever `top` is: a u8 logit has 256 values, so that counting how many classes have each gives
    /// both the sum of the softmax and every class's place.
    func classify(
        top: Int, threshold: Float? = nil, emit: (_ place: Int, Prediction) -> Void
    ) -> (count: Int, rejected: Bool) {
        var places = InlineArray<256, Int>(repeating: 0)
        var best = 0
        for byte in output {
            places[Int(byte)] += 1
            best = max(best, Int(byte))
        }
        var sum = 0.0
        var place = 0
        for byte in stride(from: best, through: 0, by: -1) {
            let count = places[byte]
            sum += Double(count) * probabilities[best - byte]
            places[byte] = place
            place += count
        }
        let wanted = max(0, min(top, output.count))
        for (index, byte) in output.enumerated() {
            let place = places[Int(byte)]
            places[Int(byte)] += 1
            guard place < wanted else { continue }
            emit(place, Prediction(index: index, probability: Float(probabilities[best - Int(byte)] / sum)))
        }
        return (wanted, Float(1 / sum) < threshold ?? model.edge.rejectionThreshold)
    }
}

// ConfidenceFitting: from the finished int8 model's answers on labelled photos to the temperature of its softmax and to
// the probability below which the device rejects.
//
// Temperature: the T with the least negative log-likelihood of the labels under softmax(logits / T) (Guo, Pleiss, Sun,
// Weinberger 2017, "On Calibration of Modern Neural Networks", section 4.2, arXiv 1706.04599). In β = 1/T the likelihood
// is convex, so its slope has one sign change, found by bisection. T changes no answer, only how sure it is said to be.
//
// Threshold: the lowest at which the accepted answers reach a wanted precision (share of them that are right), so that
// as many as possible are accepted: selective classification at a wanted risk (Geifman and El-Yaniv 2017, "Selective
// Classification for Deep Neural Networks", section 3, arXiv 1705.08500, without its bound on unseen photos).
//
// A u8 logit has 256 values, so a photo is a histogram of distances from its best logit, and every probability here is
// the device's own (`ProbabilityTable`). Left out: other calibrations (vector, matrix scaling), which need more photos
// and can change answers.

import Foundation
import TinyRuntime

/// What was fitted, and what it does. Shares are of `images`.
package struct ConfidenceFit: Sendable, Equatable, Codable {
    /// Answers whose probability lies in one of fifteen equal parts of 0…1.
    package struct Bin: Sendable, Equatable, Codable {
        package var images: Int
        /// Means over the bin; 0 where it is empty.
        package var confidence: Double
        package var accuracy: Double
    }

    package var images: Int
    package var skipped: Int
    package var classes: Int
    /// To be divided by before softmax.
    package var temperature: Float
    /// Answers with a smaller probability are rejected; 0: none.
    package var rejectionThreshold: Float
    package var accuracy: Double
    /// What the threshold was chosen for.
    package var wantedPrecision: Double
    /// Expected calibration error over fifteen bins (Guo et al., section 2): Σ share of the bin · |accuracy − confidence|.
    package var calibrationErrorBefore: Double
    package var calibrationErrorAfter: Double
    /// Mean, in nats.
    package var negativeLogLikelihoodBefore: Double
    package var negativeLogLikelihoodAfter: Double
    /// Share of answers that are not rejected.
    package var coverage: Double
    /// Share of the accepted answers that are right.
    package var acceptedAccuracy: Double
    package var binsBefore: [Bin]
    package var binsAfter: [Bin]
    /// Why temperature or threshold were left at 1 and 0, or that one stands at a bound.
    package var note: String?
}

/// What to fit on, and for what.
package struct ConfidencePhotos: Sendable {
    package var images: [LabelledImage]
    /// Share of accepted answers that shall be right, 0…1.
    package var precision: Double

    package init(images: [LabelledImage], precision: Double = 0.95) {
        self.images = images
        self.precision = precision
    }

    /// Before minutes are spent on a conversion.
    /// - Throws: `ConversionError.tooFewForConfidence`.
    func check() throws {
        let labels = images.compactMap(\.label)
        let classes = Set(labels).count
        guard labels.count >= ConfidenceFitting.imageMinimum, classes >= 2 else {
            throw ConversionError.tooFewForConfidence(images: labels.count, classes: classes)
        }
    }
}

package struct ConfidenceFitting: Sendable {
    /// One labelled photo's answer.
    package struct Answer: Sendable, Equatable {
        /// How many logits lie how many steps below the best; 256 entries.
        var counts: [Int32]
        /// Of the label's logit.
        var label: Int
        /// Is the model's answer (of equal logits, the first) the label?
        var isRight: Bool

        /// - Parameter label: an index into `logits`.
        package init(logits: some Collection<UInt8>, label: Int) {
            let best = logits.max() ?? 0
            counts = [Int32](repeating: 0, count: 256)
            var first: Int?
            var own: UInt8 = 0
            for (index, logit) in logits.enumerated() {
                counts[Int(best - logit)] += 1
                if logit == best && first == nil { first = index }
                if index == label { own = logit }
            }
            self.label = Int(best - own)
            isRight = first == label
        }
    }

    package static let bins = 15
    /// Of fewer, one or two answers would decide the threshold.
    package static let imageMinimum = 50
    /// A precision over fewer accepted answers says nothing.
    package static let acceptedMinimum = 20
    package static let temperatures: ClosedRange<Float> = 0.05...20

    let answers: [Answer]
    /// Of a logit's step.
    let scale: Float
    /// 0…1
    let precision: Double

    package init(answers: [Answer], scale: Float, precision: Double) {
        self.answers = answers
        self.scale = scale
        self.precision = precision
    }

    /// - Parameters:
    ///   - classes: how many classes the photos are of; for the report.
    ///   - skipped: photos that could not be read; for the report.
    /// - Throws: `ConversionError.tooFewForConfidence` below `imageMinimum` photos or two classes.
    package func fit(classes: Int, skipped: Int) throws -> ConfidenceFit {
        guard answers.count >= Self.imageMinimum, classes >= 2 else {
            throw ConversionError.tooFewForConfidence(images: answers.count, classes: classes)
        }
        let before = Measured(answers, scale: scale, temperature: 1)
        let right = answers.count(where: \.isRight)
        var notes: [String] = []
        var temperature: Float = 1
        if right == answers.count {
            notes.append(
                "every answer is right, so nothing tells how sure is too sure: the temperature stays 1; photos that the model "
                    + "gets wrong are needed")
        } else {
            temperature = bestTemperature()
            if temperature == Self.temperatures.lowerBound || temperature == Self.temperatures.upperBound {
                notes.append("the best temperature lies beyond \(temperature), which is the bound")
            }
        }
        let after = Measured(answers, scale: scale, temperature: temperature)
        let judged = zip(after.probabilities, answers).map { (probability: $0, isRight: $1.isRight) }
        let threshold = lowestThreshold(judged)
        if threshold == nil {
            notes.append(
                "no threshold accepts \(Self.acceptedMinimum) answers of which \(Figures.percent(precision, digits: 1)) are right: "
                    + "nothing is rejected")
        }
        let accepted = judged.filter { $0.probability >= threshold ?? 0 }
        return ConfidenceFit(
            images: answers.count, skipped: skipped, classes: classes, temperature: temperature,
            rejectionThreshold: threshold ?? 0, accuracy: Double(right) / Double(answers.count), wantedPrecision: precision,
            calibrationErrorBefore: before.calibrationError, calibrationErrorAfter: after.calibrationError,
            negativeLogLikelihoodBefore: before.negativeLogLikelihood,
            negativeLogLikelihoodAfter: after.negativeLogLikelihood,
            coverage: Double(accepted.count) / Double(answers.count),
            acceptedAccuracy: accepted.isEmpty
                ? 0 : Double(accepted.count(where: \.isRight)) / Double(accepted.count),
            binsBefore: before.bins, binsAfter: after.bins, note: notes.isEmpty ? nil : notes.joined(separator: "; "))
    }

    /// By bisection of the slope over β; the likelihood's slope at β is Σ over photos of (label's distance − expected
    /// distance), times the logits' step.
    private func bestTemperature() -> Float {
        var low = Double(1 / Self.temperatures.upperBound)
        var high = Double(1 / Self.temperatures.lowerBound)
        if slope(low) >= 0 { return Self.temperatures.upperBound }
        if slope(high) <= 0 { return Self.temperatures.lowerBound }
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if slope(middle) < 0 { low = middle } else { high = middle }
        }
        // Four digits: more would be the photos' chance, and a last bit must not depend on it.
        return (Float(1000 / ((low + high) / 2)).rounded() / 1000)
    }

    /// Of Σ NLL by β, in steps; negative: a larger β (smaller T) is better.
    private func slope(_ beta: Double) -> Double {
        let powers = ProbabilityTable(scale: scale, temperature: Float(1 / beta))
        var slope = 0.0
        for answer in answers {
            var sum = 0.0
            var moment = 0.0
            for (distance, count) in answer.counts.enumerated() where count > 0 {
                let power = Double(count) * powers[distance]
                sum += power
                moment += power * Double(distance)
            }
            slope += Double(answer.label) - moment / sum
        }
        return slope
    }

    /// - Parameter answers: the best class's probability, and whether it is right.
    /// - Returns: 0 where all may be accepted; else between the lowest accepted and the highest rejected probability; nil
    ///   where no threshold does.
    private func lowestThreshold(_ answers: [(probability: Float, isRight: Bool)]) -> Float? {
        let sorted = answers.sorted { $0.probability < $1.probability }
        var right = sorted.count(where: \.isRight)
        for (index, answer) in sorted.enumerated() {
            let accepted = sorted.count - index
            guard accepted >= Self.acceptedMinimum else { return nil }
            // Equal probabilities are accepted or rejected together.
            if index == 0 || sorted[index - 1].probability < answer.probability,
                Double(right) >= precision * Double(accepted)
            {
                guard index > 0 else { return 0 }
                // The middle, but never the lower one itself: what is equal to the threshold is accepted.
                let below = sorted[index - 1].probability
                let middle = below + (answer.probability - below) / 2
                return middle > below ? middle : answer.probability
            }
            if answer.isRight { right -= 1 }
        }
        return nil
    }

    /// The answers at one temperature.
    private struct Measured {
        /// Of each photo's best class, as the device says it.
        var probabilities: [Float] = []
        var negativeLogLikelihood = 0.0
        var bins: [ConfidenceFit.Bin]
        var calibrationError = 0.0

        init(_ answers: [Answer], scale: Float, temperature: Float) {
            let powers = ProbabilityTable(scale: scale, temperature: temperature)
            bins = [ConfidenceFit.Bin](
                repeating: .init(images: 0, confidence: 0, accuracy: 0), count: ConfidenceFitting.bins)
            for answer in answers {
                var sum = 0.0
                for (distance, count) in answer.counts.enumerated() where count > 0 {
                    sum += Double(count) * powers[distance]
                }
                // −log of powers[label] / sum, without the power, which may be too small for a number.
                negativeLogLikelihood += log(sum) + Double(answer.label) * Double(scale) / Double(temperature)
                probabilities.append(Float(1 / sum))
                // Bins (0, 1/15], (1/15, 2/15], …: as Guo et al.
                let bin = min(max(Int((Double(bins.count) / sum).rounded(.up)) - 1, 0), bins.count - 1)
                bins[bin].images += 1
                bins[bin].confidence += 1 / sum
                bins[bin].accuracy += answer.isRight ? 1 : 0
            }
            let images = Double(answers.count)
            negativeLogLikelihood /= images
            for index in bins.indices where bins[index].images > 0 {
                calibrationError += abs(bins[index].accuracy - bins[index].confidence) / images
                bins[index].confidence /= Double(bins[index].images)
                bins[index].accuracy /= Double(bins[index].images)
            }
        }
    }
}

extension ConfidenceFitting {
    /// Runs the finished model on labelled photos.
    /// - Throws: `ConversionError.refusedByRuntime`; and what `PhotoSource.map` and `fit` throw.
    /// - Cost: one int8 inference a photo.
    static func fit(
        _ model: Model, on wanted: ConfidencePhotos, from photos: PhotoSource, progress: (String) -> Void
    ) throws -> ConfidenceFit {
        let labelled = wanted.images.filter { $0.label != nil }
        let (batches, skipped) = try photos.map(labelled, task: "fitting confidence", progress: progress) { photos in
            let session = try SelfTest.session(model)
            return photos.compactMap { photo -> (answer: Answer, label: Int)? in
                guard let label = photo.image.label else { return nil }
                _ = session.input.update(fromContentsOf: photo.pixels)
                session.run()
                return (Answer(logits: session.output, label: label), label)
            }
        }
        let answers = batches.flatMap { $0 }
        return try ConfidenceFitting(
            answers: answers.map(\.answer), scale: model.edge.outputTensor.quantization.scale,
            precision: wanted.precision
        ).fit(classes: Set(answers.map(\.label)).count, skipped: skipped.count)
    }
}

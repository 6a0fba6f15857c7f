// ClassificationMetrics: what a list of answers is worth: top-1, top-5, who is taken for whom, and whether confidence means anything.

import Foundation

package struct ClassificationMetrics: Sendable, Equatable {
    package let classCount: Int
    package private(set) var images = 0
    /// confusion[truth][answer], counts.
    package private(set) var confusion: [[Int]]
    private var rightInFive = 0
    private var bins = [Bin](repeating: Bin(), count: Self.binCount)

    private struct Bin: Sendable, Equatable {
        var images = 0
        var right = 0
        var confidence = 0.0
    }

    /// Of confidence, equally wide.
    package static let binCount = 15

    package init(classCount: Int) {
        precondition(classCount > 0, "\(classCount) classes")
        self.classCount = classCount
        confusion = [[Int]](repeating: [Int](repeating: 0, count: classCount), count: classCount)
    }

    /// - Parameters:
    ///   - logits: One a class. Of equal ones the first counts as larger; a NaN counts as the smallest.
    ///   - label: The truth.
    ///   - temperature: Logits are divided by it before the softmax; it changes confidence, not the answers.
    package mutating func add(logits: [Float], label: Int, temperature: Float = 1) {
        precondition(logits.count == classCount, "\(logits.count) logits for \(classCount) classes")
        let scores = logits.map { $0.isNaN ? -Float.infinity : $0 }
        var answer = 0
        for index in scores.indices where scores[index] > scores[answer] { answer = index }
        let ahead = scores.indices.count {
            scores[$0] > scores[label] || (scores[$0] == scores[label] && $0 < label)
        }
        let largest = Double(scores[answer])
        let sum = scores.reduce(0.0) { $0 + exp((Double($1) - largest) / Double(temperature)) }
        let confidence = sum.isFinite ? 1 / sum : 0
        images += 1
        confusion[label][answer] += 1
        if ahead < 5 { rightInFive += 1 }
        let bin = min(Int(confidence * Double(Self.binCount)), Self.binCount - 1)
        bins[bin].images += 1
        bins[bin].confidence += confidence
        if answer == label { bins[bin].right += 1 }
    }

    /// Share of images whose largest logit is the truth's.
    package var top1: Double { share(confusion.indices.reduce(0) { $0 + confusion[$1][$1] }) }
    /// Share of images whose truth is among the five largest.
    package var top5: Double { share(rightInFive) }

    /// Expected calibration error (Guo et al., "On Calibration of Modern Neural Networks", 2017, eq. 3): how far confidence is from the share
    /// of right answers, averaged over images in 15 bins of confidence. 0 is perfect.
    package var expectedCalibrationError: Double {
        guard images > 0 else { return 0 }
        return bins.reduce(0.0) { $0 + abs(Double($1.right) - $1.confidence) } / Double(images)
    }

    package func imagesOf(_ label: Int) -> Int { confusion[label].reduce(0, +) }

    /// nil for a class without images.
    package func top1(of label: Int) -> Double? {
        let count = imagesOf(label)
        return count == 0 ? nil : Double(confusion[label][label]) / Double(count)
    }

    /// The wrong answer given most often for a class, the first of equals; nil where none was given.
    package func mostOftenTakenFor(_ label: Int) -> (answer: Int, count: Int)? {
        var found: (answer: Int, count: Int)?
        for answer in 0..<classCount where answer != label && confusion[label][answer] > (found?.count ?? 0) {
            found = (answer, confusion[label][answer])
        }
        return found
    }

    private func share(_ count: Int) -> Double { images == 0 ? 0 : Double(count) / Double(images) }
}

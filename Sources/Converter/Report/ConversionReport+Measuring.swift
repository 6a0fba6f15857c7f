// ConversionReport+Measuring: takes the report's facts from the stages of the conversion and from Parity, which ran
// float and int8 side by side.

import Foundation
import ModelGraph
import TinyRuntime

extension ConversionReport {
    init(
        float: FloatGraph, calibrated: CalibratedGraph, planned: PlannedGraph, bytes: Data, calibration: [LabelledImage],
        images: [LabelledImage], confidence: ConfidenceFit?, from photos: PhotoSource, progress: (String) -> Void
    ) throws {
        let quantized = planned.graph
        let model = try SelfTest.model(bytes)
        let parity = try Parity(
            float: float, fused: calibrated.fused, quantized: quantized, model: model, images: images, from: photos,
            progress: progress)
        guard !parity.answers.isEmpty else {
            throw ConversionError.noEvaluationImages(unreadable: parity.skipped.count)
        }

        let answers = parity.answers
        self.model = float.name
        classes = model.edge.classCount
        contract = PhotoContract(photos.metadata)
        notes = float.notes
        calibrationImages = calibrated.images
        calibrationSkipped = calibrated.skipped.count
        calibrationSkippedPhotos = calibrated.skipped.map { SkippedPhoto(photo: $0.path, reason: $0.reason) }
        let unread = Set(calibrated.skipped.map(\.path))
        calibrationPhotos = calibration.map(\.path).filter { !unread.contains($0) }
        self.images = answers.count
        skipped = parity.skipped.count
        skippedPhotos = parity.skipped.map { SkippedPhoto(photo: $0.path, reason: $0.reason) }
        let labelled = answers.filter { $0.label != nil }
        labelledImages = labelled.count
        if !labelled.isEmpty {
            func share(_ isRight: (Parity.Answer) -> Bool) -> Double {
                Double(labelled.count(where: isRight)) / Double(labelled.count)
            }
            floatTop1 = share { $0.float.answer == $0.label }
            int8Top1 = share { $0.int8.answer == $0.label }
            if classes > 5 {
                floatTop5 = share { $0.label.map($0.float.best(5).contains) ?? false }
                int8Top5 = share { $0.label.map($0.int8.best(5).contains) ?? false }
            }
        }
        equalAnswers = answers.count { $0.float.answer == $0.int8.answer }
        agreement = Double(equalAnswers) / Double(answers.count)
        confusion = Confusion(answers, classes: classes)
        changed = answers.filter { $0.float.answer != $0.int8.answer }.map { [contract] answer in
            ChangedAnswer(answer, contract, temperature: Double(model.edge.temperature))
        }
        self.confidence = confidence
        var logits = Parity.LayerError()
        for answer in answers { logits.add(float: answer.float, int8: answer.int8) }
        logitsSqnrDb = logits.sqnrDb
        floatBytes = 4 * float.weights.values.reduce(0) { $0 + $1.values.count }
        fileBytes = bytes.count
        arenaBytes = planned.arenaBytes
        arenaLowerBoundBytes = MemoryPlanner.lowerBound(BlockFusion.fuse(quantized))
        let memoryPlan = Self.memoryPlan(planned)
        layers = Self.layers(planned, memoryPlan, model.edge, calibrated, parity.layers)
        weightBytes = layers.reduce(0) { $0 + $1.weightBytes }
        multiplyAdds = layers.reduce(0) { $0 + $1.multiplyAdds }
        self.memoryPlan = memoryPlan
        verdict = Verdict(level: .good, headline: "", explanation: "")
        verdict = Verdict(self)
    }

    /// What has a place in the arena, in the order of the tensors.
    private static func memoryPlan(_ planned: PlannedGraph) -> [MemoryBlock] {
        let (graph, steps) = (planned.graph, planned.steps)
        let lives = MemoryPlanner.lifetimes(of: graph, steps: steps)
        var blocks = graph.tensors.enumerated().map { index, tensor in
            let (first, last) = (steps[lives[index].lowerBound].lowerBound, lives[index].upperBound)
            return MemoryBlock(
                name: tensor.name, layer: -1, offset: planned.places[index].offset, bytes: tensor.bytes, first: first,
                last: last < steps.count ? steps[last].upperBound - 1 : graph.ops.count)
        }
        for (index, op) in graph.ops.enumerated() {
            blocks[op.output].layer = index
            let output = planned.places[op.output]
            for input in op.inputs where !planned.places[input].isInterior {
                let (tensor, place) = (graph.tensors[input], planned.places[input])
                if place.pixelStride > 0 {
                    blocks[input].offset = output.offset + tensor.height * tensor.width * (place.offset - output.offset)
                    blocks[input].last = index - 1
                } else if !output.isInterior && place.offset == output.offset && blocks[input].last == index {
                    blocks[input].last = index - 1
                }
            }
        }
        return blocks.indices.filter { !planned.places[$0].isInterior && blocks[$0].first <= blocks[$0].last }.map { blocks[$0] }
    }

    private static func layers(
        _ planned: PlannedGraph, _ memoryPlan: [MemoryBlock], _ edge: EdgeModel, _ calibrated: CalibratedGraph, _ errors: [Parity.LayerError?]
    ) -> [Layer] {
        let graph = planned.graph
        var writer = [Int](repeating: -1, count: graph.tensors.count)
        for (index, op) in graph.ops.enumerated() { writer[op.output] = index }
        return graph.ops.enumerated().map { index, op in
            let tensor = graph.tensors[op.output]
            let histogram = calibrated.edges[tensor.name]?.histogram
            let error = errors[op.output]
            let low = tensor.affine.dequantize(0)
            let high = tensor.affine.dequantize(255)
            let readers = graph.ops.filter { $0.inputs.contains(op.output) }
            let inputSqnr = op.inputs.compactMap { errors[$0]?.sqnrDb }.min()
            let isReadByTablesOnly =
                !readers.isEmpty && readers.allSatisfy(\.kind.isTable) && op.output != graph.output
            let alive = memoryPlan.filter { ($0.first...$0.last).contains(index) }
            return Layer(
                name: op.name, op: op.kind.name, inputs: op.inputs.map { writer[$0] },
                shape: [tensor.height, tensor.width, tensor.channels], sqnrDb: error?.sqnrDb, inputSqnrDb: inputSqnr,
                cause: isReadByTablesOnly
                    ? nil : error?.cause(inputSqnrDb: inputSqnr, hasWeights: op.kind.weights != nil),
                minimum: histogram.map { Double($0.minimum) } ?? low,
                maximum: histogram.map { Double($0.maximum) } ?? high, low: low, high: high,
                saturatedShare: error.map { Double($0.saturated) / Double(max($0.values, 1)) } ?? 0,
                isReadByTablesOnly: isReadByTablesOnly, multiplyAdds: Int(edge.ops[index].multiplyAdds(edge.tensors)),
                weightBytes: op.kind.weights?.values.count ?? 0,
                constantBytes: Int(edge.ops[index].constantBytes(edge.tensors)), outputBytes: tensor.bytes,
                aliveBytes: alive.reduce(0) { $0 + $1.bytes })
        }
    }
}

extension ConversionReport.Verdict {
    /// Good: at least 97 % equal answers (or all but one photo) and at most a point of top-1 lost. Fair: 90 % and three
    /// points. A loss of one labelled photo is never held against it.
    package init(_ report: ConversionReport) {
        let images = report.images
        let changed = images - report.equalAnswers
        // A billionth less: a loss of exactly a point is one, whatever the last bits say.
        let lost =
            report.labelledImages > 1
            ? (report.floatTop1 ?? 0) - (report.int8Top1 ?? 0) - 1 / Double(report.labelledImages) - 1e-9 : 0
        if (report.agreement >= 0.97 || changed <= 1) && lost <= 0.01 {
            level = .good
        } else if report.agreement >= 0.9 && lost <= 0.03 {
            level = .fair
        } else {
            level = .poor
        }
        let share = String(format: "%.1f %%", 100 * report.agreement)
        headline =
            changed == 0
            ? "The int8 model gives the float model's answer on all \(images) photos."
            : "The int8 model gives the float model's answer on \(report.equalAnswers) of \(images) photos (\(share))."

        var sentences: [String] = []
        if let float = report.floatTop1, let int8 = report.int8Top1 {
            sentences.append(
                String(
                    format: "Of %ld labelled photos, float names %.1f %% rightly and int8 %.1f %%.",
                    report.labelledImages, 100 * float, 100 * int8))
        }
        if report.floatBytes > 0, report.fileBytes > 0 {
            sentences.append(
                String(
                    format: "The file is %.1f times smaller than the float weights.",
                    Double(report.floatBytes) / Double(report.fileBytes)))
        }
        switch level {
        case .good: break
        case .fair:
            sentences.append("Something is lost: look at the layers that lose most, or give more typical photos.")
        case .poor:
            sentences.append(
                "That is much: give calibration photos like those that the device will see, and look at the layers that "
                    + "lose most before using this model.")
        }
        if let float = report.floatTop1, float < 0.5, report.labelledImages >= 20 {
            sentences.append("Float itself is wrong on most photos: more training would gain more than any conversion.")
        }
        if images < 100 {
            sentences.append("With so few photos compared, one photo more or less changes these shares much.")
        }
        explanation = sentences.joined(separator: " ")
    }
}

extension ConversionReport.Confusion {
    init(_ answers: [Parity.Answer], classes: Int) {
        isOfLabels = answers.contains { $0.label != nil }
        var counts: [[Int]: (float: Int, int8: Int)] = [:]
        for answer in answers {
            guard let truth = isOfLabels ? answer.label : answer.float.answer, let float = answer.float.answer,
                let int8 = answer.int8.answer
            else { continue }
            counts[[truth, float], default: (0, 0)].float += 1
            counts[[truth, int8], default: (0, 0)].int8 += 1
        }
        pairs = counts.filter { $0.key[0] != $0.key[1] }.map {
            Pair(truth: $0.key[0], answer: $0.key[1], float: $0.value.float, int8: $0.value.int8)
        }
        pairs.sort {
            ($1.float + $1.int8, $1.int8, $0.truth, $0.answer) < ($0.float + $0.int8, $0.int8, $1.truth, $1.answer)
        }
        pairs = Array(pairs.prefix(Self.pairLimit))
        guard classes <= Self.matrixLimit else { return }
        var float = [[Int]](repeating: [Int](repeating: 0, count: classes), count: classes)
        var int8 = float
        for (cell, count) in counts {
            float[cell[0]][cell[1]] = count.float
            int8[cell[0]][cell[1]] = count.int8
        }
        (self.float, self.int8) = (float, int8)
    }
}

extension ConversionReport.ChangedAnswer {
    fileprivate init(_ answer: Parity.Answer, _ contract: PhotoContract, temperature: Double) {
        func guesses(_ logits: [Float], _ temperature: Double) -> [Guess] {
            let largest = Double(logits.max() ?? 0)
            let powers = logits.map { exp((Double($0) - largest) / temperature) }
            let sum = powers.reduce(0, +)
            return logits.best(3).map {
                // A float network may overflow on a photo that calibration has not seen.
                let probability = powers[$0] / sum
                return Guess(
                    index: $0, label: contract.className($0), probability: probability.isFinite ? probability : 0)
            }
        }
        photo = answer.path
        label = answer.label.map(contract.className)
        float = guesses(answer.float, 1)
        int8 = guesses(answer.int8, temperature)
    }
}

extension Parity.LayerError {
    var sqnrDb: Double? { signal > 0 && noise > 0 ? 10 * log10(signal / noise) : nil }

    func cause(inputSqnrDb: Double?, hasWeights: Bool) -> ConversionReport.Layer.Cause? {
        guard let sqnrDb else { return nil }
        if clipping > noise / 2 { return .saturation }
        if rounding > noise / 2 { return .coarseSteps }
        if let inputSqnrDb, inputSqnrDb - sqnrDb < 1 { return .earlierLayers }
        return hasWeights ? .weights : .arithmetic
    }
}

extension QuantizedGraph.Kind {
    var weights: QuantizedWeights? {
        switch self {
        case .convolution(let weights, _, _), .depthwise(let weights, _), .groupedConvolution(let weights, _, _),
            .fullyConnected(let weights):
            weights
        default: nil
        }
    }

    var isTable: Bool {
        if case .table = self { return true }
        return false
    }

    /// As the file's op codes are called.
    var name: String { "\(code)" }
}

// ReportPage+Network: the network layer by layer: drawn as a flow with its branches, as the list of what loses most,
// and as a table of every figure.

import Foundation

extension ReportPage {
    // MARK: The flow

    /// Kinds of op for colours; an op that is not named here is `other`, so a new op needs nothing.
    private static let kinds: [(kind: String, words: String, ops: Set<String>)] = [
        ("dense", "convolution", ["convolution", "groupedConvolution"]),
        ("point", "1×1 convolution", ["pointwise"]),
        ("deep", "depthwise convolution", ["depthwise"]),
        ("full", "linear layer", ["fullyConnected"]),
        ("join", "add, multiply, join", ["add", "multiply", "scaleChannels", "concat"]),
        ("pool", "pool", ["globalAveragePool", "globalMaxPool", "maxPool", "averagePool"]),
        ("table", "table of a function", ["table"]),
    ]

    static func kind(_ op: String) -> String { kinds.first { $0.ops.contains(op) }?.kind ?? "other" }

    private static let rowHeight = 46
    private static let headHeight = 34

    var network: Section? {
        let layers = report.layers
        guard !layers.isEmpty else { return nil }
        let wires = Wires(layers)
        let present = Set(layers.map { Self.kind($0.op) })
        let legend = (Self.kinds.map { ($0.kind, $0.words) } + [("other", "other")]).filter { present.contains($0.0) }.map {
            tag("span", [], tag("span", "mark op-\($0.0)", ""), .text($0.1))
        }
        let columns = ["range kept", "saturated", "SQNR", "MACs", "constants", "output", "alive"]
        let head = tag(
            "div", [("class", "row head"), ("style", "padding-left:\(wires.width)px")],
            tag("div", "who", "layer"),
            .group(
                columns.map { name in
                    let visible = name == "SQNR" ? "cell" : ["saturated", "MACs"].contains(name) ? "cell middle" : "cell wide"
                    return tag("div", visible, .text(name))
                }))
        let most = Scale(layers)
        let rows = layers.map { row($0, wires, most) }
        let photo = tag(
            "div", [("class", "row"), ("style", "padding-left:\(wires.width)px")],
            tag("div", "who", tag("div", "op", "photo"), tag("div", "soft", .text(photoShape))))
        return Section(
            "network", "The network, layer by layer", menu: "Network",
            tag(
                "p", "soft",
                "From the photo down to the logits. SQNR tells how much of a layer's signal is left above its noise, noise of earlier layers included: look for a sudden drop. Lines at the side are branches."
            ),
            tag("div", "legend", all: legend),
            .element(
                "div",
                [
                    .init("class", "flow flow-tall"), .init("tabindex", "0"), .init("role", "region"),
                    .init("aria-label", "Layers in the order of execution"),
                ],
                [head, tag("div", [("style", "position:relative")], wires.drawing(layers), photo, .group(rows))]))
    }

    private var photoShape: String {
        guard let crop = report.contract.crop, crop.count == 2 else { return "" }
        return "\(crop[1])×\(crop[0])×3"
    }

    /// What full bars stand for.
    private struct Scale {
        var macs: Double
        var constants: Double
        var output: Double
        var alive: Double
        init(_ layers: [ConversionReport.Layer]) {
            func most(_ value: (ConversionReport.Layer) -> Int) -> Double { Double(max(layers.map(value).max() ?? 1, 1)) }
            macs = most(\.multiplyAdds)
            constants = most(\.constantBytes)
            output = most(\.outputBytes)
            alive = most(\.aliveBytes)
        }
    }

    /// Above 30 dB noise is rarely seen in answers, below 20 dB often.
    private static func tone(_ decibel: Double) -> String { decibel >= 30 ? "good" : decibel >= 20 ? "fair" : "poor" }

    private func row(_ layer: ConversionReport.Layer, _ wires: Wires, _ most: Scale) -> Markup {
        func cell(_ visible: String, _ text: String, _ bar: Markup = .nothing) -> Markup {
            tag("div", "cell \(visible)", tag("div", [], .text(text)), bar)
        }
        let sqnr: Markup =
            if layer.isReadByTablesOnly {
                cell("", "for a table")
            } else if let decibel = layer.sqnrDb {
                cell("", Figures.decibel(decibel), Self.bar(decibel / 60, tone: Self.tone(decibel)))
            } else {
                cell("", "no noise")
            }
        func part(_ value: Int, _ most: Double, _ text: String) -> Markup {
            value == 0 ? cell("wide", "–") : cell("wide", text, Self.bar(Double(value) / most))
        }
        return tag(
            "div", [("class", "row"), ("style", "padding-left:\(wires.width)px")],
            tag(
                "div", "who", tag("div", "op", .text(layer.op)),
                .element(
                    "div", [.init("class", "soft"), .init("title", Self.abbreviated(layer.name, 400))],
                    [.text("\(Self.shape(layer)) · "), tag("bdi", [], .text(layer.name))])),
            cell("wide", Self.range(layer.low, layer.high)),
            cell("middle", layer.saturatedShare > 0 ? Figures.percent(layer.saturatedShare) : "–"),
            sqnr,
            layer.multiplyAdds == 0
                ? cell("middle", "–")
                : cell("middle", Figures.count(layer.multiplyAdds), Self.bar(Double(layer.multiplyAdds) / most.macs)),
            part(layer.constantBytes, most.constants, Figures.bytes(layer.constantBytes)),
            part(layer.outputBytes, most.output, Figures.bytes(layer.outputBytes)),
            part(layer.aliveBytes, most.alive, Figures.bytes(layer.aliveBytes)))
    }

    static func shape(_ layer: ConversionReport.Layer) -> String {
        layer.shape.prefix(2) == [1, 1] ? "\(layer.shape.last ?? 0)" : layer.shape.map(String.init).joined(separator: "×")
    }

    static func range(_ low: Double, _ high: Double) -> String { "\(Figures.short(low)) … \(Figures.short(high))" }

    /// The lines between layers: neighbours by a straight one, others by one that goes round at the side, each in a lane
    /// that is free between its ends.
    private struct Wires {
        /// Rows, the photo's is 0.
        var arcs: [(from: Int, to: Int, lane: Int)] = []
        var straight: Set<Int> = []
        let lanes: Int
        static let laneLimit = 9

        init(_ layers: [ConversionReport.Layer]) {
            var edges: [(from: Int, to: Int)] = []
            for (index, layer) in layers.enumerated() {
                for input in Set(layer.inputs).sorted() {
                    if input == index - 1 { straight.insert(index) } else { edges.append((input + 1, index + 1)) }
                }
            }
            // Short ones nearest to the line: what is left free by a lane's last end takes the next.
            edges.sort { ($0.to - $0.from, $0.from) < ($1.to - $1.from, $1.from) }
            var taken: [[ClosedRange<Int>]] = []
            for edge in edges {
                // Lanes may touch at a row: lines end there half a row apart.
                let span = edge.from...(edge.to - 1)
                let free = taken.firstIndex { !$0.contains { $0.overlaps(span) } }
                let lane = free ?? min(taken.count, Self.laneLimit - 1)
                if lane == taken.count { taken.append([]) }
                taken[lane].append(span)
                arcs.append((edge.from, edge.to, lane))
            }
            lanes = taken.count
        }

        private static let gap = 6
        var width: Int { 30 + Self.gap * lanes }
        private var trunk: Int { 14 + Self.gap * lanes }

        private func middle(_ row: Int) -> Int { row * ReportPage.rowHeight + ReportPage.rowHeight / 2 }

        func drawing(_ layers: [ConversionReport.Layer]) -> Markup {
            var parts: [Markup] = []
            for layer in straight.sorted() {
                parts.append(
                    tag("path", [("class", "wire"), ("d", "M\(trunk) \(middle(layer))V\(middle(layer + 1))")]))
            }
            for arc in arcs {
                let x = trunk - Self.gap * (arc.lane + 1)
                let (start, end) = (middle(arc.from) + 3, middle(arc.to) - 3)
                parts.append(
                    tag(
                        "path",
                        [
                            ("class", "wire"),
                            (
                                "d",
                                "M\(trunk) \(start)H\(x + 5)Q\(x) \(start) \(x) \(start + 5)V\(end - 5)Q\(x) \(end) \(x + 5) \(end)H\(trunk)"
                            ),
                        ]))
            }
            for row in 0...layers.count {
                let kind = row == 0 ? "other" : ReportPage.kind(layers[row - 1].op)
                parts.append(
                    tag(
                        "circle",
                        [("class", "stop op-\(kind)"), ("cx", "\(trunk)"), ("cy", "\(middle(row))"), ("r", "6")]))
            }
            let height = (layers.count + 1) * ReportPage.rowHeight
            return tag(
                "svg",
                [("width", "\(width)"), ("height", "\(height)"), ("viewBox", "0 0 \(width) \(height)"), ("aria-hidden", "true")],
                all: parts)
        }
    }

    // MARK: What loses most

    var lossiestLayers: Section? {
        let lossy = report.lossiest(10)
        guard !lossy.isEmpty else { return nil }
        return Section(
            "losses", "The layers that lose most", menu: "Losses",
            tag(
                "p", "soft",
                "Ordered by the noise that each adds to what its inputs bring. The cause is an estimate: the output's own steps are measured, weights and inputs are what is left."
            ),
            tag(
                "ol", "losses",
                all: lossy.map { index, layer in
                    let saturated =
                        layer.saturatedShare > 0 ? " \(Figures.percent(layer.saturatedShare)) of its values saturate." : ""
                    return tag(
                        "li", [],
                        tag(
                            "div", "who",
                            tag("div", "what", Self.clipped(layer.name)),
                            tag(
                                "div", "drop",
                                .text("\(Figures.decibel(layer.inputSqnrDb)) → \(Figures.decibel(layer.sqnrDb))"))),
                        tag("div", "soft", .text("Layer \(index), \(layer.op): \(layer.why).\(saturated)")))
                }))
    }

    // MARK: Every figure

    var layerTable: Section? {
        guard !report.layers.isEmpty else { return nil }
        let rows = report.layers.enumerated().map { index, layer -> [Markup] in
            [
                .text("\(index)"), Self.clipped(layer.name), .text(layer.op),
                .text(layer.inputs.map { $0 < 0 ? "photo" : "\($0)" }.joined(separator: ", ")), .text(Self.shape(layer)),
                Self.number(layer.sqnrDb, Figures.decibel(layer.sqnrDb)),
                Self.number(layer.inputSqnrDb, Figures.decibel(layer.inputSqnrDb)),
                Self.number(layer.minimum, Figures.short(layer.minimum)),
                Self.number(layer.maximum, Figures.short(layer.maximum)),
                Self.number(layer.low, Figures.short(layer.low)), Self.number(layer.high, Figures.short(layer.high)),
                Self.number(layer.saturatedShare, Figures.percent(layer.saturatedShare)),
                Self.number(layer.multiplyAdds), Self.number(layer.weightBytes), Self.number(layer.constantBytes),
                Self.number(layer.outputBytes), Self.number(layer.aliveBytes),
            ]
        }
        let columns: [(String, Bool)] = [
            ("", true), ("layer", false), ("op", false), ("reads", false), ("output", false), ("SQNR", true),
            ("SQNR in", true), ("seen from", true), ("to", true), ("kept from", true), ("to", true), ("saturated", true),
            ("MACs", true), ("weights", true), ("constants", true), ("output bytes", true), ("alive bytes", true),
        ]
        return Section(
            "figures", "Every layer's figures", menu: "Figures",
            tag(
                "p", "soft",
                "Seen: the float network's values on the calibration photos. Kept: what the 256 steps cover. Constants: weights, biases, multipliers and tables in the file. Alive: all activations that must stand while the layer runs."
            ), Self.table(columns, rows, tall: true))
    }
}

extension ConversionReport.Layer {
    /// The cause in a sentence.
    var why: String {
        switch cause {
        case nil: ""
        case .saturation:
            "values beyond \(ReportPage.range(low, high)) are cut off; calibration saw \(ReportPage.range(minimum, maximum))"
        case .coarseSteps:
            "the range \(ReportPage.range(low, high)) makes steps of \(Figures.short((high - low) / 255)), wide for most of its values"
        case .earlierLayers: "passes on the noise of the layers before it"
        case .weights: "rounded weights, or noise of its inputs that they make larger"
        case .arithmetic: "sums that nearly cancel, or products of noisy inputs"
        }
    }
}

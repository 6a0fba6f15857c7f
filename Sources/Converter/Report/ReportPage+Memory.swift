// ReportPage+Memory: the memory plan as a picture: time to the right, the arena's bytes upwards, a box an activation.

import Foundation

extension ReportPage {
    var memory: Section? {
        let layers = report.layers
        guard !layers.isEmpty, report.arenaBytes > 0, let peak = peakLayer else { return nil }
        let columns = Double(layers.count + 1)
        let (width, height) = (1000.0, 300.0)
        let scale = height / Double(report.arenaBytes)
        let boxes = report.memoryPlan.map { block in
            tag(
                "rect",
                [
                    ("class", "op-\(kindOfWriter(block))"), ("x", Figures.fixed(width * Double(block.first) / columns, 2)),
                    ("y", Figures.fixed(height - scale * Double(block.offset + block.bytes), 2)),
                    ("width", Figures.fixed(width * Double(block.last - block.first + 1) / columns, 2)),
                    ("height", Figures.fixed(max(scale * Double(block.bytes), 0.5), 2)),
                ],
                tag(
                    "title", [],
                    .text(
                        "\(Self.abbreviated(block.name, 120)): \(block.bytes) bytes at \(block.offset), layers \(block.first) to \(block.last)"
                    )))
        }
        let highlight = tag(
            "rect",
            [
                ("class", "peak"), ("x", Figures.fixed(width * Double(peak) / columns, 2)), ("y", "0"),
                ("width", Figures.fixed(width / columns, 2)), ("height", Figures.fixed(height, 0)),
            ])
        let alive = report.memoryPlan.filter { ($0.first...max($0.first, $0.last)).contains(peak) }
        return Section(
            "memory", "What the memory is used for", menu: "Memory",
            tag(
                "p", "soft",
                .text(
                    "Each box is an activation: from the layer that makes it to the last that reads it (or writes over it), at its place "
                        + "in the arena of \(Figures.grouped(report.arenaBytes)) bytes. No plan could need less than "
                        + "\(Figures.grouped(report.arenaLowerBoundBytes)). "
                        + "Layers that the device runs as one block make what is between them in strips, beside the arena.")),
            tag(
                "svg",
                [
                    ("class", "memory"), ("viewBox", "0 0 1000 300"), ("preserveAspectRatio", "none"), ("role", "img"),
                    ("aria-label", "Memory plan"),
                ], highlight, .group(boxes)),
            tag(
                "div", "axis", tag("span", [], "photo"), tag("span", [], .text("time, \(layers.count) layers")),
                tag("span", [], "answer")),
            tag(
                "h3", [], .text("Fullest at layer \(peak), "), Self.clipped(layers[peak].name)),
            Self.table(
                [("activation", false), ("bytes", true), ("at", true), ("from layer", true), ("to", true)],
                alive.map {
                    [
                        Self.clipped($0.name), Self.number($0.bytes), Self.number($0.offset), .text("\($0.first)"),
                        .text("\($0.last)"),
                    ]
                }))
    }

    /// The first of the layers with the most bytes alive.
    private var peakLayer: Int? {
        report.layers.indices.max { (report.layers[$0].aliveBytes, $1) < (report.layers[$1].aliveBytes, $0) }
    }

    /// An activation has the colour of the layer that makes it: the photo's is made by none.
    private func kindOfWriter(_ block: ConversionReport.MemoryBlock) -> String {
        guard report.layers.indices.contains(block.layer) else { return "other" }
        return Self.kind(report.layers[block.layer].op)
    }
}

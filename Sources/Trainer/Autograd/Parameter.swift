// Parameter: one named tensor of a network. Names are torchvision's for the backbone (`features.0.0.weight`), so that
// checkpoints load elsewhere. A buffer (a running average) is a Parameter too: saved, never stepped.

import Tensors

package final class Parameter {
    /// How the tensor lies in a file: PyTorch's O I KH KW for convolutions (in memory O KH KW I), as it is otherwise.
    package enum Layout { case convolution, plain }
    /// Which learning rate applies; buffers have none.
    package enum Group { case backbone, head, buffer }

    package let name: String
    package let layout: Layout
    package let group: Group
    package var value: Tensor
    /// SGD's momentum; made by the optimizer on the first step, saved in checkpoints as `optimizer.NAME`.
    package var velocity: Tensor?

    package init(name: String, layout: Layout = .plain, group: Group, value: Tensor) {
        self.name = name
        self.layout = layout
        self.group = group
        self.value = value
    }
}

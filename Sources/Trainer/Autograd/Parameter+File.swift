// Parameter in a file: safetensors hold PyTorch's layouts, memory holds ours. Convolution weights turn between O I KH
// KW and O KH KW I.

import ModelGraph
import Tensors

extension Parameter {
    /// The shape that the parameter has in a file.
    package var fileShape: [Int] {
        let shape = value.shape
        return layout == .convolution ? [shape[0], shape[3], shape[1], shape[2]] : shape
    }

    /// A tensor of the parameter's kind (its value, its velocity) as a file holds it.
    package func fileEntry(of tensor: Tensor) -> Safetensors.Entry {
        precondition(tensor.shape == value.shape, "\(name): \(tensor.shape), the parameter is \(value.shape)")
        return Safetensors.Entry(shape: fileShape, values: permuted(tensor.array(), toFile: true))
    }

    /// The inverse: nil where the entry's shape is not the parameter's.
    package func tensor(from entry: Safetensors.Entry, backend: any Backend) -> Tensor? {
        guard entry.shape == fileShape, entry.values.count == value.count else { return nil }
        return backend.makeTensor(shape: value.shape, values: permuted(entry.values, toFile: false))
    }

    private func permuted(_ values: [Float], toFile: Bool) -> [Float] {
        guard layout == .convolution else { return values }
        let shape = value.shape
        let (taps, inputs) = (shape[1] * shape[2], shape[3])
        var result = values
        for output in 0..<shape[0] {
            for tap in 0..<taps {
                for input in 0..<inputs {
                    let memory = (output * taps + tap) * inputs + input
                    let file = (output * inputs + input) * taps + tap
                    if toFile { result[file] = values[memory] } else { result[memory] = values[file] }
                }
            }
        }
        return result
    }
}

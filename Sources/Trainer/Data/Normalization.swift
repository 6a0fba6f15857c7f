// Normalization: from pixels to what the network sees: (pixel − mean) / deviation, per channel, on the scale 0…255.

import Tensors

package struct Normalization: Sendable, Equatable, Codable {
    /// Of R, G, B.
    package var mean: [Float]
    package var standardDeviation: [Float]

    package init(mean: [Float], standardDeviation: [Float]) {
        precondition(
            mean.count == 3 && standardDeviation.count == 3, "three channels, not \(mean), \(standardDeviation)")
        self.mean = mean
        self.standardDeviation = standardDeviation
    }

    /// torchvision's ImageNet figures, times 255.
    package static let imageNet = Normalization(
        mean: [0.485 * 255, 0.456 * 255, 0.406 * 255], standardDeviation: [0.229 * 255, 0.224 * 255, 0.225 * 255])

    /// - Parameter pixels: N × height × width × 3 bytes.
    /// - Returns: N H W 3.
    package func tensor(pixels: [UInt8], count: Int, height: Int, width: Int, backend: any Backend) -> Tensor {
        precondition(
            pixels.count == count * height * width * 3, "\(pixels.count) bytes for \(count)×\(height)×\(width)")
        // A byte has 256 values: a table gives each one's exact quotient without dividing again.
        let table = (0..<3).flatMap { channel in
            (0..<256).map { (Float($0) - mean[channel]) / standardDeviation[channel] }
        }
        let values = [Float](unsafeUninitializedCapacity: pixels.count) { output, initialized in
            pixels.withUnsafeBufferPointer { pixels in
                table.withUnsafeBufferPointer { table in
                    for first in stride(from: 0, to: pixels.count, by: 3) {
                        output[first] = table[Int(pixels[first])]
                        output[first + 1] = table[256 + Int(pixels[first + 1])]
                        output[first + 2] = table[512 + Int(pixels[first + 2])]
                    }
                }
            }
            initialized = pixels.count
        }
        return backend.makeTensor(shape: [count, height, width, 3], values: values)
    }
}

// Global pooling: N H W C → N C, the average or the maximum over all pixels of an image.

extension PlainBackend {
    package func globalAveragePool(_ x: Tensor) -> Tensor {
        let (batch, pixels, channels) = checkImages(x.shape)
        let result = makeTensor(shape: [batch, channels])
        for n in 0..<batch {
            for c in 0..<channels {
                var sum = 0.0
                for p in 0..<pixels { sum += Double(x.host[(n * pixels + p) * channels + c]) }
                result.host[n * channels + c] = Float(sum / Double(pixels))
            }
        }
        return result
    }

    package func globalAveragePoolBackward(inputShape: [Int], outputGradient: Tensor) -> Tensor {
        let (batch, pixels, channels) = checkImages(inputShape)
        checkPooled(outputGradient, batch: batch, channels: channels)
        let result = makeTensor(shape: inputShape)
        for n in 0..<batch {
            for p in 0..<pixels {
                for c in 0..<channels {
                    result.host[(n * pixels + p) * channels + c] = outputGradient.host[n * channels + c] / Float(pixels)
                }
            }
        }
        return result
    }

    package func globalMaxPool(_ x: Tensor) -> Tensor {
        let (batch, pixels, channels) = checkImages(x.shape)
        let result = makeTensor(shape: [batch, channels])
        for n in 0..<batch {
            for c in 0..<channels {
                var largest = -Float.infinity
                for p in 0..<pixels { largest = max(largest, x.host[(n * pixels + p) * channels + c]) }
                result.host[n * channels + c] = largest
            }
        }
        return result
    }

    package func globalMaxPoolBackward(_ x: Tensor, output: Tensor, outputGradient: Tensor) -> Tensor {
        let (batch, pixels, channels) = checkImages(x.shape)
        checkPooled(output, batch: batch, channels: channels)
        checkPooled(outputGradient, batch: batch, channels: channels)
        let result = makeTensor(shape: x.shape, repeating: 0)
        for n in 0..<batch {
            for c in 0..<channels {
                for p in 0..<pixels {
                    let index = (n * pixels + p) * channels + c
                    if x.host[index] == output.host[n * channels + c] {
                        result.host[index] = outputGradient.host[n * channels + c]
                        break
                    }
                }
            }
        }
        return result
    }
}

/// N H W C as batch, pixels an image, channels.
func checkImages(_ shape: [Int]) -> (batch: Int, pixels: Int, channels: Int) {
    precondition(shape.count == 4 && shape[1] * shape[2] > 0, "images have the axes N H W C, not \(shape)")
    return (shape[0], shape[1] * shape[2], shape[3])
}

func checkPooled(_ x: Tensor, batch: Int, channels: Int) {
    precondition(x.shape == [batch, channels], "pooled \(x.shape), not \([batch, channels])")
}

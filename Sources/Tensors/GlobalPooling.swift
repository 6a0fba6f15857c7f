// Global pooling: N H W C → N C, the average or the maximum over all pixels of an image.

import CTensorKernels

extension PlainBackend {
    package func globalAveragePool(_ x: Tensor) -> Tensor {
        let (batch, pixels, channels) = checkImages(x.shape)
        let result = makeTensor(shape: [batch, channels])
        let (input, pooled) = (x.host, result.host)
        for n in 0..<batch {
            for c in 0..<channels {
                var sum = 0.0
                for p in 0..<pixels { sum += Double(input[(n * pixels + p) * channels + c]) }
                pooled[n * channels + c] = Float(sum / Double(pixels))
            }
        }
        return result
    }

    package func globalAveragePoolBackward(inputShape: [Int], outputGradient: Tensor) -> Tensor {
        let (batch, pixels, channels) = checkImages(inputShape)
        checkPooled(outputGradient, batch: batch, channels: channels)
        let result = makeTensor(shape: inputShape)
        let (dy, dx) = (outputGradient.host, result.host)
        for n in 0..<batch {
            for p in 0..<pixels {
                for c in 0..<channels {
                    dx[(n * pixels + p) * channels + c] = dy[n * channels + c] / Float(pixels)
                }
            }
        }
        return result
    }

    package func globalMaxPool(_ x: Tensor) -> Tensor {
        let (batch, pixels, channels) = checkImages(x.shape)
        let result = makeTensor(shape: [batch, channels])
        let (input, pooled) = (x.host, result.host)
        for n in 0..<batch {
            for c in 0..<channels {
                var largest = -Float.infinity
                for p in 0..<pixels { largest = max(largest, input[(n * pixels + p) * channels + c]) }
                pooled[n * channels + c] = largest
            }
        }
        return result
    }

    package func globalMaxPoolBackward(_ x: Tensor, output: Tensor, outputGradient: Tensor) -> Tensor {
        let (batch, pixels, channels) = checkImages(x.shape)
        checkPooled(output, batch: batch, channels: channels)
        checkPooled(outputGradient, batch: batch, channels: channels)
        let result = makeTensor(shape: x.shape, repeating: 0)
        let (input, pooled, dy, dx) = (x.host, output.host, outputGradient.host, result.host)
        for n in 0..<batch {
            for c in 0..<channels {
                for p in 0..<pixels {
                    let index = (n * pixels + p) * channels + c
                    if input[index] == pooled[n * channels + c] {
                        dx[index] = dy[n * channels + c]
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

extension FastBackend {
    package func globalAveragePool(_ x: Tensor) -> Tensor {
        let (batch, pixels, channels) = checkImages(x.shape)
        let result = makeTensor(shape: [batch, channels])
        tensor_average_pool(engine, batch, pixels, channels, x.host, result.host)
        return result
    }

    package func globalAveragePoolBackward(inputShape: [Int], outputGradient: Tensor) -> Tensor {
        let (batch, pixels, channels) = checkImages(inputShape)
        checkPooled(outputGradient, batch: batch, channels: channels)
        let result = makeTensor(shape: inputShape)
        tensor_average_pool_backward(engine, batch, pixels, channels, outputGradient.host, result.host)
        return result
    }

    package func globalMaxPool(_ x: Tensor) -> Tensor {
        let (batch, pixels, channels) = checkImages(x.shape)
        let result = makeTensor(shape: [batch, channels])
        tensor_max_pool(engine, batch, pixels, channels, x.host, result.host)
        return result
    }

    package func globalMaxPoolBackward(_ x: Tensor, output: Tensor, outputGradient: Tensor) -> Tensor {
        let (batch, pixels, channels) = checkImages(x.shape)
        checkPooled(output, batch: batch, channels: channels)
        checkPooled(outputGradient, batch: batch, channels: channels)
        let result = makeTensor(shape: x.shape)
        tensor_max_pool_backward(
            engine, batch, pixels, channels, x.host, output.host, outputGradient.host, result.host)
        return result
    }
}

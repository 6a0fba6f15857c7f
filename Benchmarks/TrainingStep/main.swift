// TrainingStep: images a second of forward, backward and step on one random batch, MobileNetV2. Nothing else is timed:
// no photos are read.
//
//     swift run -c release TrainingStep [--method plain|rmg-pmsi] [--heads paper|separable] [--size 224] [--batch 16] [--classes 1000]
//                                       [--threads 2] [--steps 12] [--profile]
//
// For RMG-PMSI a step is an iteration of four phases, each a forward, a backward and a step: images/s counts a batch
// once.
// The last line is `images/s median M best B`, read by Benchmarks/peers/training_speed.

import Foundation
import Tensors
import Trainer

/// One float a caller could have had from torch.randn: the numbers do not matter, only that they are not all alike.
func noise(_ count: Int) -> [Float] {
    var random = RandomStream(key: [1])
    return (0..<count).map { _ in 3.4 * (random.uniform() - 0.5) }
}

func option(_ name: String, _ standard: String) -> String {
    let arguments = CommandLine.arguments
    guard let place = arguments.firstIndex(of: "--" + name), place + 1 < arguments.count else { return standard }
    return arguments[place + 1]
}

func number(_ name: String, _ standard: Int) -> Int {
    guard let value = Int(option(name, "\(standard)")), value > 0 else {
        print("--\(name) takes a positive number")
        exit(64)
    }
    return value
}

func run() throws {
    let (size, batch, steps) = (number("size", 224), number("batch", 16), number("steps", 12))
    let fast = FastBackend(threads: number("threads", min(ProcessInfo.processInfo.activeProcessorCount, 2)))
    let timed = CommandLine.arguments.contains("--profile") ? TimedBackend(fast) : nil
    let backend: any Backend = timed ?? fast

    var configuration = NetworkConfiguration(classCount: number("classes", 1000))
    configuration.imageSize = size
    configuration.method = .init(rawValue: option("method", "plain")) ?? .plain
    configuration.heads = .init(rawValue: option("heads", "paper")) ?? .paper
    let step = TrainingStep(
        network: try configuration.makeNetwork(backend: backend, seed: 1), method: configuration.trainingMethod,
        optimizer: SGD(backend: backend), seed: 1)

    let pixels = backend.makeTensor(shape: [batch, size, size, 3], values: noise(batch * size * size * 3))
    let labels = (0..<batch).map { $0 % configuration.classCount }
    let clock = ContinuousClock()
    var rates: [Double] = []
    var loss: Float = 0
    for iteration in 0..<steps + 2 {
        if iteration == 2 { timed?.reset() }
        let time = clock.measure {
            loss = step.run(
                pixels: pixels, labels: labels, iteration: iteration, rates: .init(backbone: 1e-3, head: 1e-3)
            ).reduce(0, +)
        }
        // The first two make primitives and fill the memory pool.
        if iteration >= 2 { rates.append(Double(batch) / (time / .seconds(1))) }
    }
    rates.sort()
    timed?.report(steps: steps)
    print(
        "\(configuration.method.rawValue), \(size)², batch \(batch), \(fast.threads) threads, \(fast.vectors): last loss \(loss)"
    )
    print(String(format: "images/s median %.1f best %.1f", rates[rates.count / 2], rates[rates.count - 1]))
}

try run()

// Batches: the same bytes for any number of workers, each photo once an epoch, crops as drawn, bad photos named once.

import Foundation
import ImageCodec
import Tensors
import TestSupport
import Testing
import TinyRuntime
import Trainer

@Suite struct LoopBatchLoaderTests {
    /// 11 photos, resized to 12×10, cropped to 8×6.
    private let preprocessing = Preprocessing(
        resizeMode: .squash, resizeWidth: 12, resizeHeight: 10, cropWidth: 8, cropHeight: 6)
    private let augmentation = Augmentation(cropWidth: 8, cropHeight: 6, flips: true)

    private func photos(_ folder: TemporaryFolder, memoryLimit: Int = 1 << 30) throws -> ResizedImages {
        for photo in 0..<11 {
            try folder.writePPM("\(photo % 2 == 0 ? "a" : "b")/\(photo).ppm", width: 12, height: 10, seed: photo)
        }
        return ResizedImages(
            samples: try ImageFolder(listing: folder.path).samples, preprocessing: preprocessing,
            memoryLimit: memoryLimit)
    }

    private func batches(_ images: ResizedImages, epoch: Int, workers: Int) throws -> [Batch] {
        let loader = BatchLoader(
            images, augmentation: augmentation, batchSize: 3, seed: 5, epoch: epoch, workers: workers)
        var batches: [Batch] = []
        while let batch = try loader.next() { batches.append(batch) }
        return batches
    }

    @Test func workersAndCacheChangeNothing() throws {
        let folder = try TemporaryFolder()
        let images = try photos(folder)
        let one = try batches(images, epoch: 2, workers: 1)
        #expect(one.count == 3, "11 photos give 3 batches of 3; two are dropped")
        #expect(try batches(images, epoch: 2, workers: 3) == one)
        #expect(try batches(try photos(folder, memoryLimit: 0), epoch: 2, workers: 3) == one)
        #expect(try batches(try photos(folder, memoryLimit: 1000), epoch: 2, workers: 2) == one)
        #expect(try batches(images, epoch: 3, workers: 1) != one)
    }

    @Test func aBatchIsTheCropsOfItsSamples() throws {
        let folder = try TemporaryFolder()
        let images = try photos(folder)
        let order = BatchLoader.order(count: 11, seed: 5, epoch: 4)
        #expect(order.sorted() == Array(0..<11))
        #expect(order != Array(0..<11))
        for (number, batch) in try batches(images, epoch: 4, workers: 2).enumerated() {
            var expected: [UInt8] = []
            for sample in order[number * 3..<number * 3 + 3] {
                let path = images.samples[sample].path
                let name = (path as NSString).lastPathComponent.dropLast(4)
                let source = noise(width: 12, height: 10, seed: try #require(Int(name)))
                let draw = augmentation.draw(width: 12, height: 10, seed: 5, epoch: 4, sample: sample)
                for y in 0..<6 {
                    for x in 0..<8 {
                        let column = draw.x + (draw.isFlipped ? 7 - x : x)
                        for channel in 0..<3 { expected.append(source[((draw.y + y) * 12 + column) * 3 + channel]) }
                    }
                }
            }
            #expect(batch.pixels == expected)
            #expect(batch.labels == order[number * 3..<number * 3 + 3].map { images.samples[$0].label })
        }
    }

    @Test func drawsCoverEveryPositionEvenly() {
        var positions: [Augmentation.Draw: Int] = [:]
        for sample in 0..<4000 {
            positions[augmentation.draw(width: 10, height: 7, seed: 1, epoch: 0, sample: sample), default: 0] += 1
        }
        // 3 × 2 × 2 equally likely draws: 333 each, standard deviation 17.5; five of them.
        #expect(positions.count == 12)
        #expect(positions.values.allSatisfy { (245...421).contains($0) }, "\(positions)")
        let unflipped = Augmentation(cropWidth: 8, cropHeight: 6, flips: false)
        for sample in 0..<100 {
            var draw = augmentation.draw(width: 10, height: 7, seed: 1, epoch: 0, sample: sample)
            draw.isFlipped = false
            #expect(unflipped.draw(width: 10, height: 7, seed: 1, epoch: 0, sample: sample) == draw)
        }
    }

    @Test(arguments: [ResizeMode.squash, .shortSide]) func centreCropsAreTheDevicesPixels(mode: ResizeMode) throws {
        let folder = try TemporaryFolder()
        var preprocessing = Preprocessing(
            resizeMode: mode, resizeWidth: 9, resizeHeight: 9, cropWidth: 8, cropHeight: 8)
        preprocessing.filter = .bicubic
        for (photo, size) in [(31, 17), (17, 31), (9, 9), (20, 21)].enumerated() {
            try folder.writePPM("a/\(photo).ppm", width: size.0, height: size.1, seed: photo)
        }
        let images = ResizedImages(
            samples: try ImageFolder(listing: folder.path).samples, preprocessing: preprocessing, memoryLimit: 1 << 20)
        for index in 0..<4 {
            let expected = try ImageFile.decode(path: images.samples[index].path).preprocessed(by: preprocessing)
            #expect(try images.centreCrop(at: index) == expected)
        }
    }

    @Test func centreCropBatchesKeepTheRest() throws {
        let folder = try TemporaryFolder()
        let images = try photos(folder)
        let loader = BatchLoader.centreCrops(of: images, batchSize: 4, workers: 3)
        var labels: [Int] = []
        var counts: [Int] = []
        while let batch = try loader.next() {
            labels += batch.labels
            counts.append(batch.count)
        }
        #expect(counts == [4, 4, 3])
        #expect(labels == images.samples.map(\.label))
    }

    @Test func badPhotosAreNamedOnceAndSkipped() throws {
        let folder = try TemporaryFolder()
        _ = try photos(folder)
        try folder.write(Data(ppm(width: 50, height: 50, pixels: [1, 2, 3])), to: "a/truncated.ppm")
        try folder.write(Data(), to: "b/empty.ppm")
        let all = ResizedImages(
            samples: try ImageFolder(listing: folder.path).samples, preprocessing: preprocessing, memoryLimit: 1 << 20)
        var calls: [Int] = []
        let check = try ImageCheck(all, workers: 3, isStrict: false) { done, count in
            #expect(count == 13)
            calls.append(done)
        }
        #expect(calls == Array(1...13))
        #expect(check.skipped.map(\.path) == ["/a/truncated.ppm", "/b/empty.ppm"].map { folder.path + $0 })
        #expect(check.images.samples == all.samples.filter { !check.skipped.map(\.path).contains($0.path) })
        for index in check.images.samples.indices {
            let path = check.images.samples[index].path
            let expected = try ImageFile.decode(path: path).preprocessed(by: preprocessing)
            #expect(try check.images.centreCrop(at: index) == expected, "the kept pixels stay with their photo")
        }
        #expect {
            _ = try ImageCheck(all, workers: 3, isStrict: true)
        } throws: { error in
            guard case .badImage(let path, _)? = error as? DatasetError else { return false }
            return path == folder.path + "/a/truncated.ppm"
        }
    }

    @Test func normalizationIsByChannel() {
        let normalization = Normalization(mean: [1, 2, 127.5], standardDeviation: [2, 4, 127.5])
        let pixels = noise(width: 3, height: 2, seed: 3)
        let tensor = normalization.tensor(pixels: pixels, count: 1, height: 2, width: 3, backend: PlainBackend())
        #expect(tensor.shape == [1, 2, 3, 3])
        let expected = pixels.enumerated().map {
            (Float($1) - normalization.mean[$0 % 3]) / normalization.standardDeviation[$0 % 3]
        }
        #expect(tensor.array() == expected)
    }

    @Test func aFailureReachesTheCallerInOrder() throws {
        struct Broken: Error {}
        let prefetcher = Prefetcher<Int>(count: 100, workers: 3, ahead: 5) { index in
            if index == 7 { throw Broken() }
            return index
        }
        for expected in 0..<7 { #expect(try prefetcher.next() == expected) }
        #expect(throws: Broken.self) { try prefetcher.next() }
        #expect(try prefetcher.next() == nil)
    }
}

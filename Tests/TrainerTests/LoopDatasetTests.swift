// Folders become classes, samples and splits; what is wrong with a folder is named.

import Foundation
import ModelGraph
import Testing
import Trainer

@Suite struct LoopDatasetTests {
    @Test func trainAndValFoldersAreUsedAsTheyStand() throws {
        let folder = try TemporaryFolder()
        for name in ["train/b/2.ppm", "train/b/10.ppm", "train/a/x.PPM", "val/a/v.ppm", "val/b/deep/er/w.ppm"] {
            try folder.writePPM(name)
        }
        try folder.write(Data("no photo".utf8), to: "train/a/notes.txt")
        try folder.write(Data("hidden".utf8), to: "train/a/.x.ppm")
        try folder.write(Data("hidden".utf8), to: "train/.cache/x.ppm")
        let index = try DatasetIndex(folder: folder.path + "/", seed: 1)
        #expect(index.classes == ["a", "b"])
        #expect(!index.isSplitBySeed)
        let root = folder.path
        #expect(
            index.training == [
                .init(path: root + "/train/a/x.PPM", label: 0), .init(path: root + "/train/b/10.ppm", label: 1),
                .init(path: root + "/train/b/2.ppm", label: 1),
            ])
        #expect(
            index.validation == [
                .init(path: root + "/val/a/v.ppm", label: 0), .init(path: root + "/val/b/deep/er/w.ppm", label: 1),
            ])
    }

    @Test(arguments: ["validation", "test"]) func otherNamesOfValidation(name: String) throws {
        let folder = try TemporaryFolder()
        for name in ["train/a/1.ppm", "train/b/1.ppm", name + "/b/1.ppm"] { try folder.writePPM(name) }
        let index = try DatasetIndex(folder: folder.path, seed: 1)
        #expect(index.validation == [.init(path: folder.path + "/\(name)/b/1.ppm", label: 1)])
    }

    @Test func seededSplitTakesItsShareOfEachClass() throws {
        let folder = try TemporaryFolder()
        for photo in 0..<10 { try folder.writePPM("a/\(photo).ppm") }
        for photo in 0..<5 { try folder.writePPM("b/\(photo).ppm") }
        try folder.writePPM("c/only.ppm")
        let first = try DatasetIndex(folder: folder.path, seed: 7)
        #expect(first.isSplitBySeed)
        func counts(_ samples: [DatasetIndex.Sample]) -> [Int] {
            (0..<3).map { label in samples.count { $0.label == label } }
        }
        #expect(counts(first.validation) == [2, 1, 0])
        #expect(counts(first.training) == [8, 4, 1])
        #expect(Set((first.training + first.validation).map(\.path)).count == 16)
        #expect(try DatasetIndex(folder: folder.path, seed: 7) == first)
        let splits = try (0..<20).map { Set(try DatasetIndex(folder: folder.path, seed: $0).validation.map(\.path)) }
        #expect(Set(splits).count > 5, "the seed chooses the split")
    }

    @Test func aFolderCalledTrainWithPhotosIsAClass() throws {
        let folder = try TemporaryFolder()
        for name in ["train/1.ppm", "car/1.ppm"] { try folder.writePPM(name) }
        #expect(try DatasetIndex(folder: folder.path, seed: 1).classes == ["car", "train"])
    }

    @Test func theHashSeesNamesSizesAndLabels() throws {
        let folder = try TemporaryFolder()
        for name in ["a/1.ppm", "b/1.ppm"] { try folder.writePPM(name) }
        let before = try DatasetIndex(folder: folder.path, seed: 1).hash
        #expect(before.count == 16)
        try folder.writePPM("b/1.ppm", width: 9)
        let resized = try DatasetIndex(folder: folder.path, seed: 1).hash
        #expect(resized != before)
        try folder.writePPM("b/1.ppm")
        #expect(try DatasetIndex(folder: folder.path, seed: 1).hash == before)
        try FileManager.default.moveItem(atPath: folder.path + "/b/1.ppm", toPath: folder.path + "/b/2.ppm")
        #expect(try DatasetIndex(folder: folder.path, seed: 1).hash != before)
    }

    @Test func errorsNameWhatIsWrong() throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        #expect(throws: FileError.missing(path: path + "/none")) { try DatasetIndex(folder: path + "/none", seed: 1) }
        #expect(throws: DatasetError.noImages(folder: path)) { try DatasetIndex(folder: path, seed: 1) }
        try folder.writePPM("file.ppm")
        #expect(throws: DatasetError.notAFolder(path: path + "/file.ppm")) {
            try DatasetIndex(folder: path + "/file.ppm", seed: 1)
        }
        #expect(throws: DatasetError.noImages(folder: path)) { try DatasetIndex(folder: path, seed: 1) }
        try folder.writePPM("a/1.ppm")
        #expect(throws: DatasetError.oneClass(folder: path, name: "a")) { try DatasetIndex(folder: path, seed: 1) }
        try folder.makeFolder("b")
        try folder.makeFolder("c")
        #expect(throws: DatasetError.emptyClasses(folder: path, classes: ["b", "c"])) {
            try DatasetIndex(folder: path, seed: 1)
        }
    }

    @Test func validationClassesMustBeTrainingClasses() throws {
        let folder = try TemporaryFolder()
        for name in ["train/a/1.ppm", "train/b/1.ppm", "val/a/1.ppm", "val/z/1.ppm", "val/y/1.ppm"] {
            try folder.writePPM(name)
        }
        let error = DatasetError.unknownClasses(
            folder: folder.path + "/val", classes: ["y", "z"], known: folder.path + "/train")
        #expect(throws: error) { try DatasetIndex(folder: folder.path, seed: 1) }
        #expect("\(error)".contains("'y', 'z'"))
    }

    @Test func evaluationFollowsTheModelsLabels() throws {
        let folder = try TemporaryFolder()
        for name in ["train/a/1.ppm", "val/c/1.ppm", "val/a/1.ppm"] { try folder.writePPM(name) }
        let samples = try DatasetIndex.evaluationSamples(folder: folder.path, classes: ["c", "b", "a"])
        #expect(samples.map(\.label) == [2, 0])
        #expect(samples.map(\.path) == ["a", "c"].map { folder.path + "/val/\($0)/1.ppm" })
        #expect(throws: DatasetError.unknownClasses(folder: folder.path + "/val", classes: ["c"], known: "the model")) {
            try DatasetIndex.evaluationSamples(folder: folder.path, classes: ["a", "b"])
        }
    }
}

// DatasetError: what can be wrong with a folder of photos, said with the folder's, the classes' or the photo's name.

package enum DatasetError: Error, Equatable {
    case notAFolder(path: String)
    /// Neither DIR/train/CLASS/photo.jpg nor DIR/CLASS/photo.jpg is there.
    case noImages(folder: String)
    case emptyClasses(folder: String, classes: [String])
    case oneClass(folder: String, name: String)
    /// Classes of `folder` that the training folder (or the model) does not have.
    case unknownClasses(folder: String, classes: [String], known: String)
    case batchTooLarge(batchSize: Int, images: Int)
    /// A photo that cannot be decoded; thrown only where it may not be skipped.
    case badImage(path: String, reason: String)
}

extension DatasetError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notAFolder(let path):
            "\(path): not a folder; photos are expected in \(path)/train/CLASS/ and \(path)/val/CLASS/, or in \(path)/CLASS/"
        case .noImages(let folder):
            "\(folder): no images found; expected a folder for each class with .jpg, .jpeg, .png or .ppm files in it"
        case .emptyClasses(let folder, let classes):
            "\(folder): no usable image in \(Self.list(classes)); add photos or remove the folder"
        case .oneClass(let folder, let name):
            "\(folder): only one class, '\(name)'; a classifier needs at least two folders with images"
        case .unknownClasses(let folder, let classes, let known):
            "\(folder): \(Self.list(classes)) not among the classes of \(known); rename or remove the folder"
        case .batchTooLarge(let batchSize, let images):
            "a batch of \(batchSize) is more than the \(images) training images; choose a smaller --batch-size"
        case .badImage(let path, let reason):
            "\(path): \(reason)"
        }
    }

    private static func list(_ classes: [String]) -> String {
        let shown = classes.prefix(8).map { "'\($0)'" }.joined(separator: ", ")
        let kind = classes.count == 1 ? "class" : "classes"
        return "\(kind) \(shown)" + (classes.count > 8 ? " and \(classes.count - 8) more" : "")
    }
}

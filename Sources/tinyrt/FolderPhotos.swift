// FolderPhotos: the photos that lie in a folder, in the order of their names' bytes; those in folders inside are left out.

import CDeviceShim
import TinyRuntime

final class FolderPhotos {
    private let folder: Argument
    private var list = device_names()
    private var index = 0
    /// An errno where the folder cannot be read: then there are no photos.
    let error: Int32

    init(_ folder: Argument) {
        self.folder = folder
        error = device_list(folder.pointer, &list)
    }

    deinit { device_names_free(&list) }

    /// - Returns: a name, good as long as this value, and KnownPhotos' hash of it; nil: that was the last.
    func next() -> (name: UnsafePointer<CChar>, hash: UInt64)? {
        while index < list.count {
            let name = list.names[index]
            index += 1
            guard let name, PhotoName.fits(name) else { continue }
            var identity = device_identity()
            let found = Path(folder, name).withArgument { device_identify($0.pointer, &identity) == 0 }
            if found { return (UnsafePointer(name), KnownPhotos.hash(name, identity)) }
        }
        return nil
    }
}

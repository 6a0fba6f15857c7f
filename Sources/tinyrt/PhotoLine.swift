// PhotoLine: photos that a thread of its own finds and decodes, up to two ahead of the one that is classified (device_line.h). Their order is
// kept.

import CDeviceShim
import TinyRuntime

final class PhotoLine {
    struct Photo {
        let name: TextBytes
        let problem: PhotoProblem?
        /// The network's input; means nothing where there is a problem.
        let pixels: UnsafeMutablePointer<UInt8>
    }

    private static let places = 2

    private let line: OpaquePointer
    private let photos: UnsafeMutablePointer<Photo?>
    private let pixels: UnsafeMutablePointer<UInt8>
    private let photoBytes: Int
    private var finder: PhotoFinder?

    /// nil: no memory.
    init?(photoBytes: Int) {
        guard let line = device_line_create(Int32(Self.places)) else { return nil }
        self.line = line
        self.photoBytes = photoBytes
        photos = .allocate(capacity: Self.places)
        photos.initialize(repeating: nil, count: Self.places)
        pixels = .allocate(capacity: Self.places * photoBytes)
    }

    deinit {
        device_line_destroy(line)
        photos.deinitialize(count: Self.places)
        photos.deallocate()
        pixels.deallocate()
    }

    /// False: the system has no thread for it.
    func start(_ names: [Argument], _ preprocessing: Preprocessing) -> Bool {
        // Unowned: the line outlives the thread, which `deinit` waits for.
        finder = PhotoFinder(names, preprocessing) { [unowned(unsafe) self] name, decode in put(name, decode) }
        let error = device_line_start(
            line,
            { context in
                if let context { Unmanaged<PhotoLine>.fromOpaque(context).takeUnretainedValue().make() }
            }, Unmanaged.passUnretained(self).toOpaque())
        return error == 0
    }

    /// On the thread of its own.
    private func make() {
        _ = finder?.run()
        device_line_close(line)
    }

    private func put(_ name: UnsafeBufferPointer<UInt8>, _ decode: PhotoFinder.Decode) -> Bool {
        let place = Int(device_line_free(line))
        guard place >= 0 else { return false }
        let target = pixels + place * photoBytes
        var copy = TextBytes()
        copy.append(name)
        photos[place] = Photo(name: copy, problem: decode(target), pixels: target)
        device_line_filled(line)
        return true
    }

    /// Waits for the next photo, which stays as it is until `used`; nil: that was the last.
    func next() -> Photo? {
        let place = Int(device_line_next(line))
        return place >= 0 ? photos[place] : nil
    }

    func used() { device_line_used(line) }

    /// No more photos are wanted. The thread may be waiting for its input for ever: the process ends without it, and what it uses is never
    /// freed.
    func stop() {
        _ = Unmanaged.passRetained(self)
        device_line_stop(line)
    }
}

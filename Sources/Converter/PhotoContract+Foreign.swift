// PhotoContract+Foreign: the files in which timm and Hugging Face say how a photo becomes their network's input.
// Recognised by keys that only they have; their mean and deviation are of pixels from 0 to 1 by definition (timm's
// `pretrained_cfg`, huggingface.co/docs/timm) or by the file's own `rescale_factor` (transformers' image processors),
// so that nothing is guessed. What would need a preprocessing that devices do not have is refused by its key.

import Foundation
import ModelGraph
import TinyRuntime

extension PhotoContract {
    /// nil: it is neither.
    init?(foreign object: [String: Any]) throws {
        if let settings = object["pretrained_cfg"] as? [String: Any] {
            try self.init(timm: settings)
        } else if object["crop_pct"] != nil, object["interpolation"] != nil {
            try self.init(timm: object)
        } else if object["image_mean"] != nil || object["image_processor_type"] != nil {
            try self.init(huggingFace: object)
        } else {
            return nil
        }
    }

    /// timm's evaluation transform: the short side to ⌊input / crop_pct⌋, centre crop.
    private init(timm object: [String: Any]) throws {
        self.init()
        let size = try Self.integers("input_size", object, count: 3)
        guard size[0] == 3, size[1...].allSatisfy((1...ModelMetadata.sideLimit).contains) else {
            throw PhotoContractError("'input_size' is \(size), accepted is [3, height, width]")
        }
        let share = try Self.number("crop_pct", object)
        guard (0.1...1).contains(share) else { throw PhotoContractError("'crop_pct' is \(share), accepted are 0.1…1") }
        crop = [size[2], size[1]]
        switch object["crop_mode"] as? String ?? "center" {
        case "center":
            guard size[1] == size[2] else {
                throw PhotoContractError("'input_size' is \(size): only square inputs are cropped as timm does")
            }
            resizeMode = .shortSide
        case "squash": resizeMode = .squash
        case let mode: throw PhotoContractError("'crop_mode' is '\(mode)', accepted are 'center' and 'squash'")
        }
        resize = [size[2], size[1]].map { Int((Double($0) / share).rounded(.down)) }
        filter = try Self.filter("interpolation", object["interpolation"] as? String)
        mean = try Self.floats("mean", object).map { Float($0 * 255) }
        standardDeviation = try Self.floats("std", object).map { Float($0 * 255) }
        labels = object["label_names"] as? [String]
    }

    private init(huggingFace object: [String: Any]) throws {
        self.init()
        if let order = object["do_flip_channel_order"] as? Bool, order {
            throw PhotoContractError("'do_flip_channel_order': the photo's channels are R, G, B here")
        }
        guard object["do_resize"] as? Bool != false else {
            throw PhotoContractError("'do_resize' is false; photos of every size must become one size")
        }
        let cropped = object["do_center_crop"] as? Bool ?? (object["crop_size"] != nil)
        let size = try Self.size("size", object)
        if size.isShortSide, !cropped {
            throw PhotoContractError("'size' is the short side alone, and 'do_center_crop' is not set")
        }
        let taken = cropped ? try Self.size("crop_size", object).sides : size.sides
        resizeMode = size.isShortSide ? .shortSide : .squash
        if let share = object["crop_pct"] as? NSNumber {
            throw PhotoContractError("'crop_pct' \(share): write resize and crop as numbers into a contract file")
        }
        (resize, crop) = (size.sides, taken)
        switch (object["resample"] as? NSNumber).map({ Self.whole($0) ?? -1 }) ?? 2 {
        case 2: filter = .bilinear
        case 3: filter = .bicubic
        case let code: throw PhotoContractError("'resample' is \(code), accepted are 2 (bilinear) and 3 (bicubic)")
        }
        let scale: Double
        if object["do_rescale"] as? Bool == false {
            scale = 1
        } else {
            let factor = object["rescale_factor"] == nil ? 1 / 255 : try Self.number("rescale_factor", object)
            guard factor.isFinite, factor > 0 else { throw PhotoContractError("'rescale_factor' is \(factor)") }
            scale = 1 / factor
        }
        guard object["do_normalize"] as? Bool != false else {
            (mean, standardDeviation) = ([0, 0, 0], [Float](repeating: Float(scale), count: 3))
            return
        }
        mean = try Self.floats("image_mean", object).map { Float($0 * scale) }
        standardDeviation = try Self.floats("image_std", object).map { Float($0 * scale) }
    }

    private static func number(_ key: String, _ object: [String: Any]) throws -> Double {
        guard let number = object[key] as? NSNumber else { throw PhotoContractError("'\(key)' is not a number") }
        return number.doubleValue
    }

    private static func floats(_ key: String, _ object: [String: Any]) throws -> [Double] {
        guard let numbers = object[key] as? [NSNumber], numbers.count == 3 else {
            throw PhotoContractError("'\(key)' is not three numbers")
        }
        return numbers.map(\.doubleValue)
    }

    private static func integers(_ key: String, _ object: [String: Any], count: Int) throws -> [Int] {
        guard let numbers = (object[key] as? [NSNumber])?.compactMap(whole), numbers.count == count else {
            throw PhotoContractError("'\(key)' is not \(count) whole numbers")
        }
        return numbers
    }

    /// nil: a fraction, or beyond what any size can be.
    private static func whole(_ number: NSNumber) -> Int? {
        let value = number.doubleValue
        return abs(value) <= 1e6 && value == value.rounded() ? Int(value) : nil
    }

    private static func filter(_ key: String, _ name: String?) throws -> ResizeFilter {
        guard let name, let filter = ResizeFilter.names[name] else {
            throw PhotoContractError("'\(key)' is '\(name ?? "missing")', accepted are 'bilinear' and 'bicubic'")
        }
        return filter
    }

    /// {"shortest_edge": n}, {"height": h, "width": w}, or one number (old files: the short side for `size`).
    private static func size(_ key: String, _ object: [String: Any]) throws -> (sides: [Int], isShortSide: Bool) {
        if let side = (object[key] as? NSNumber).flatMap(whole) {
            return ([side, side], key == "size" && object["do_center_crop"] as? Bool ?? false)
        }
        if let sides = object[key] as? [String: NSNumber] {
            if let side = sides["shortest_edge"].flatMap(whole), sides.count == 1 { return ([side, side], true) }
            if let height = sides["height"].flatMap(whole), let width = sides["width"].flatMap(whole), sides.count == 2 {
                return ([width, height], false)
            }
        }
        throw PhotoContractError(
            "'\(key)' is neither {\"shortest_edge\": n} nor {\"height\": h, \"width\": w}: write resize and crop into a "
                + "contract file")
    }
}

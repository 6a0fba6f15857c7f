// ClassificationText: the answer for one photo, as text or as one JSON object on a line. `tiny classify` and `tinyrt classify` print this.

extension TextBytes {
    /// `{"file":…,"predictions":[{"index":…,"label":…,"probability":…}],"rejected":…}`; a model without labels has `null` for them.
    public mutating func appendJSON(
        file: UnsafeBufferPointer<UInt8>, predictions: [Prediction], rejected: Bool, model: EdgeModel
    ) {
        var json = JSONText()
        json.openObject()
        json.field("file", file)
        json.openArray("predictions")
        for prediction in predictions {
            json.openObject()
            json.field("index", prediction.index)
            if model.labelCount > 0 {
                json.field("label", model.label(prediction.index))
            } else {
                json.null("label")
            }
            json.field("probability", Double(prediction.probability), decimals: 6)
            json.closeObject()
        }
        json.closeArray()
        json.field("rejected", rejected)
        json.closeObject()
        json.newline()
        append(json.text)
    }

    /// The file's name, then a line for each prediction.
    ///
    /// - Parameter threshold: the rejection threshold that was used.
    public mutating func appendText(
        file: UnsafeBufferPointer<UInt8>, predictions: [Prediction], rejected: Bool, threshold: Float, model: EdgeModel
    ) {
        append(visible: file)
        if rejected {
            append(": rejected, no class reaches ")
            append(Double(threshold) * 100, decimals: 2)
            append(" %")
        }
        newline()
        for prediction in predictions {
            append(Double(prediction.probability) * 100, decimals: 2, width: 8)
            append(" %  ")
            if model.labelCount > 0 {
                append(visible: model.label(prediction.index))
            } else {
                append("class ")
                append(prediction.index)
            }
            newline()
        }
    }
}

// ModelLayout: where every field of a `.tiny` file stands. Said once, for the loader (Format/) and the writer (Converter).
// docs/format.md says what each field means and which values are refused; this file holds offsets, codes and limits only.
// All integers and floats are little-endian; offsets are from the record's start, or from the file's for sections.

public enum ModelLayout {
    /// First eight bytes: not text, so that a transfer which rewrites line ends is noticed at once.
    public static let magic: InlineArray<8, UInt8> = [0x89, 0x54, 0x49, 0x4E, 0x59, 0x0D, 0x0A, 0x1A]
    public static let version: UInt32 = 2
    /// Sections start at multiples of this; the bytes between them are zero.
    public static let alignment = 64

    /// The fixed first 256 bytes.
    public enum Header {
        public static let bytes = 256
        public static let version = 8  // u32
        public static let flags = 12  // u32, zero
        public static let fileBytes = 16  // u64
        public static let checksum = 24  // u64: XXH64, seed 0, of the whole file with these eight bytes taken as zero
        public static let tensorCount = 32  // u32
        public static let opCount = 36  // u32
        public static let inputTensor = 40  // u32
        public static let outputTensor = 44  // u32
        public static let arenaBytes = 48  // u64: peak of the memory plan, activations only
        public static let labelCount = 56  // u32: 0, or the output's channels
        public static let temperature = 60  // f32 > 0: logits are divided by it before softmax
        public static let rejectionThreshold = 64  // f32 in 0...1: below this best probability a photo is rejected
        // 68: u32, zero
        public static let resizeMode = 72  // u8: ResizeMode
        public static let filter = 73  // u8: ResizeFilter
        public static let decodeScaling = 74  // u8: 0 or 1
        // 75: u8, zero
        public static let resizeWidth = 76  // u32
        public static let resizeHeight = 80  // u32
        public static let cropWidth = 84  // u32
        public static let cropHeight = 88  // u32
        // 92: u32, zero
        public static let sections = 96  // Section.count × (u64 offset, u64 bytes), in Section's order, ascending
        // 176...255: zero
    }

    public enum Section: Int, CaseIterable {
        case tensors  // tensorCount × TensorRecord
        case ops  // opCount × OpRecord, in the order of execution
        case constants  // weights, biases, multipliers and tables, each at a multiple of 64
        case labels  // labelCount × u32 end offset into the UTF-8 bytes that follow them
        case selfTest  // SelfTest
        public static let count = 5
    }

    /// One activation: H×W×C bytes in the arena (features: 1×1×C). real = (q − zeroPoint) · scale.
    public enum TensorRecord {
        public static let bytes = 32
        public static let height = 0  // u32
        public static let width = 4  // u32
        public static let channels = 8  // u32
        public static let scale = 12  // f32 > 0
        public static let zeroPoint = 16  // u8
        public static let interior = 17  // u8: 1: written and read inside one block only, without a place in the arena; else 0
        // 18...19: zero
        public static let pixelStride = 20  // u32: 0, or of a tensor inside a concat's output that output's channels
        public static let arenaOffset = 24  // u64, a multiple of 64 where pixelStride is 0; interior: 0
    }

    /// One op. Fields that an op does not use are zero. Offsets of constants count from the constants section's start.
    public enum OpRecord {
        public static let bytes = 128
        public static let code = 0  // u16: OpCode
        public static let inputCount = 2  // u16: 1...4
        public static let inputs = 4  // 4 × u32 tensor index; unused: 0
        public static let output = 20  // u32 tensor index
        // The window (kernel, strides, pads): convolution, depthwise, groupedConvolution, maxPool, averagePool; zero in the rest, pointwise
        // and fullyConnected included.
        public static let kernelHeight = 24  // u16
        public static let kernelWidth = 26  // u16
        public static let strideHeight = 28  // u16
        public static let strideWidth = 30  // u16
        public static let padTop = 32  // u16
        public static let padBottom = 34  // u16
        public static let padLeft = 36  // u16
        public static let padRight = 38  // u16
        // The output range, activation included (relu6: zero point … quantized 6): ops with weights, add, multiply, scaleChannels, average pools.
        public static let clampMin = 40  // u8
        public static let clampMax = 41  // u8
        public static let parameter = 42  // u16: groupedConvolution: groups, 2 or more; averagePool: 1 where padding counts, else 0
        // Padding of `convolution` with at most 4 input channels (the rest of the four zero); else zero, and the input's zero point pads.
        public static let padPixel = 44  // 4 × u8
        public static let weights = 48  // u64 offset
        public static let weightsBytes = 56  // u64
        public static let bias = 64  // u64 offset: i32 × output channels (of each group) rounded up to 16; −zeroPoint·Σw is in it
        public static let multiplier = 72  // u64 offset: f32 × as many
        public static let table = 80  // u64 offset: 256 × u8
        public static let scale0 = 88  // f32: add: input 0's scale over the output's; multiply, scaleChannels: s0·s1/s_out; globalAveragePool: s_in/(H·W·s_out); averagePool: s_in/s_out
        public static let scale1 = 92  // f32: add: input 1's scale over the output's
        public static let blockLength = 96  // u16: on the first op of a block, how many ops (2...4) run as one; else 0
        // 98...127: zero
    }

    public enum OpCode: UInt16, CaseIterable, Sendable {
        case convolution = 1  // dense, any kernel; weights [N/16][K/4][16][4], K = (kh, kw, c) flattened, rounded up to 4
        case pointwise = 2  // 1×1, stride 1, no padding; weights as above
        case depthwise = 3  // weights [C/16][KH][KW][16]
        case fullyConnected = 4  // input 1×1×K; weights as convolution
        case add = 5
        case multiply = 6
        case table = 7  // out[i] = table[in[i]]: sigmoid, ELU, change of scale
        case concat = 8  // channels, inputs in order; same scale and zero point as the output
        case globalAveragePool = 9
        case globalMaxPool = 10  // same scale and zero point as the input
        case maxPool = 11  // padding is ignored (never the maximum); same scale and zero point as the input
        case scaleChannels = 12  // an image and 1×1×C factors
        case averagePool = 13
        case groupedConvolution = 14  // weights of each group as convolution's, one group after another
    }

    /// The model proves on the device that kernels and file agree: the input's bytes come from a seed, the answers are stored.
    /// Input byte i is the top byte of the (i+1)-th output of SplitMix64 started at `seed`.
    public enum SelfTest {
        public static let seed = 0  // u64
        public static let outputCount = 8  // u32: the output's channels
        // 12: u32, zero
        public static let opHashes = 16  // opCount × u64: XXH64, seed 0, of each op's output bytes right after it ran
        // then outputCount × u8: the expected output
    }

    /// Beyond these a file is refused before anything is taken for it.
    public enum Limit {
        public static let fileBytes: UInt64 = 1 << 30
        public static let arenaBytes: UInt64 = 1 << 30
        public static let tensors: UInt32 = 4096
        public static let ops: UInt32 = 4096
        public static let side: UInt32 = 8192
        public static let channels: UInt32 = 65536
        public static let kernelSide: UInt16 = 64
        public static let labels: UInt32 = 65536
        /// Multiply-adds (or bytes, for ops without weights) of one run: some minutes in plain C. A file cannot hang its reader.
        public static let work: UInt64 = 1 << 36
    }
}

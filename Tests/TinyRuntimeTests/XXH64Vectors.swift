// XXH64Vectors: made by the snippet in HashTests (package xxhash 4.1.0, xxHash 0.8.4).

enum XXH64Vectors {
    struct Vector: Sendable {
        var count: Int
        var seed: UInt64
        var hash: UInt64
    }
    static let all: [Vector] = [
        .init(count: 0, seed: 0x0, hash: 0xEF46DB3751D8E999),
        .init(count: 0, seed: 0x9E3779B97F4A7C15, hash: 0xC4349FC93C010000),
        .init(count: 1, seed: 0x0, hash: 0xA96C7F0CE858BBB7),
        .init(count: 1, seed: 0x9E3779B97F4A7C15, hash: 0x585882422A6165E7),
        .init(count: 3, seed: 0x0, hash: 0xBED43740EE6332BB),
        .init(count: 3, seed: 0x9E3779B97F4A7C15, hash: 0x45FA1406538FA168),
        .init(count: 4, seed: 0x0, hash: 0xFA212AE44B3BB23D),
        .init(count: 4, seed: 0x9E3779B97F4A7C15, hash: 0xA65107F22943365A),
        .init(count: 5, seed: 0x0, hash: 0xD339DCC9AC8E6776),
        .init(count: 5, seed: 0x9E3779B97F4A7C15, hash: 0xF51EDA3A20DE9B88),
        .init(count: 7, seed: 0x0, hash: 0x2744460DD675D2C0),
        .init(count: 7, seed: 0x9E3779B97F4A7C15, hash: 0xC9B637E2C4599DE2),
        .init(count: 8, seed: 0x0, hash: 0x994B676B71CE94DD),
        .init(count: 8, seed: 0x9E3779B97F4A7C15, hash: 0xCE592D5F53E192EC),
        .init(count: 9, seed: 0x0, hash: 0x572B84C18B983AF8),
        .init(count: 9, seed: 0x9E3779B97F4A7C15, hash: 0x5495AA796DE8AB73),
        .init(count: 15, seed: 0x0, hash: 0x09E6451ED2FF8B1D),
        .init(count: 15, seed: 0x9E3779B97F4A7C15, hash: 0x47A857D1F90C35E1),
        .init(count: 16, seed: 0x0, hash: 0x94AD0095E72B24D5),
        .init(count: 16, seed: 0x9E3779B97F4A7C15, hash: 0x3F8FEA7C86A04013),
        .init(count: 31, seed: 0x0, hash: 0x6711D55E306B5D8F),
        .init(count: 31, seed: 0x9E3779B97F4A7C15, hash: 0x24C4E99AB0404B5E),
        .init(count: 32, seed: 0x0, hash: 0x07F7B8E3BC5D6E25),
        .init(count: 32, seed: 0x9E3779B97F4A7C15, hash: 0x046E99BBDA1A814B),
        .init(count: 33, seed: 0x0, hash: 0x09F85EEB4E1CBE9F),
        .init(count: 33, seed: 0x9E3779B97F4A7C15, hash: 0xD7FE2BFEE6E4CDED),
        .init(count: 63, seed: 0x0, hash: 0xB7C9968C066CB6A5),
        .init(count: 63, seed: 0x9E3779B97F4A7C15, hash: 0xBD457F9EA47180C8),
        .init(count: 64, seed: 0x0, hash: 0x50D4159A0411632E),
        .init(count: 64, seed: 0x9E3779B97F4A7C15, hash: 0xA768F350A8E4FCF6),
        .init(count: 65, seed: 0x0, hash: 0xD277176BFF863EFC),
        .init(count: 65, seed: 0x9E3779B97F4A7C15, hash: 0xFE99AB21E40D4B0C),
        .init(count: 100, seed: 0x0, hash: 0x9DDADA11D3DC2D8F),
        .init(count: 100, seed: 0x9E3779B97F4A7C15, hash: 0x35546BD9A4779AE4),
        .init(count: 255, seed: 0x0, hash: 0x15A6DB05D4E83DF4),
        .init(count: 255, seed: 0x9E3779B97F4A7C15, hash: 0xF91CB247D93DFE82),
        .init(count: 1000, seed: 0x0, hash: 0x0BF0BDBCC82EB373),
        .init(count: 1000, seed: 0x9E3779B97F4A7C15, hash: 0x3ECB5D7B5E7C64CF),
        .init(count: 4099, seed: 0x0, hash: 0xC2C15A86D6A1985B),
        .init(count: 4099, seed: 0x9E3779B97F4A7C15, hash: 0x5510E3B748C0963A),
    ]
}

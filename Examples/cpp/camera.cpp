// camera: frames as a camera gives them (NV12 or YUYV) to labels, from C++, on two threads. A driver's mapped buffer would stand where
// this program reads raw frames one after another from standard input.
//
//     ffmpeg -i walk.mp4 -pix_fmt nv12 -f rawvideo - | ./camera birds.tiny nv12 1920 1080
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <tinyrt.h>

namespace {

struct Close {
    void operator()(tinyrt_model *model) const { tinyrt_close(model); }
    void operator()(tinyrt_session *session) const { tinyrt_session_close(session); }
};
using Model = std::unique_ptr<tinyrt_model, Close>;
using Session = std::unique_ptr<tinyrt_session, Close>;

void check(tinyrt_status status, const tinyrt_error &error) {
    if (status != TINYRT_OK) throw std::runtime_error(error.reason);
}

Model open_model(const char *path) {
    tinyrt_model *model = nullptr;
    tinyrt_error error;
    check(tinyrt_open_file(path, &model, &error), error);
    return Model(model);
}

Session open_session(const Model &model) {
    tinyrt_options options = {};
    options.threads = 2;
    tinyrt_session *session = nullptr;
    tinyrt_error error;
    check(tinyrt_session_open(model.get(), &options, nullptr, 0, &session, &error), error);
    return Session(session);
}

std::string label(const Model &model, std::uint32_t index) {
    std::size_t length;
    const char *text = tinyrt_label(model.get(), index, &length);
    return text == nullptr ? "class " + std::to_string(index) : std::string(text, length);
}

}  // namespace

int main(int argc, char **argv) {
    const bool nv12 = argc == 5 && std::strcmp(argv[2], "nv12") == 0;
    if (argc != 5 || (!nv12 && std::strcmp(argv[2], "yuyv") != 0)) {
        std::fprintf(stderr, "usage: %s MODEL.tiny nv12|yuyv WIDTH HEIGHT < FRAMES\n", argv[0]);
        return 64;
    }
    const std::size_t width = std::strtoul(argv[3], nullptr, 10), height = std::strtoul(argv[4], nullptr, 10);
    if (width == 0 || height == 0 || width > 16384 || height > 16384 || width % 2 != 0 || height % 2 != 0) {
        std::fprintf(stderr, "%s: width and height are even numbers up to 16384\n", argv[0]);
        return 64;
    }
    try {
        const Model model = open_model(argv[1]);
        const Session session = open_session(model);
        std::vector<unsigned char> frame(width * height * (nv12 ? 3 : 4) / 2);
        for (unsigned number = 1; std::fread(frame.data(), 1, frame.size(), stdin) == frame.size(); number++) {
            tinyrt_image image = {};
            image.format = nv12 ? TINYRT_NV12 : TINYRT_YUYV;
            image.encoding = TINYRT_BT601_LIMITED;
            image.width = static_cast<std::uint32_t>(width);
            image.height = static_cast<std::uint32_t>(height);
            image.planes[0] = frame.data();
            image.row_bytes[0] = nv12 ? width : 2 * width;
            if (nv12) {
                image.planes[1] = frame.data() + width * height;
                image.row_bytes[1] = width;
            }
            tinyrt_prediction best;
            std::size_t found;
            bool rejected;
            tinyrt_error error;
            check(tinyrt_classify(session.get(), &image, &best, 1, &found, &rejected, &error), error);
            std::printf("frame %u: %.2f %%  %s%s\n", number, 100.0 * best.probability, label(model, best.index).c_str(),
                        rejected ? " (rejected)" : "");
        }
    } catch (const std::exception &problem) {
        std::fprintf(stderr, "%s: %s\n", argv[1], problem.what());
        return 65;
    }
    return 0;
}

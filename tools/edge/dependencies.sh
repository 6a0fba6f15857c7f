# musl and libjpeg-turbo, from the sources of Debian 12, built with the same clang for every target. Sourced by tools/build-edge.
#
# From source, because Debian 12 has no riscv64 packages, and because then every architecture's command decodes a JPEG with the same
# version. apt checks the sources' signatures; its lists and these files lie under DIR/downloads, so that a second build needs no network.

sources=$out/downloads/sources

download_sources() {
    [ -e "$sources/complete" ] && return
    echo "Downloading the sources of musl and libjpeg-turbo (3.5 MB) to $sources." >&2
    local apt=$out/downloads/apt
    rm -rf "$sources" "$apt"
    mkdir -p "$sources" "$apt"/{lists/partial,cache/archives/partial,empty}
    touch "$apt/status"
    local key='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
    cat >"$apt/sources.list" <<LIST
deb-src $key http://deb.debian.org/debian bookworm main
deb-src $key http://deb.debian.org/debian bookworm-updates main
deb-src $key http://deb.debian.org/debian-security bookworm-security main
LIST
    cat >"$apt/apt.conf" <<CONF
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "$apt/empty";
Dir::Etc::Parts "$apt/empty";
Dir::Etc::Main "/dev/null";
Acquire::Languages "none";
APT::Sandbox::User "$(id -un)";
CONF
    (
        export APT_CONFIG=$apt/apt.conf
        cd "$sources"
        apt-get update -qq && apt-get source -qq --download-only musl libjpeg-turbo
    ) >&2 || {
        echo "build-edge: no sources of musl and libjpeg-turbo: is http://deb.debian.org reachable? The next call tries again." >&2
        exit 69
    }
    touch "$sources/complete"
}

unpack_sources() {
    musl_source=$out/work/musl
    jpeg_source=$out/work/libjpeg-turbo
    local stamp
    stamp=$(sha256sum tools/edge/dependencies.sh tools/edge/libjpeg-turbo-neon.patch; ls "$sources")
    [ "$(cat "$out/work/unpacked" 2>/dev/null)" = "$stamp" ] && return
    mkdir -p "$out/work"
    rm -rf "$musl_source" "$jpeg_source"
    dpkg-source --no-check -x "$sources"/musl_*.dsc "$musl_source" >/dev/null
    dpkg-source --no-check -x "$sources"/libjpeg-turbo_*.dsc "$jpeg_source" >/dev/null
    patch -s -d "$jpeg_source" -p1 <tools/edge/libjpeg-turbo-neon.patch
    # What a photo may take does not hang on JPEGMEM in the environment, and libc's scanf, made for that alone, stays out: 13 KB.
    sed -i '1i #define NO_GETENV\n#define NO_PUTENV' "$jpeg_source/jmemmgr.c"
    echo "$stamp" >"$out/work/unpacked"
}

# The target's sysroot with both libraries, built once for each compiler and source.
build_dependencies() {
    sysroot=$work/sysroot
    local stamp
    stamp=$(clang --version | head -1; sha256sum tools/edge/{dependencies,targets}.sh tools/edge/libjpeg-turbo-neon.patch; ls "$sources")
    [ "$(cat "$sysroot/stamp" 2>/dev/null)" = "$stamp" ] && return
    echo "$architecture: building musl and libjpeg-turbo." >&2
    rm -rf "$sysroot" "$work"/{musl,libjpeg,jpeg-headers,jpeg-headers.new}
    mkdir -p "$work"/{musl,libjpeg}
    local flags="${machine[*]} -ffile-prefix-map=$out/work=. -fdebug-compilation-dir=. -fno-ident"
    (
        cd "$work/musl"
        CC="clang --target=$musl_triple" AR=llvm-ar RANLIB=true CFLAGS="-O2 $flags" "$musl_source/configure" \
            --target="$musl_triple" --prefix="$sysroot" --disable-shared --disable-wrapper
        make -j "$jobs" AR=llvm-ar RANLIB=true install
    ) >"$work/musl.log" 2>&1 || fail "musl does not build for $architecture: see $work/musl.log"
    local simd=(-DREQUIRE_SIMD=ON)
    [ "$architecture" != riscv64 ] || simd=(-DWITH_SIMD=OFF)  # this version has none for it
    (
        cd "$work/libjpeg"
        cmake "$jpeg_source" -G 'Unix Makefiles' -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$architecture" \
            -DCMAKE_C_COMPILER=clang -DCMAKE_C_COMPILER_TARGET="$musl_triple" -DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY \
            -DCMAKE_AR="$toolchain/llvm-ar" -DCMAKE_RANLIB=/bin/true -DCMAKE_BUILD_TYPE=Release -DBUILD=0 \
            -DCMAKE_C_FLAGS="$flags -nostdlibinc -isystem $sysroot/include -fPIC -ffunction-sections -fdata-sections -fno-unwind-tables -fno-asynchronous-unwind-tables" \
            -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DENABLE_SHARED=OFF -DWITH_TURBOJPEG=OFF "${simd[@]}"
        make -j "$jobs" jpeg-static
        cp libjpeg.a "$sysroot/lib"
        mkdir "$work/jpeg-headers.new" && cp jconfig.h "$jpeg_source"/{jpeglib,jmorecfg,jerror}.h "$work/jpeg-headers.new"
        cp "$work"/jpeg-headers.new/* "$sysroot/include"
        mv "$work/jpeg-headers.new" "$work/jpeg-headers"
    ) >"$work/libjpeg.log" 2>&1 || fail "libjpeg-turbo does not build for $architecture: see $work/libjpeg.log"
    echo "$stamp" >"$sysroot/stamp"
}

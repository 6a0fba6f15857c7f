# How large and how quick the results may be. Sourced by tools/build-edge.

library_limit() {  # ARCHITECTURE: bytes of code and constants in libtinyrt.a, all instruction sets included; nothing: no limit
    case $1 in
        x86_64) echo 132000 ;;
        aarch64) echo 83000 ;;
    esac
}
command_limit=500000  # bytes of bin/tinyrt, libjpeg and libc inside
start_limit=1000      # microseconds from being started to the first byte of the usage text: the fastest tenth of 1000, since a busy machine
                      # makes the others wait for a core

table=
above=()

measure() {  # TREE: a line of the table
    local text command start='not run here' limit times
    text=$("$triple-size" -t "$1/lib/libtinyrt.a" | awk 'END { print $1 }')
    command=$(stat -c %s "$1/bin/tinyrt")
    limit=$(library_limit "$architecture")
    [ -z "$limit" ] || [ "$text" -le "$limit" ] || above+=("$architecture: libtinyrt.a has $text bytes of text; at most $limit")
    [ "$command" -le "$command_limit" ] || above+=("$architecture: bin/tinyrt has $command bytes; at most $command_limit")
    if [ "$architecture" = "$(uname -m)" ]; then
        clang -O2 -Wall -Werror -o "$work/start_time" tools/edge/start_time.c
        times=$("$work/start_time" 1000 "$1/bin/tinyrt" --help) || fail "$1/bin/tinyrt --help does not run"
        start="${times% *} us (median ${times#* } us)"
        [ "${times% *}" -le "$start_limit" ] || above+=("$architecture: bin/tinyrt takes ${times% *} microseconds to start; at most $start_limit")
    fi
    table+="$architecture|$text|${limit:--}|$command|$command_limit|$start"$'\n'
}

report() {
    { echo 'architecture|libtinyrt.a text|limit|bin/tinyrt|limit|start'; printf %s "$table"; } | column -t -s '|'
    echo "In $out:"
    for name in "${architectures[@]}"; do echo "  tinyrt-$version-$name.tar.gz"; done
    [ ${#above[@]} -eq 0 ] || { printf 'build-edge: above a limit: %s\n' "${above[@]}" >&2; exit 1; }
}

#!/usr/bin/env bash
# Prepares the folder that run.sh is carried with to a machine without GoogleTest, clang or .NET: the native library, its device code, its tests and the
# roofline program. Usage: bench/gpu/carry.sh FOLDER
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${1:?usage: bench/gpu/carry.sh FOLDER}
build="$root/build/native/gpu"
cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$build" --parallel "$(nproc)" --target megakernels gpu_roofline $(cd "$root/kernels/tests" && ls ./*_test.cpp | sed 's|^./||; s|\.cpp$||')
rm -rf "$folder"
mkdir -p "$folder/bin" "$folder/lib"
cp "$build"/lib/libmegakernels.so "$build"/lib/megakernels.*.ptx "$folder/lib/"
cp "$build"/bin/*_test "$build/bin/gpu_roofline" "$folder/bin/"
strip "$folder"/bin/* "$folder"/lib/*.so

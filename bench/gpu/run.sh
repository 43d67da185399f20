#!/usr/bin/env bash
# The cuda backend on a real GPU: device code through the assembler, kernel tests, compute-sanitizer, roofline table beside PyTorch. Runs on a bare machine with
# the CUDA toolkit and Python; GoogleTest's programs come in the folder that carry.sh made.
#   bench/gpu/run.sh CARRIED OUT [steps: ptxas tests roofline nvcc sanitizer; default all]
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
fail() { echo "run.sh: $*" >&2; exit 2; }
[ $# -ge 2 ] || fail "usage: bench/gpu/run.sh CARRIED OUT [STEP ...]"
[ -d "$1/bin" ] && [ -d "$1/lib" ] || fail "$1 is not a folder that bench/gpu/carry.sh made: it has no bin and lib"
carried=$(cd "$1" && pwd)
mkdir -p "$2" && out=$(cd "$2" && pwd) || fail "$2 cannot be made"
shift 2
steps=${*:-ptxas tests roofline nvcc sanitizer}
export PATH="$PATH:/usr/local/cuda/bin" LD_LIBRARY_PATH="$carried/lib" MK_TEST_CUDA=1
failed=0

# A step needs a tool of the toolkit.
need() { command -v "$1" >/dev/null || { echo "$1 is missing: it comes with the CUDA toolkit"; return 1; }; }

ptxas_step() {
  need ptxas || return
  for code in "$carried"/lib/megakernels.*.ptx; do
    local arch=${code%.ptx}
    arch=${arch##*megakernels.}
    ptxas -v -arch="$arch" -o /dev/null "$code" >"$out/ptxas.$arch.txt" 2>&1 || { echo "ptxas refuses $code:"; head -20 "$out/ptxas.$arch.txt"; return 1; }
    paste -d' ' <(grep -o "Function properties for mk[a-z0-9_]*" "$out/ptxas.$arch.txt" | sed 's/.* //') <(grep "bytes stack frame" "$out/ptxas.$arch.txt") <(grep "Used" "$out/ptxas.$arch.txt" | sed 's/ptxas info *: //') |
      sed "s/^/$arch: /" | head -40
  done
}

tests_step() {
  local status=0
  for test in "$carried"/bin/*_test; do
    timeout 120 "$test" --gtest_filter='*cuda*' --gtest_brief=1 >"$out/one.txt" 2>&1 || { status=1; echo "FAILED $(basename "$test")"; grep -v "^\[  PASSED\|^$" "$out/one.txt" | head -25; }
    { echo "== $(basename "$test")"; cat "$out/one.txt"; } >>"$out/tests.txt"
  done
  rm -f "$out/one.txt"
  grep -c "PASSED" "$out/tests.txt"
  return $status
}

roofline_step() {
  "$carried/bin/gpu_roofline" "$out/roofline.json" && python3 "$root/bench/gpu/compare.py" "$out/roofline.json" "$out/gpu.json" "$out/gpu.md" && cat "$out/gpu.md"
}

# nvcc takes the same device code, and what it makes passes the same tests.
nvcc_step() {
  need nvcc || return
  local library="$out/nvcc" kernels="$root/kernels"
  mkdir -p "$library"
  cp "$carried"/lib/*.so "$library/"
  nvcc -x cu -ptx -arch=compute_80 -std=c++20 -O3 -fmad=false -I"$kernels/include" -I"$kernels/src" -I"$kernels/cuda" -o "$library/megakernels.sm_80.ptx" "$kernels/cuda/kernels.cu" >"$out/nvcc80.txt" 2>&1 &
  nvcc -x cu -ptx -arch=compute_90a -DMK_HOPPER -std=c++20 -O3 -fmad=false -I"$kernels/include" -I"$kernels/src" -I"$kernels/cuda" -o "$library/megakernels.sm_90a.ptx" "$kernels/cuda/kernels.cu" >"$out/nvcc90a.txt" 2>&1
  local status=$?
  wait $! || status=1
  [ $status = 0 ] || { grep -m 12 error "$out"/nvcc*.txt; return 1; }
  for test in gemm_test grouped_ffn_test paged_attention_test log_sum_exp_test; do
    LD_LIBRARY_PATH="$library" timeout 60 "$carried/bin/$test" --gtest_filter='*cuda*' --gtest_brief=1 2>&1 | tail -1
  done
}

sanitizer_step() {
  need compute-sanitizer || return
  local status=0
  for test in gate_topk_test gemm_heads_test grouped_ffn_test paged_attention_test; do
    timeout 40 compute-sanitizer --tool memcheck --error-exitcode 9 "$carried/bin/$test" --gtest_filter='*cuda*:-*WorkThat*:*Latent*' --gtest_brief=1 >"$out/sanitizer.$test.txt" 2>&1 || status=1
    echo "$test: $(grep "ERROR SUMMARY" "$out/sanitizer.$test.txt" || tail -1 "$out/sanitizer.$test.txt")"
  done
  return $status
}

command -v nvidia-smi >/dev/null || fail "nvidia-smi is missing: this machine has no NVIDIA driver"
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
for step in $steps; do
  begin=$SECONDS
  echo "---- $step"
  "${step}_step" || { failed=1; echo "---- $step FAILED"; }
  echo "---- $step: $((SECONDS - begin)) s"
done
exit $failed

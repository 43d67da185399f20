"""The card's own floors and PyTorch's best for the shapes of gpu_roofline, beside what that measured.

    python3 compare.py ROOFLINE.json OUT.json OUT.md

Memory: the faster of a copy (bytes read and written) and a reduction (bytes read). Arithmetic: an 8192^3 bf16 product.
A row's floor is the longer of its bytes at the one and its operations at the other.
"""
import json
import sys

import torch
import torch.nn.functional as F

HIDDEN, WIDTH, EXPERTS, HEADS, KV_HEADS, HEAD_DIM, VOCABULARY = 2048, 768, 64, 32, 4, 128, 151936
SEQUENCES, CONTEXT = 64, 4096
DEVICE = "cuda"


def time_us(call, calls=20, runs=7):
    """Median microseconds of a call, replayed from a CUDA graph where it can be captured, so that no launch is counted."""
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    replay = call
    try:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(calls):
                call()
        replay, inner = graph.replay, calls
    except Exception:
        torch.cuda.synchronize()
        inner = 1
    times = []
    for _ in range(runs):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        for _ in range(1 if inner > 1 else calls):
            replay()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end) * 1000 / calls)
    return sorted(times)[len(times) // 2]


def floors():
    a = torch.randn(8192, 8192, device=DEVICE, dtype=torch.bfloat16)
    b = torch.randn(8192, 8192, device=DEVICE, dtype=torch.bfloat16)
    flops = 2 * 8192**3 / time_us(lambda: a @ b, calls=10) * 1e6
    x = torch.randn(1 << 29, device=DEVICE)
    y = torch.empty_like(x)
    copy = 2 * x.numel() * 4 / time_us(lambda: y.copy_(x), calls=5) * 1e6
    read = x.numel() * 4 / time_us(lambda: x.sum(), calls=5) * 1e6
    return max(copy, read), flops, copy, read


def ffn(rows):
    generator = torch.Generator().manual_seed(rows)
    counts = torch.bincount(torch.randint(0, EXPERTS, (rows,), generator=generator), minlength=EXPERTS)
    offsets = torch.cumsum(counts, 0).to(device=DEVICE, dtype=torch.int32)
    x = torch.randn(rows, HIDDEN, device=DEVICE, dtype=torch.bfloat16)
    gate_up, down = ffn.gate_up, ffn.down
    grouped = getattr(F, "grouped_mm", None) or torch._grouped_mm

    def call():
        h = grouped(x, gate_up, offs=offsets)
        return grouped(F.silu(h[:, :WIDTH]) * h[:, WIDTH:], down, offs=offsets)

    touched = int((counts > 0).sum())
    return time_us(call), 2.0 * 3 * WIDTH * HIDDEN * touched + 2.0 * 2 * rows * HIDDEN


def attention(rows):
    # A contiguous cache: PyTorch has no paged attention of its own.
    q = torch.randn(rows, HEADS, 1, HEAD_DIM, device=DEVICE, dtype=torch.bfloat16)
    k = torch.randn(rows, KV_HEADS, CONTEXT, HEAD_DIM, device=DEVICE, dtype=torch.bfloat16)
    v = torch.randn_like(k)
    best = None
    from torch.nn.attention import SDPBackend, sdpa_kernel

    for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION, SDPBackend.EFFICIENT_ATTENTION):
        try:
            with sdpa_kernel(backend):
                us = time_us(lambda: F.scaled_dot_product_attention(q, k, v, enable_gqa=True))
            best = us if best is None else min(best, us)
        except Exception:
            continue
    # The group of query heads as rows of one product, which flash attention cannot do by itself.
    g = q.view(rows, KV_HEADS, HEADS // KV_HEADS, HEAD_DIM)
    us = time_us(lambda: torch.softmax(g @ k.transpose(-1, -2) * 0.0883883, -1) @ v)
    return us if best is None else min(best, us)


def linear(rows, features, columns):
    x = torch.randn(rows, columns, device=DEVICE, dtype=torch.bfloat16)
    w = torch.randn(features, columns, device=DEVICE, dtype=torch.bfloat16)
    return time_us(lambda: F.linear(x, w))


def rival(name, rows):
    try:
        if name == "grouped_ffn":
            return ffn(rows)[0]
        if name.startswith("attention decode"):
            return attention(rows)
        shape = {"qkv projection": ((HEADS + 2 * KV_HEADS) * HEAD_DIM, HIDDEN), "output projection": (HIDDEN, HEADS * HEAD_DIM), "lm head": (VOCABULARY, HIDDEN)}.get(name)
        if shape:
            return linear(rows, *shape)
        if name == "rmsnorm":
            x, w = torch.randn(rows, HIDDEN, device=DEVICE), torch.randn(HIDDEN, device=DEVICE)
            return time_us(lambda: F.rms_norm(x, (HIDDEN,), w, 1e-6))
        if name == "log_sum_exp":
            x = torch.randn(rows, VOCABULARY, device=DEVICE)
            return time_us(lambda: torch.logsumexp(x, -1))
        if name.startswith("gate_topk"):
            x = torch.randn(rows, 128, device=DEVICE)
            return time_us(lambda: torch.topk(torch.softmax(x, -1), 8))
    except Exception as error:  # a rival that cannot run is a fact to report, not a reason to stop
        print(f"PyTorch, {name}, {rows} rows: {error}", file=sys.stderr)
    return None


def main():
    with open(sys.argv[1]) as file:
        measured = json.load(file)
    ffn.gate_up = torch.randn(EXPERTS, HIDDEN, 2 * WIDTH, device=DEVICE, dtype=torch.bfloat16)
    ffn.down = torch.randn(EXPERTS, WIDTH, HIDDEN, device=DEVICE, dtype=torch.bfloat16)
    memory, arithmetic, copy, read = floors()
    rows = []
    for row in measured["rows"]:
        floor = max(row["bytes"] / memory, row["flops"] / arithmetic) * 1e6
        rows.append({**row, "floor_us": floor, "share_of_floor": floor / row["us"], "pytorch_us": rival(row["name"], row["rows"])})
    result = {
        "device": torch.cuda.get_device_name(), "numerics": measured["numerics"], "torch": torch.__version__, "memory_bytes_per_s": memory, "copy_bytes_per_s": copy,
        "read_bytes_per_s": read, "bf16_flops_per_s": arithmetic, "rows": rows,
    }
    with open(sys.argv[2], "w") as file:
        json.dump(result, file, indent=1)
    with open(sys.argv[3], "w") as file:
        file.write(f"{result['device']}, {measured['numerics']}, PyTorch {torch.__version__}: memory {memory / 1e12:.2f} TB/s (copy {copy / 1e12:.2f}, read {read / 1e12:.2f}), "
                   f"bf16 product {arithmetic / 1e12:.0f} TFLOP/s.\n\n")
        file.write("| operation | rows | us | floor us | share of floor | PyTorch us | against PyTorch |\n| --- | --- | --- | --- | --- | --- | --- |\n")
        for row in rows:
            torch_us = row["pytorch_us"]
            file.write(f"| {row['name']} | {row['rows']} | {row['us']:.1f} | {row['floor_us']:.1f} | {row['share_of_floor']:.2f} | "
                       + (f"{torch_us:.1f} | {torch_us / row['us']:.2f} |\n" if torch_us else "- | - |\n"))


main()

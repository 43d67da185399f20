"""The server end to end on a GPU, as processes: one attention node and one expert node, and other deployments, on the one card.

    python3 e2e.py [--brief] SERVER OUT.json MODEL [MODEL ...]     (--brief: the first two deployments only)

For each model: logits of a prompt on the CPU and on the GPU, and how often their greatest differ and by how little (a near-tie); on the GPU the same bits of
logits, tokens and log-probabilities from every deployment; greedy tokens beside the CPU's.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy

DEPLOYMENTS = {
    "1 + 1": [],
    "1 + 2, rows on the card": ["--expert-nodes", "2", "--m2n-rows", "device"],
    "2 + 2": ["--attention-nodes", "2", "--expert-nodes", "2"],
    "1 + 3, 4 micro-batches": ["--expert-nodes", "3", "--micro-batches", "4"],
    "1 + 1, chunks of 16": ["--chunk-rows", "16", "--max-step-rows", "32"],
    "1 + 2, 2 micro-batches, chunks of 40": ["--expert-nodes", "2", "--micro-batches", "2", "--chunk-rows", "40"],
}
# In spreads of the logits: what roundings of rows to bf16 may decide in a random model.
NEAR_TIE = 0.2


def run(server, *arguments):
    done = subprocess.run([server, *arguments], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr[-600:]}")
    return done.stdout


def logits(server, folder, model, tokens, *more):
    path = os.path.join(folder, "logits.npy")
    run(server, "logits", "--model", model, "--tokens", ",".join(map(str, tokens)), "--out", path, *more)
    return numpy.load(path)


def generate(server, model, tokens, *more):
    made = json.loads(run(server, "generate", "--model", model, "--tokens", ",".join(map(str, tokens)), "--max-tokens", "48", "--json", *more))
    return made["token_ids"], made["log_probs"], made["numerics_id"]


def check(server, folder, model, vocabulary):
    tokens = [(5 * i * i + 11 * i + 3) % vocabulary for i in range(600 if vocabulary == 512 else 300)]
    cuda = ["--backend", "cuda"]
    on_cpu, on_gpu = logits(server, folder, model, tokens), logits(server, folder, model, tokens, *cuda)
    differ = numpy.nonzero(on_cpu.argmax(1) != on_gpu.argmax(1))[0]
    gaps = [float((on_cpu[row].max() - on_cpu[row, on_gpu[row].argmax()]) / on_cpu[row].std()) for row in differ]
    result = {
        "positions": len(tokens),
        "spread": float(on_cpu.std()),
        "largest_difference": float(numpy.abs(on_cpu - on_gpu).max()),
        "mean_difference": float(numpy.abs(on_cpu - on_gpu).mean()),
        "greatest_differ": len(gaps),
        "widest_gap_in_spreads": max(gaps, default=0.0),
        "deployments": {},
    }
    prompt = tokens[:40]
    first = generate(server, model, prompt, "--temperature", "0", *cuda)
    sampled = generate(server, model, prompt, "--temperature", "0.8", "--seed", "7", *cuda)
    result["numerics"] = first[2]
    # The log-probability of each token as generated, and as the same tokens are scored in one go.
    scored = logits(server, folder, model, prompt + sampled[0], *cuda).astype(numpy.float64)
    rows = scored[len(prompt) - 1:len(prompt) - 1 + len(sampled[0])]
    result["scores_off_by"] = 0.0
    for name, more in DEPLOYMENTS.items():
        same = {
            "logits": bool(numpy.array_equal(on_gpu.view(numpy.uint32), logits(server, folder, model, tokens, *cuda, *more).view(numpy.uint32))),
            "greedy": first == generate(server, model, prompt, "--temperature", "0", *cuda, *more),
            "sampled": sampled == generate(server, model, prompt, "--temperature", "0.8", "--seed", "7", *cuda, *more),
        }
        result["deployments"][name] = same
    log_sums = rows.max(1) + numpy.log(numpy.exp(rows - rows.max(1, keepdims=True)).sum(1))
    scores = [row[token] - total for row, total, token in zip(rows, log_sums, sampled[0])]
    result["scores_off_by"] = float(max(abs(score - said) for score, said in zip(scores, sampled[1])))
    # A greedy token, scored: the prompt with all tokens before it, as one prefill, gives it again with the same bits of its log-probability.
    places = list(range(0, len(first[0]), max(1, len(first[0]) // 12)))
    again = [generate(server, model, prompt + first[0][:place], "--temperature", "0", *cuda) for place in places]
    result["scores"] = len(places)
    result["scores_of_same_bits"] = int(sum(
        made[0][0] == first[0][place] and numpy.float32(made[1][0]) == numpy.float32(first[1][place]) for made, place in zip(again, places)))
    on_cpu_tokens = generate(server, model, prompt, "--temperature", "0")[0]
    result["greedy_tokens"] = len(first[0])
    result["greedy_same_as_cpu_until"] = next((i for i, (a, b) in enumerate(zip(first[0], on_cpu_tokens)) if a != b), len(first[0]))
    return result


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--brief"]
    server, out, models = arguments[0], arguments[1], arguments[2:]
    if "--brief" in sys.argv:
        for name in list(DEPLOYMENTS)[2:]:
            del DEPLOYMENTS[name]
    results, is_good = {}, True
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            with open(os.path.join(model, "config.json")) as file:
                vocabulary = json.load(file)["vocab_size"]
            results[os.path.basename(model)] = result = check(server, folder, model, vocabulary)
            is_good &= all(all(same.values()) for same in result["deployments"].values()) and result["widest_gap_in_spreads"] <= NEAR_TIE and result["scores_off_by"] < 1e-4 and result["scores_of_same_bits"] == result["scores"]
            print(os.path.basename(model), json.dumps(result), flush=True)
    with open(out, "w") as file:
        json.dump({"ok": is_good, "models": results}, file, indent=1)
    raise SystemExit(0 if is_good else 1)


main()

"""Logits of the tiny models by Hugging Face transformers: the data of TransformersTests.

    python3 make_logits.py MODELS OUT

MODELS holds one folder for each variant (TinyModels.Write, seed 77). OUT gets logits.safetensors (`VARIANT/PROMPT`: the last rows' logits, computed in float64
and stored in float32) and report.json (versions; for each variant its class, the digest of its weights, what loading said, and how far float32 was off).
"""
import hashlib
import json
import os
import shutil
import sys
import tempfile
import traceback

import torch
import transformers
from safetensors.torch import load_file, save_file

KEPT_ROWS = 24
# Token i of a prompt is (a * i * i + b * i + c) mod vocabulary.
PROMPTS = {"short": (24, 5, 11, 3), "long": (70, 3, 7, 19)}


def digest(folder):
    sha = hashlib.sha256()
    for name in sorted(n for n in os.listdir(folder) if n.endswith(".safetensors")):
        with open(os.path.join(folder, name), "rb") as file:
            sha.update(file.read())
    return sha.hexdigest()


def widened(folder, config, to):
    """A copy whose FP8 matrices are multiplied out to fp32: transformers has no FP8 product on CPUs."""
    block = config["quantization_config"]["weight_block_size"][0]
    tensors = {}
    for name in sorted(n for n in os.listdir(folder) if n.endswith(".safetensors")):
        tensors.update(load_file(os.path.join(folder, name)))
    plain = {}
    for name, tensor in tensors.items():
        if name.endswith("_scale_inv"):
            continue
        scale = tensors.get(name + "_scale_inv")
        if scale is not None:
            rows, columns = tensor.shape
            wide = scale.float().repeat_interleave(block, 0)[:rows].repeat_interleave(block, 1)[:, :columns]
            tensor = tensor.float() * wide
        plain[name] = tensor.float().contiguous()
    save_file(plain, os.path.join(to, "model.safetensors"), metadata={"format": "pt"})


def prepared(folder, to):
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    quantised = (config.get("quantization_config") or {}).get("quant_method")
    if config["model_type"] == "kimi_k2":  # DeepSeek-V3's model under another name
        config["model_type"] = "deepseek_v3"
    if config["model_type"] == "dbrx":  # its class wants a float where the release has an integer
        config["ffn_config"].pop("uniform_expert_assignment", None)
        config["ffn_config"]["moe_normalize_expert_weights"] = float(config["ffn_config"]["moe_normalize_expert_weights"])
    if quantised == "fp8":
        widened(folder, config, to)
        del config["quantization_config"]
        config["torch_dtype"] = "float32"
    else:
        for name in os.listdir(folder):
            if name.startswith("model"):
                shutil.copy(os.path.join(folder, name), to)
    with open(os.path.join(to, "config.json"), "w") as file:
        json.dump(config, file)
    return config, quantised


def compute(folder):
    with tempfile.TemporaryDirectory() as to:
        config, quantised = prepared(folder, to)
        more = {"quantization_config": transformers.Mxfp4Config(dequantize=True)} if quantised == "mxfp4" else {}
        model, info = transformers.AutoModelForCausalLM.from_pretrained(
            to, dtype=torch.float32, attn_implementation="eager", output_loading_info=True, **more)
        model = model.float().eval()
        logits, off = {}, 0.0
        inputs = {}
        for prompt, (length, a, b, c) in PROMPTS.items():
            inputs[prompt] = torch.tensor([[(a * i * i + b * i + c) % config["vocab_size"] for i in range(length)]])
        with torch.no_grad():
            single = {prompt: model(ids, use_cache=False).logits[0] for prompt, ids in inputs.items()}
            try:
                wide = model.double()
                for prompt, ids in inputs.items():
                    logits[prompt] = wide(ids, use_cache=False).logits[0].double()
                    off = max(off, (logits[prompt] - single[prompt].double()).abs().max().item())
                kind = "float64"
            except Exception:
                logits, kind = single, "float32"
        kept = {prompt: rows[-KEPT_ROWS:].float().contiguous().clone() for prompt, rows in logits.items()}
        says = {key: sorted(map(str, value)) for key, value in info.items() if value}
        return kept, {"class": type(model).__name__, "computed_in": kind, "float32_off_by": off, "loading": says, "quantised": quantised, "spread": kept["short"].std().item()}


def main():
    models, out = sys.argv[1:3]
    tensors, report = {}, {"transformers": transformers.__version__, "torch": torch.__version__, "variants": {}}
    for name in sorted(os.listdir(models)):
        folder = os.path.join(models, name)
        try:
            logits, says = compute(folder)
            tensors.update({f"{name}/{prompt}": rows for prompt, rows in logits.items()})
            report["variants"][name] = {"sha256": digest(folder), "error": None, **says}
        except Exception as error:
            report["variants"][name] = {"sha256": digest(folder), "error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()[-1500:]}
        print(name, {key: value for key, value in report["variants"][name].items() if key not in ("sha256", "trace")}, flush=True)
    save_file(tensors, os.path.join(out, "logits.safetensors"))
    with open(os.path.join(out, "report.json"), "w") as file:
        json.dump(report, file, indent=1)


main()

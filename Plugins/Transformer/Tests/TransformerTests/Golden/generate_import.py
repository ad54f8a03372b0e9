#!/usr/bin/env python3
"""Writes small models of Hugging Face's transformers as they save themselves, and what they compute: folders import_<name>.

Run by hand: python3 generate_import.py (needs torch, transformers, safetensors).

<folder>/model.safetensors is the file of `save_pretrained`, of a model with random parameters. <folder>/golden.safetensors
has our names: the inputs, `output`, and with a random `target` the mean squared error's gradients of some parameters,
`gradient.<name>`, put together as ours are. All of it is computed in double precision from the saved values.
"""
import json
import math
import pathlib
import shutil
import tempfile
import zlib

import torch
import torch.nn.functional as F
from safetensors.torch import save
from transformers import (BertConfig, BertForMaskedLM, BertForSequenceClassification, GPT2Config, GPT2LMHeadModel,
                          ViTConfig, ViTForImageClassification)

from golden_file import FOLDER


def randomize(model):
    """Neither zeros nor ones, which biases and norms begin with: they would hide where they act."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = 1 / math.sqrt(parameter.shape[-1]) if parameter.dim() > 1 else 0.3
            offset = 1 if parameter.dim() == 1 and bool((parameter == 1).all()) else 0
            parameter.copy_(offset + scale * torch.randn_like(parameter))


def write(name, make, inputs, gradients, arguments=lambda x: x, outputs=None, dtype=torch.float32):
    """Inputs and gradients have our names; `arguments` makes the model's of the inputs, `gradients` ours of the model's."""
    torch.manual_seed(zlib.crc32(name.encode()))
    folder = FOLDER / f"import_{name}"
    folder.mkdir(exist_ok=True)
    model = make().eval()
    randomize(model)
    model = model.to(dtype)
    with tempfile.TemporaryDirectory() as saved:
        model.save_pretrained(saved)
        shutil.copy(pathlib.Path(saved) / "model.safetensors", folder)
    model = model.double()
    inputs = inputs()
    golden = dict(inputs)
    double = {key: value.double() if value.is_floating_point() else value for key, value in inputs.items()}
    output = model(**arguments(double)).logits
    golden["output"] = output
    golden["target"] = torch.randn(output.shape)
    F.mse_loss(output, golden["target"].double()).backward()
    for key, value in gradients(model).items():
        golden["gradient." + key] = value
    for key, value in (outputs(double) if outputs else {}).items():
        golden[key] = model(**value).logits
    golden = {key: (value.detach().float() if value.is_floating_point() else value).contiguous()
              for key, value in golden.items()}
    (folder / "golden.safetensors").write_bytes(save(golden))
    sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    print(name, json.dumps(sizes))


def grad(*modules):
    """Weights one below the other."""
    return torch.cat([module.weight.grad for module in modules])


def gpt2():
    def gradients(model):
        body = model.transformer
        return {
            "embedding.weight": body.wte.weight.grad, "positions.weight": body.wpe.weight.grad,
            "layers.0.self_attn.in_proj.weight": body.h[0].attn.c_attn.weight.grad.T,
            "layers.0.norm1.bias": body.h[0].ln_1.bias.grad,
        }

    write("gpt2", lambda: GPT2LMHeadModel(GPT2Config(
        vocab_size=23, n_positions=9, n_embd=12, n_layer=2, n_head=3, attn_implementation="eager")),
        lambda: {"tokens": torch.randint(23, (2, 7))}, gradients, lambda x: {"input_ids": x["tokens"]})
    # Half precision, another width within layers, an output of its own.
    write("gpt2_untied", lambda: GPT2LMHeadModel(GPT2Config(
        vocab_size=11, n_positions=5, n_embd=10, n_layer=1, n_head=2, n_inner=7, tie_word_embeddings=False,
        attn_implementation="eager")),
        lambda: {"tokens": torch.randint(11, (3, 5))}, lambda model: {"output.weight": model.lm_head.weight.grad},
        lambda x: {"input_ids": x["tokens"]}, dtype=torch.float16)


def bert():
    def arguments(x):
        steps = torch.arange(x["tokens"].shape[1])
        mask = (steps < x["lengths"][:, None]).long()
        return {"input_ids": x["tokens"], "attention_mask": mask, "token_type_ids": x["segments"]}

    def body(model):
        attention = model.bert.encoder.layer[0].attention.self
        return {
            "segment_embedding.weight": model.bert.embeddings.token_type_embeddings.weight.grad,
            "layers.0.self_attn.in_proj.weight": grad(attention.query, attention.key, attention.value),
        }

    def masked(model):
        return body(model) | {"output.bias": model.cls.predictions.decoder.bias.grad,
                              "embedding.weight": model.bert.embeddings.word_embeddings.weight.grad,
                              "transform.bias": model.cls.predictions.transform.dense.bias.grad}

    def inputs(vocabulary, steps, *lengths):
        samples = len(lengths)
        return {"tokens": torch.randint(vocabulary, (samples, steps)), "lengths": torch.tensor(lengths),
                "segments": torch.randint(2, (samples, steps))}

    form = dict(type_vocab_size=2, pad_token_id=None, attn_implementation="eager")
    write("bert", lambda: BertForMaskedLM(BertConfig(
        vocab_size=19, hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=17,
        max_position_embeddings=8, **form)), lambda: inputs(19, 6, 4, 6, 1), masked, arguments,
        # All of one segment.
        lambda x: {"output.alone": arguments(x | {"segments": torch.zeros_like(x["segments"])})})
    write("bert_classes", lambda: BertForSequenceClassification(BertConfig(
        vocab_size=13, hidden_size=10, num_hidden_layers=1, num_attention_heads=5, intermediate_size=9,
        max_position_embeddings=7, num_labels=3, **form)), lambda: inputs(13, 7, 7, 2),
        lambda model: body(model) | {"pooler.weight": model.bert.pooler.dense.weight.grad,
                                     "classifier.bias": model.classifier.bias.grad},
        arguments, dtype=torch.bfloat16)


def vit():
    def gradients(model):
        attention = model.vit.layers[1].attention
        return {
            "class_token.weight": model.vit.embeddings.cls_token.grad[0, 0],
            "positions.weight": model.vit.embeddings.position_embeddings.grad[0],
            "patches.weight": model.vit.embeddings.patch_embeddings.projection.weight.grad,
            "layers.1.self_attn.in_proj.weight": grad(attention.q_proj, attention.k_proj, attention.v_proj),
            "head.weight": model.classifier.weight.grad,
        }

    write("vit", lambda: ViTForImageClassification(ViTConfig(
        image_size=(6, 8), patch_size=2, num_channels=2, hidden_size=12, num_hidden_layers=2, num_attention_heads=3,
        intermediate_size=10, num_labels=5, attn_implementation="eager")),
        lambda: {"images": torch.randn(3, 2, 6, 8)}, gradients, lambda x: {"pixel_values": x["images"]})


if __name__ == "__main__":
    torch.set_num_threads(1)
    gpt2()
    bert()
    vit()

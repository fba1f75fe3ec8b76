"""Random models of both families beside their `transformers` twins, small enough to be quick."""

import pytest
import torch
import transformers

from course_utils.model.encoder import EncoderConfig
from course_utils.model.heads import MaskedLanguageModel
from course_utils.model.interop import load_pretrained

VOCAB, LENGTH = 300, 48

THEIRS = {
    "bert": transformers.BertConfig(
        vocab_size=VOCAB,
        hidden_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=100,
        max_position_embeddings=LENGTH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    ),
    "modern": transformers.ModernBertConfig(
        vocab_size=VOCAB,
        hidden_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=72,
        max_position_embeddings=LENGTH,
        layer_types=["full_attention"] * 3,
        rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": 160_000.0}},
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=None,
        cls_token_id=2,
        sep_token_id=3,
    ),
}
MODELS = {
    "bert": (
        transformers.BertForMaskedLM,
        transformers.BertForSequenceClassification,
    ),
    "modern": (
        transformers.ModernBertForMaskedLM,
        transformers.ModernBertForSequenceClassification,
    ),
}


def shake(model):
    """Random norms and biases too: at their initial 1 and 0 they would hide a wrong mapping."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


@pytest.fixture(params=["bert", "modern"])
def family(request):
    return request.param


@pytest.fixture
def theirs(family, tmp_path):
    """A random masked language model of `transformers` and the folder that it was saved to."""
    torch.manual_seed(5)
    model = shake(MODELS[family][0]._from_config(THEIRS[family], attn_implementation="eager"))
    model.save_pretrained(tmp_path / "theirs")
    return model, tmp_path / "theirs"


@pytest.fixture
def ours(family):
    """A random masked language model of ours."""
    torch.manual_seed(6)
    shape = {"hidden_size": 48, "num_layers": 3, "num_heads": 4, "max_length": LENGTH}
    return shake(MaskedLanguageModel(getattr(EncoderConfig, family)(VOCAB, **shape)))


@pytest.fixture
def batch():
    """Token ids (3, 20) with a mask that pads two of the rows."""
    generator = torch.Generator().manual_seed(7)
    input_ids = torch.randint(1, VOCAB, (3, 20), generator=generator)
    attention_mask = torch.ones_like(input_ids)
    attention_mask[1, 13:] = 0
    attention_mask[2, 1:] = 0
    return input_ids * attention_mask, attention_mask


@pytest.fixture(scope="session")
def minilm():
    """MiniLM's folder, its model in `transformers`, and ours with the same weights."""
    from course_utils.text import corpora

    folder = corpora.minilm_folder()
    model = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    return folder, model, load_pretrained(folder, task="encoder")

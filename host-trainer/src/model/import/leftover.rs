//! Tensors that no layer uses: which of them the network does not need, and what the others
//! are.

use safetensors::Dtype;

use super::name::{Convention, SEPARATORS, split};
use super::tensors::Tensor;

/// Components of names of an optimizer's state.
const OPTIMIZER: [&str; 3] = ["optimizer", "optimizers", "opt_state"];

/// Last components of names of an optimizer's state, and of counters.
const STATE: [&str; 8] = [
    "exp_avg",
    "exp_avg_sq",
    "max_exp_avg_sq",
    "momentum_buffer",
    "num_batches_tracked",
    "seed_generator_state",
    "iteration",
    "global_step",
];

/// Returns true if no network needs `tensor`: it belongs to an optimizer, or is a counter.
pub fn is_state(tensor: &Tensor<'_>) -> bool {
    let name = tensor.name.strip_suffix(":0").unwrap_or(&tensor.name);
    let is_counter = matches!(tensor.data_type(), Dtype::I64 | Dtype::U64 | Dtype::I32 | Dtype::U32)
        && tensor.shape.iter().product::<usize>() <= 2;
    name.split(SEPARATORS).any(|component| OPTIMIZER.contains(&component))
        || STATE.contains(&split(name).1)
        || is_counter
}

/// Returns true if `tensor` may have the weights of a convolution of images.
pub fn is_convolution(tensor: &Tensor<'_>) -> bool {
    tensor.shape.len() == 4 && Convention::of(&tensor.name).is_some()
}

/// Describes `tensor` if its name or its shape shows that it belongs to something that cannot be
/// imported.
pub fn foreign(tensor: &Tensor<'_>) -> Option<&'static str> {
    let name = tensor.name.as_str();
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let last = split(name.strip_suffix(":0").unwrap_or(name)).1;
    Some(if has(&["lora_", "base_layer"]) {
        "an adapter (LoRA); merge it before saving, with merge_and_unload of PEFT"
    } else if has(&["weight_ih", "weight_hh", "bias_ih", "bias_hh", "recurrent_kernel"]) {
        "a recurrent layer"
    } else if has(&["in_proj_", "q_proj", "k_proj", "v_proj", "self_attn"]) {
        "attention"
    } else if has(&["parametrizations."]) {
        "a parametrization; remove it before saving, with torch.nn.utils.parametrize.remove_parametrizations"
    } else if name.ends_with("_orig") || name.ends_with("_mask") {
        "a pruning mask or spectral normalization; remove it before saving, with torch.nn.utils.prune.remove or \
         remove_spectral_norm"
    } else if name.ends_with("weight_g") || name.ends_with("weight_v") || name.ends_with("weight_u") {
        "weight or spectral normalization; remove it before saving, with remove_weight_norm or remove_spectral_norm"
    } else if has(&["pointwise_kernel"]) {
        "a separable convolution, which has no ReLU between its two parts"
    } else if is_convolution(tensor) {
        "a convolution"
    } else if tensor.shape.len() > 2 {
        "a convolution of other than two dimensions, or another layer"
    } else if has(&["running_mean", "running_var", "moving_mean", "moving_variance"]) {
        "batch normalization that is not complete"
    } else if ["gamma", "beta"].contains(&last) {
        "a normalization"
    } else if has(&["zero_point", "weight_scale", "_packed_params"]) {
        "a quantized layer; save the network before it is quantized"
    } else if tensor.shape.len() < 2 && Convention::of(name).is_some() {
        "a normalization, or PReLU"
    } else {
        return None;
    })
}

/// Describes `tensor`, which no layer uses.
pub fn describe(tensor: &Tensor<'_>) -> &'static str {
    match (foreign(tensor), tensor.shape.len()) {
        (Some(what), _) => what,
        (None, 2) => "a matrix that the sequence of layers does not contain",
        (None, _) => "not the biases of one of the layers",
    }
}

/// Returns true if `ignored` names `tensor`, or a layer or a part of the network that it is in.
pub fn is_named(tensor: &Tensor<'_>, ignored: &str) -> bool {
    let rest = tensor.name.strip_prefix(ignored);
    rest.is_some_and(|rest| rest.is_empty() || ignored.ends_with(SEPARATORS) || rest.starts_with(SEPARATORS))
}

//! Replacements for operators that a model does not have.

/// Returns what works instead of `operator`, by its name in any format.
pub fn instead_of(operator: &str) -> &'static str {
    let name: String = operator.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let is = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if is(&["lstm", "gru", "rnn", "attention", "embedding", "einsum", "loop", "while"])
        || matches!(&*name, "if" | "scan")
    {
        "a model has no recurrence, attention or control flow; use dense layers and convolutions"
    } else if is(&["relu", "elu", "selu", "gelu", "tanh", "swish", "silu", "mish", "sigmoid", "logistic", "softplus"])
        || is(&["softsign", "hard", "erf", "clip", "minimum", "maximum"])
    {
        "train with ReLU, the only activation of a model"
    } else if is(&["instancenorm", "layernorm", "groupnorm", "l2norm", "lpnorm", "rms"]) {
        "train with batch normalization before ReLU, which is folded into layers"
    } else if is(&["convtranspose", "transposeconv", "conv3d", "conv1d", "deform", "integer"]) {
        "use convolutions of images with fixed weights"
    } else if is(&["separable"]) {
        "use a depthwise convolution with ReLU, then a convolution of 1x1"
    } else if is(&["pad"]) {
        "give the padding to the convolution or the pool itself"
    } else if is(&["resize", "upsample"]) {
        "train with images of the size that the network takes"
    } else if is(&["concat", "split", "add", "mul", "sub", "div"]) {
        "a model is one sequence of layers, without branches or skip connections"
    } else if is(&["argmax", "topk", "nonmax"]) {
        "end the network with the logits; a model returns the class itself"
    } else {
        "a model has dense layers, convolutions, pools and ReLU; docs/import.md lists the operators"
    }
}

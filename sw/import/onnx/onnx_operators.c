/*
 * onnx_operators.c - every operator we know of: those done, where they run, and for the others the reason why not.
 *
 * docs/operators.md is made from this list (`rowstation info --operators`), and a test holds it against the data set's.
 */
#include <string.h>
#include "onnx_internal.h"

#define ARRAY "array or CPU"
#define QDQ   "float32; codes between DequantizeLinear and QuantizeLinear"
#define MOVES "float32 and codes, any layout"
#define AS_BETWEEN "as its float operator between DequantizeLinear and QuantizeLinear"
#define TABLE "float32; codes by a table of 256"

static const struct onnx_operator operators[] = {
    { "Conv", false, onnx_conv, ARRAY, QDQ "; 1 or 2 spatial dimensions, groups" },
    { "QLinearConv", false, onnx_conv, ARRAY, "int8 and uint8, one scale or one a filter" },
    { "MatMul", false, onnx_matmul, ARRAY, QDQ },
    { "Gemm", false, onnx_matmul, ARRAY, QDQ },
    { "QLinearMatMul", false, onnx_matmul, ARRAY, "int8 and uint8; two activations: the host packs the second as filters" },
    { "QGemm", true, onnx_matmul, ARRAY, "int8 and uint8 codes out" },
    { "QLinearAdd", true, onnx_only_constant, ARRAY, AS_BETWEEN },
    { "QLinearMul", true, onnx_only_constant, "CPU", AS_BETWEEN },
    { "QLinearAveragePool", true, onnx_only_constant, ARRAY, AS_BETWEEN },
    { "QLinearGlobalAveragePool", true, onnx_only_constant, "CPU", AS_BETWEEN },
    { "QLinearSigmoid", true, onnx_only_constant, "CPU", AS_BETWEEN },
    { "QLinearLeakyRelu", true, onnx_only_constant, "CPU", AS_BETWEEN },
    { "QLinearSoftmax", true, onnx_only_constant, "CPU", AS_BETWEEN },
    { "QLinearConcat", true, onnx_only_constant, "CPU", AS_BETWEEN },
    { "QuantizeLinear", false, onnx_quantize_linear, "CPU", "float32 to int8 or uint8, one scale or one along an axis, constant" },
    { "DequantizeLinear", false, onnx_dequantize_linear, "CPU", "int8 or uint8, and constant int32, to float32; constant scales" },
    { "MaxPool", false, onnx_pool, ARRAY, "float32, int8, uint8; 1 or 2 spatial dimensions; values, no dilation" },
    { "AveragePool", false, onnx_pool, ARRAY, QDQ "; 1 or 2 spatial dimensions" },
    { "GlobalMaxPool", false, onnx_global_pool, ARRAY, "float32, int8, uint8; 1 or 2 spatial dimensions" },
    { "GlobalAveragePool", false, onnx_global_pool, "CPU", QDQ "; 1 or 2 spatial dimensions" },
    { "ReduceMean", false, onnx_reduce, "CPU", QDQ "; constant axes" },
    { "Add", false, onnx_binary, ARRAY, QDQ "; on the array behind a convolution" },
    { "Sub", false, onnx_binary, "CPU", QDQ },
    { "Mul", false, onnx_binary, "CPU", QDQ },
    { "Div", false, onnx_binary, "CPU", "float32" },
    { "Max", false, onnx_binary, "CPU", "float32; two of int8 or uint8" },
    { "Min", false, onnx_binary, "CPU", "float32; two of int8 or uint8" },
    { "Sum", false, onnx_binary, "CPU", "float32" },
    { "Mean", false, onnx_binary, "CPU", "float32" },
    { "Relu", false, onnx_unary, ARRAY, TABLE "; in the operation before it where that has a clamp" },
    { "Clip", false, onnx_unary, ARRAY, TABLE "; constant bounds; to [0, 6] or [-1, 1] in the operation before it" },
    { "Sigmoid", false, onnx_unary, "CPU", TABLE },
    { "Tanh", false, onnx_unary, "CPU", TABLE },
    { "HardSwish", false, onnx_unary, "CPU", TABLE },
    { "HardSigmoid", false, onnx_unary, "CPU", TABLE },
    { "LeakyRelu", false, onnx_unary, "CPU", TABLE },
    { "ThresholdedRelu", false, onnx_unary, "CPU", TABLE },
    { "Elu", false, onnx_unary, "CPU", TABLE },
    { "Selu", false, onnx_unary, "CPU", TABLE },
    { "Celu", false, onnx_unary, "CPU", TABLE },
    { "Softplus", false, onnx_unary, "CPU", TABLE },
    { "Softsign", false, onnx_unary, "CPU", TABLE },
    { "Gelu", false, onnx_unary, "CPU", TABLE },
    { "Gelu", true, onnx_unary, "CPU", TABLE },
    { "Erf", false, onnx_unary, "CPU", TABLE },
    { "Abs", false, onnx_unary, "CPU", TABLE },
    { "Neg", false, onnx_unary, "CPU", TABLE },
    { "Sign", false, onnx_unary, "CPU", TABLE },
    { "Ceil", false, onnx_unary, "CPU", TABLE },
    { "Floor", false, onnx_unary, "CPU", TABLE },
    { "Round", false, onnx_unary, "CPU", TABLE },
    { "Reciprocal", false, onnx_unary, "CPU", TABLE },
    { "Sqrt", false, onnx_unary, "CPU", TABLE },
    { "Exp", false, onnx_unary, "CPU", TABLE },
    { "Log", false, onnx_unary, "CPU", TABLE },
    { "Sin", false, onnx_unary, "CPU", TABLE },
    { "Cos", false, onnx_unary, "CPU", TABLE },
    { "Tan", false, onnx_unary, "CPU", TABLE },
    { "Asin", false, onnx_unary, "CPU", TABLE },
    { "Acos", false, onnx_unary, "CPU", TABLE },
    { "Atan", false, onnx_unary, "CPU", TABLE },
    { "Sinh", false, onnx_unary, "CPU", TABLE },
    { "Cosh", false, onnx_unary, "CPU", TABLE },
    { "Asinh", false, onnx_unary, "CPU", TABLE },
    { "Acosh", false, onnx_unary, "CPU", TABLE },
    { "Atanh", false, onnx_unary, "CPU", TABLE },
    { "Softmax", false, onnx_softmax, "CPU", "float32" },
    { "BatchNormalization", false, onnx_batch_norm, "CPU", "float32, inference; the quantizer folds it into the convolution before it" },
    { "LayerNormalization", false, onnx_layer_norm, "CPU", "float32" },
    { "Reshape", false, onnx_reshaping, "none", MOVES "; constant or computed from constants and sizes" },
    { "Flatten", false, onnx_reshaping, "none", MOVES "; the filter of a Gemm after it is put in the activations' order" },
    { "Squeeze", false, onnx_reshaping, "none", MOVES },
    { "Unsqueeze", false, onnx_reshaping, "none", MOVES },
    { "Transpose", false, onnx_transpose, "none", "relabels dimensions; a TRANSPOSE on the CPU where two layouts differ at last" },
    { "Identity", false, onnx_alias, "none", "dense tensors" },
    { "Dropout", false, onnx_alias, "none", "inference" },
    { "Slice", false, onnx_slicing, "CPU", MOVES "; constant bounds" },
    { "Split", false, onnx_split, "CPU", MOVES "; constant sizes" },
    { "Gather", false, onnx_gather, "CPU", MOVES "; constant indices" },
    { "Concat", false, onnx_concat, "CPU", MOVES },
    { "Pad", false, onnx_pad, ARRAY, MOVES "; a constant, edge, reflect; zeros in the convolution after it" },
    { "Resize", false, onnx_resize, "CPU", MOVES "; nearest neighbour, height and width" },
    { "Upsample", false, onnx_resize, "CPU", MOVES "; nearest neighbour, height and width" },
    { "Constant", false, onnx_only_constant, "constant", "numbers and dense tensors" },
    { "ConstantOfShape", false, onnx_only_constant, "constant", "of constants" },
    { "Shape", false, onnx_only_constant, "constant", "of any tensor" },
    { "Size", false, onnx_only_constant, "constant", "of any tensor" },
    { "Range", false, onnx_only_constant, "constant", "of constants" },
    { "Cast", false, onnx_only_constant, "constant", "of constants" },
    { "Expand", false, onnx_only_constant, "constant", "of constants" },
    { "Where", false, onnx_only_constant, "constant", "of constants" },
    { "Pow", false, onnx_pow, "CPU", "float32" },
    { "Mod", false, onnx_only_constant, "constant", "of constants" },
    { "Equal", false, onnx_only_constant, "constant", "of constants" },
    { "Greater", false, onnx_only_constant, "constant", "of constants" },
    { "Less", false, onnx_only_constant, "constant", "of constants" },
    { "GreaterOrEqual", false, onnx_only_constant, "constant", "of constants" },
    { "LessOrEqual", false, onnx_only_constant, "constant", "of constants" },
    { "And", false, onnx_only_constant, "constant", "of constants" },
    { "Or", false, onnx_only_constant, "constant", "of constants" },
    { "Not", false, onnx_only_constant, "constant", "of constants" },
    { "ReduceProd", false, onnx_only_constant, "constant", "of a list" },
};

static const char control[] = "control flow: its subgraphs run or not at run time, and a plan is made before";
static const char sequence[] = "sequences and optional values: the graph has dense tensors only";
static const char data_shape[] = "the size of its result depends on the data, and a plan is made before";
static const char string[] = "strings: not arithmetic of a network";
static const char training[] = "training: an optimizer or a loss, not inference";
static const char random[] = "random numbers: not the same twice";
static const char recurrent[] = "recurrent layers: not among the networks this project is for";
static const char signals[] = "signal processing: not among the networks this project is for";
static const char integers[] = "arithmetic on int32 accumulators, flags or indices: activations are codes or float32";
static const char missing[] = "no kernel: not used by the networks this project is for";

static const struct { const char *name, *why; } not_done[] = {
    { "If", control }, { "Loop", control }, { "Scan", control },
    { "SequenceAt", sequence }, { "SequenceConstruct", sequence }, { "SequenceEmpty", sequence }, { "SequenceErase", sequence },
    { "SequenceInsert", sequence }, { "SequenceLength", sequence }, { "SequenceMap", sequence }, { "SplitToSequence", sequence },
    { "ConcatFromSequence", sequence }, { "Optional", sequence }, { "OptionalGetElement", sequence }, { "OptionalHasElement", sequence },
    { "NonZero", data_shape }, { "Compress", data_shape }, { "Unique", data_shape }, { "NonMaxSuppression", data_shape },
    { "StringNormalizer", string }, { "TfIdfVectorizer", string },
    { "Adagrad", training }, { "Adam", training }, { "Momentum", training }, { "Gradient", training },
    { "NegativeLogLikelihoodLoss", training }, { "SoftmaxCrossEntropyLoss", training },
    { "Bernoulli", random }, { "RandomNormal", random }, { "RandomNormalLike", random }, { "RandomUniform", random },
    { "RandomUniformLike", random }, { "Multinomial", random },
    { "LSTM", recurrent }, { "GRU", recurrent }, { "RNN", recurrent },
    { "DFT", signals }, { "STFT", signals }, { "MelWeightMatrix", signals }, { "BlackmanWindow", signals }, { "HammingWindow", signals },
    { "HannWindow", signals },
    { "ConvInteger", integers }, { "MatMulInteger", integers }, { "BitShift", integers }, { "Xor", integers }, { "ArgMax", integers },
    { "ArgMin", integers }, { "CumSum", integers }, { "IsInf", integers }, { "IsNaN", integers }, { "OneHot", integers },
    { "DynamicQuantizeLinear", "its scale is known only at run time, and a plan is made before; quantize statically" },
    { "CastLike", integers }, { "EyeLike", missing }, { "Trilu", missing }, { "Det", missing }, { "Einsum", missing },
    { "ConvTranspose", missing }, { "DepthToSpace", missing }, { "SpaceToDepth", missing }, { "GatherElements", missing },
    { "GatherND", missing }, { "GridSample", missing }, { "Hardmax", missing }, { "InstanceNormalization", missing }, { "LRN", missing },
    { "LogSoftmax", missing }, { "LpNormalization", missing }, { "LpPool", missing }, { "GlobalLpPool", missing }, { "MaxRoiPool", missing },
    { "RoiAlign", missing }, { "MaxUnpool", missing }, { "MeanVarianceNormalization", missing }, { "PRelu", missing },
    { "ReduceL1", missing }, { "ReduceL2", missing }, { "ReduceLogSum", missing }, { "ReduceLogSumExp", missing }, { "ReduceMax", missing },
    { "ReduceMin", missing }, { "ReduceSum", missing }, { "ReduceSumSquare", missing }, { "ReverseSequence", missing },
    { "Scatter", missing }, { "ScatterElements", missing }, { "ScatterND", missing }, { "Shrink", missing }, { "Tile", missing },
    { "TopK", missing },
};

enum { DONE = sizeof operators / sizeof operators[0], NOT_DONE = sizeof not_done / sizeof not_done[0] };

const char *onnx_between_quantizers(const char *domain, const char *name)
{
    if (domain == NULL || strcmp(domain, "com.microsoft") != 0 || name == NULL || strncmp(name, "QLinear", 7) != 0)
        return NULL;
    for (int i = 0; i < DONE; i++)                       /* the name in the list lives as long as the program */
        if (operators[i].convert == onnx_only_constant && operators[i].microsoft && strcmp(operators[i].name, name) == 0)
            return operators[i].name + 7;
    return NULL;
}

const struct onnx_operator *onnx_find_operator(const char *domain, const char *name, const char **why_not)
{
    const bool microsoft = domain != NULL && strcmp(domain, "com.microsoft") == 0;
    const bool standard = domain == NULL || *domain == 0 || strcmp(domain, "ai.onnx") == 0;

    *why_not = "no such operation here";
    if (name == NULL || (!microsoft && !standard))
        return NULL;
    for (int i = 0; i < DONE; i++)
        if (operators[i].microsoft == microsoft && strcmp(operators[i].name, name) == 0)
            return &operators[i];
    /* ONNX Runtime writes the standard quantizers in its own domain too, for types that the standard got later. */
    if (microsoft && (strcmp(name, "QuantizeLinear") == 0 || strcmp(name, "DequantizeLinear") == 0))
        return onnx_find_operator("", name, why_not);
    for (int i = 0; i < NOT_DONE; i++)
        if (standard && strcmp(not_done[i].name, name) == 0)
            *why_not = not_done[i].why;
    return NULL;
}

bool rs_onnx_operator(int index, const char **domain, const char **name, const char **where, const char **what)
{
    if (index < 0 || index >= DONE + NOT_DONE)
        return false;
    const bool done = index < DONE;

    *domain = done && operators[index].microsoft ? "com.microsoft" : "";
    *name = done ? operators[index].name : not_done[index - DONE].name;
    *where = done ? operators[index].where : NULL;
    *what = done ? operators[index].what : not_done[index - DONE].why;
    return true;
}

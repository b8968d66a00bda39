/* prenda: neural networks in fixed point for microcontrollers.
 *
 *     static prenda_model model;
 *     static uint32_t workspace[MODEL_WORKSPACE_BYTES / 4];
 *     prenda_prediction prediction;
 *
 *     prenda_status status = prenda_open(&model, model_bytes, MODEL_BYTES);
 *     if (status == PRENDA_STATUS_OK) {
 *         status = prenda_infer(&model, workspace, sizeof workspace, pixels, MODEL_PIXELS, &prediction);
 *     }
 *
 * `host-trainer export RUN --c DIR` writes model.h and model.c, with the model and its sizes.
 *
 * Memory. All memory is the caller's; the library has no heap and no variables. An open model
 * points to its bytes, and a prediction to its workspace: keep these, and do not change them.
 * Nothing has to be closed. A prenda_model starts as zeros, as static variables do.
 *
 * Overlap. What a function reads may not overlap what it writes. prenda_open checks the model and
 * its bytes; prenda_infer checks its workspace, the image and the prediction; prenda_quantize_input
 * checks the row and the input.
 *
 * Alignment. A model's bytes and a workspace start at a multiple of 4, a prenda_model at a multiple
 * of 8.
 *
 * Threads. An open model is only read, so threads can share it. Calls at the same time need a
 * workspace each. All functions can be called from interrupts.
 *
 * Errors. A function that returns a prenda_status checks its pointers, sizes and alignment. After
 * an error of prenda_open the model is not open; after any other error no output was written. No
 * function calls back, prints, or stops the program. */

#ifndef PRENDA_H
#define PRENDA_H

#include <stddef.h>
#include <stdint.h>

/**
 * Size of a prenda_model in words of the machine.
 */
#define PRENDA_MODEL_WORDS 400

/**
 * The result of a function. New values may be added.
 */
enum prenda_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Success.
     */
    PRENDA_STATUS_OK = 0,
    /**
     * A pointer is null.
     */
    PRENDA_STATUS_NULL_POINTER = 1,
    /**
     * A pointer is not aligned.
     */
    PRENDA_STATUS_UNALIGNED = 2,
    /**
     * The model was not opened.
     */
    PRENDA_STATUS_NOT_OPEN = 3,
    /**
     * The image does not have the model's number of pixels.
     */
    PRENDA_STATUS_PIXEL_COUNT = 4,
    /**
     * The workspace is smaller than prenda_workspace_bytes().
     */
    PRENDA_STATUS_WORKSPACE_SIZE = 5,
    /**
     * A buffer overlaps another, or the end of the address space.
     */
    PRENDA_STATUS_OVERLAP = 6,
    /**
     * The model has no class of this index.
     */
    PRENDA_STATUS_CLASS_INDEX = 7,
    /**
     * The buffer has no room for the text.
     */
    PRENDA_STATUS_BUFFER_SIZE = 8,
    /**
     * The model takes images, not rows of raw words.
     */
    PRENDA_STATUS_NO_FEATURES = 9,
    /**
     * The bytes are not a model.
     */
    PRENDA_STATUS_NOT_A_MODEL = 16,
    /**
     * The model's format is newer than this library.
     */
    PRENDA_STATUS_TOO_NEW = 17,
    /**
     * The model is longer than its bytes.
     */
    PRENDA_STATUS_TOO_SHORT = 18,
    /**
     * A byte of the model has changed since its export.
     */
    PRENDA_STATUS_DAMAGED = 19,
    /**
     * The model breaks a rule of the format.
     */
    PRENDA_STATUS_MALFORMED = 20,
    /**
     * The model has more layers than a prenda_model has room for.
     */
    PRENDA_STATUS_TOO_MANY_LAYERS = 21,
    /**
     * The library has no code for a layer, or for the order of its weights.
     */
    PRENDA_STATUS_UNSUPPORTED = 22,
    /**
     * This machine computes other results than the one that exported the model.
     */
    PRENDA_STATUS_SELF_TEST = 32,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum prenda_status prenda_status;
#else
typedef int32_t prenda_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * An open model. Its fields are private.
 */
typedef union {
    /**
     * For the alignment.
     */
    uint64_t alignment;
    size_t words[PRENDA_MODEL_WORDS];
} prenda_model;

/**
 * The outputs of an inference.
 */
typedef struct {
    /**
     * Index of the largest logit.
     */
    uint32_t class_index;
    /**
     * The network that answered: always 0 unless the model is a cascade.
     */
    uint32_t network;
    /**
     * Length of both arrays: the number of classes.
     */
    uint32_t class_count;
    /**
     * Logits in units of 1/65536. They are in the workspace, until its next use.
     */
    const int32_t *logits;
    /**
     * Probabilities in units of 1/32768, likewise. Their sum is exactly 1.
     */
    const uint16_t *probabilities;
} prenda_prediction;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Reads the model at the start of `bytes`, proves that it is runnable, and writes it to `model`.
 *
 * `length` may be larger than the model, as for a region of flash. Later calls read `bytes` in
 * place: keep them as long as the model is used.
 */
prenda_status prenda_open(prenda_model *model, const void *bytes, size_t length);

/**
 * Returns the size of a workspace for `model`, or 0 if it is not open.
 */
size_t prenda_workspace_bytes(const prenda_model *model);

/**
 * Returns the number of pixels of an image, of all channels, or 0 if `model` is not open.
 */
size_t prenda_pixel_count(const prenda_model *model);

/**
 * Returns the number of classes, or 0 if `model` is not open.
 */
uint32_t prenda_class_count(const prenda_model *model);

/**
 * Writes the name of a class to `buffer`, in UTF-8 and with a zero at its end.
 */
prenda_status prenda_class_name(const prenda_model *model,
                                uint32_t class_index,
                                char *buffer,
                                size_t buffer_bytes);

/**
 * Returns the image of a golden vector, or null if there are no more or `model` is not open.
 *
 * It has `prenda_pixel_count` pixels and is part of the model's bytes. A model has up to 16 of
 * these images, with the results of the host that exported it.
 */
const uint8_t *prenda_golden_pixels(const prenda_model *model, uint32_t index);

/**
 * Scales a row of raw sensor words to an input of `prenda_infer`, one byte for each word.
 *
 * `count` is `prenda_pixel_count`: the number of features of a model for rows of sensor data.
 */
prenda_status prenda_quantize_input(const prenda_model *model,
                                    const int32_t *raw_words,
                                    uint8_t *input,
                                    size_t count);

/**
 * Classifies an image: raw pixels, row-major, one byte each.
 */
prenda_status prenda_infer(const prenda_model *model,
                           void *workspace,
                           size_t workspace_bytes,
                           const uint8_t *pixels,
                           size_t pixel_count,
                           prenda_prediction *prediction);

/**
 * Classifies every golden vector of `model`, and compares all results with those of the host that
 * exported it.
 */
prenda_status prenda_self_test(const prenda_model *model, void *workspace, size_t workspace_bytes);

/**
 * Returns a description of a status: constant, in English, with a zero at its end.
 */
const char *prenda_status_text(int32_t status);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PRENDA_H */
/* sources: 35b9b3b7 */

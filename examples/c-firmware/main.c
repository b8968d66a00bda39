/* Classifies images with prenda: first those that come with the model, then those in images.raw.
 *
 * In firmware of your own, `pixels` comes from a camera or another sensor; everything else stays. */
#include "model.h"
#include "prenda.h"
#include "semihosting.h"

/* The memory that prenda needs: flash for model_bytes, RAM for these. */
static prenda_model model;
static uint32_t workspace[MODEL_WORKSPACE_BYTES / sizeof(uint32_t)];

static uint8_t pixels[MODEL_PIXELS];

/* Prints the reason, and ends with exit code 1. */
static void check(const char *what, prenda_status status)
{
    if (status != PRENDA_STATUS_OK) {
        print(what);
        print(": ");
        print(prenda_status_text(status));
        print("\n");
        quit(1);
    }
}

/* Prints the logits of an image, and its class. */
static void classify(const uint8_t *image)
{
    prenda_prediction prediction;
    check("infer", prenda_infer(&model, workspace, sizeof workspace, image, MODEL_PIXELS, &prediction));
    for (uint32_t class_index = 0; class_index < prediction.class_count; class_index++) {
        print_number(prediction.logits[class_index]);
        print(" ");
    }
    print(model_class_names[prediction.class_index]);
    print("\n");
}

int main(void)
{
    check("open", prenda_open(&model, model_bytes, sizeof model_bytes));
    check("self-test", prenda_self_test(&model, workspace, sizeof workspace));

    const uint8_t *golden;
    for (uint32_t index = 0; (golden = prenda_golden_pixels(&model, index)) != NULL; index++) {
        classify(golden);
    }
    int file = open_file("images.raw");
    while (file != -1 && read_file(file, pixels, sizeof pixels)) {
        classify(pixels);
    }
    return 0;
}

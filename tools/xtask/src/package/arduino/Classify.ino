// Classifies the images that come with the model, and prints their classes.
//
// Before: `host-trainer export RUN --c DIR`, with the folder of this sketch for DIR.

#include <prenda.h>

#include "model.h"

static prenda_model model;
static uint32_t workspace[MODEL_WORKSPACE_BYTES / sizeof(uint32_t)];

static void check(prenda_status status) {
  if (status != PRENDA_STATUS_OK) {
    Serial.println(prenda_status_text(status));
    while (true) {
    }
  }
}

void setup() {
  Serial.begin(115200);
  while (!Serial) {
  }
  check(prenda_open(&model, model_bytes, sizeof model_bytes));
  check(prenda_self_test(&model, workspace, sizeof workspace));
}

void loop() {
  const uint8_t *pixels;
  for (uint32_t index = 0; (pixels = prenda_golden_pixels(&model, index)) != nullptr; index++) {
    prenda_prediction prediction;
    check(prenda_infer(&model, workspace, sizeof workspace, pixels, MODEL_PIXELS, &prediction));
    Serial.println(model_class_names[prediction.class_index]);
  }
  delay(5000);
}

"use strict";
// The page around the program: files and pointers in, numbers and pixels out. The program, in
// tools/playground/src, computes; nothing here rounds, scales or compares.

/** Bytes of a model and of an answers file start with these. */
const MODEL = "PRENDA\x1a\n", ANSWERS = "PRENDAA";
/** Largest file that is read, in bytes. */
const MAX_FILE = 1 << 30;
/** Most classes in the table; the most probable ones. */
const MAX_ROWS = 12;
/** Images compared before the page is drawn again. */
const STEP = 500;
/** Milliseconds of rest before a screen reader is told the answer. */
const REST = 700;
const LIGHT_ON_DARK = 1;

const at = id => document.getElementById(id);
const text = bytes => new TextDecoder().decode(bytes);
const bytesOf = base64 => Uint8Array.from(atob(base64), character => character.charCodeAt(0));
const grouped = number => number.toLocaleString("en-US");
const percent = share => `${(100 * share).toFixed(2)} %`;

/** One instance of the program, with its own memory. */
class Engine {
  constructor(program) {
    this.program = new WebAssembly.Instance(program).exports;
  }

  /** Calls a function with `input`, and returns its output. */
  call(name, input = new Uint8Array(), ...numbers) {
    const address = this.program.input(input.length) >>> 0;
    if (address === 0 && input.length > 0) throw new Error(`no memory for ${grouped(input.length)} bytes; close other pages`);
    new Uint8Array(this.program.memory.buffer, address, input.length).set(input);
    let isDone;
    try {
      isDone = this.program[name](...numbers);
    } catch {
      // The memory may be half-written. A new instance goes on with the same model.
      this.program = new WebAssembly.Instance(program).exports;
      if (this === model?.engine) {
        this.call("open", model.bytes);
        if (model.framing !== undefined) this.call("set_framing", model.framing);
      }
      throw new Error(`the program stopped in \`${name}\`, probably without memory; try a smaller file`);
    }
    const { memory, output: place, output_length: length } = this.program;
    const output = new Uint8Array(memory.buffer, place() >>> 0, length()).slice();
    if (!isDone) throw new Error(text(output));
    return output;
  }
}

let program;
/** The open model: its engine, bytes, framing, and facts. */
let model;
/** The photo on the pad, to convert it again. */
let photo;
/** The pixels that the network sees. */
let pixels;
/** The answer in words. */
let answer = "";
/** The run of a comparison; a new one ends an older one. */
let comparison = 0;

// Messages.

function fail(error) {
  at("error").textContent = error.message;
  at("error").hidden = false;
}

function succeed() {
  at("error").hidden = true;
}

/** Runs an action; its error is shown and the page goes on. */
async function attempt(action) {
  try {
    await action();
    succeed();
  } catch (error) {
    fail(error);
  }
}

let rest;
function announce(message) {
  clearTimeout(rest);
  rest = setTimeout(() => { at("live").textContent = message; }, REST);
}

function facts(list, rows) {
  list.replaceChildren(...rows.map(([name, value]) => {
    const row = document.createElement("div");
    row.classList.toggle("long", value.length > 30);
    for (const [kind, content] of [["dt", name], ["dd", value]]) {
      row.appendChild(document.createElement(kind)).textContent = content;
    }
    return row;
  }));
}

// The model.

function open(bytes, framing) {
  const engine = new Engine(program);
  const [id, rows, columns, channels, networks, golden, images, correct, layers, ...names] =
    text(engine.call("open", bytes)).split("\0");
  if (framing !== undefined) engine.call("set_framing", framing);
  model = {
    engine, bytes, framing, id, layers, names,
    rows: Number(rows), columns: Number(columns), channels: Number(channels), networks: Number(networks), golden: Number(golden),
  };
  facts(at("facts"), [
    ["Id", id],
    ["Image", `${rows} x ${columns}${channels === "1" ? "" : `, ${channels} channels`}`],
    ["Layers", layers],
    ["Size", `${grouped(bytes.length)} bytes`],
    ...(Number(images) > 0 ? [["Test accuracy on the host", percent(correct / images)]] : []),
    ["Golden vectors", `${golden} of ${golden} with equal bits`],
  ]);
  comparison += 1;
  at("verdict").textContent = "";
  at("counts").replaceChildren();
  at("label").textContent = "";
  at("browse").hidden = true;
  at("progress").hidden = true;
  at("shade-label").hidden = model.channels !== 1;
  at("colour-label").hidden = model.channels === 1;
  at("polarity-label").hidden = model.channels !== 1 || framing?.length === 0;
  showClasses();
  size();
  showSamples();
  if (model.golden > 0) sample(0); else clear();
}

function showClasses() {
  const count = Math.min(model.names.length, MAX_ROWS);
  at("classes").replaceChildren(...Array.from({ length: count }, () => {
    const row = document.createElement("tr");
    const name = row.appendChild(document.createElement("th"));
    name.scope = "row";
    const bar = row.appendChild(document.createElement("td")).appendChild(document.createElement("div"));
    bar.className = "bar";
    bar.ariaHidden = "true";
    bar.appendChild(document.createElement("div"));
    row.append(document.createElement("td"), document.createElement("td"));
    return row;
  }));
}

// The answer.

/** Shows an image as the network sees it, and its answer. */
function see(image, conversion = "", doubt = "") {
  pixels = image;
  paint(at("seen"), image);
  at("seen").ariaLabel = `The image of ${model.rows} by ${model.columns} pixels that the network sees`;
  at("conversion").textContent = conversion;
  at("doubt").textContent = doubt;
  at("doubt").hidden = doubt === "";
  const output = new DataView(model.engine.call("infer", image).buffer);
  const count = model.names.length;
  const best = output.getUint32(0, true), network = output.getUint32(4, true);
  const answers = model.names.map((name, index) => ({
    name,
    logit: output.getInt32(8 + 4 * index, true),
    share: output.getUint16(8 + 4 * count + 2 * index, true) / 32768,
    isBest: index === best,
  }));
  const shown = count > MAX_ROWS ? answers.toSorted((one, other) => other.logit - one.logit).slice(0, MAX_ROWS) : answers;
  [...at("classes").rows].forEach((row, index) => {
    const { name, logit, share, isBest } = shown[index];
    row.classList.toggle("best", isBest);
    row.cells[0].textContent = name;
    row.cells[1].firstChild.firstChild.style.transform = `scaleX(${share})`;
    row.cells[2].textContent = percent(share);
    row.cells[3].textContent = grouped(logit);
  });
  at("rest").textContent = count > MAX_ROWS ? `and ${count - MAX_ROWS} less probable classes` : "";
  at("class").textContent = model.names[best];
  at("network").textContent =
    model.networks > 1 ? `answered by network ${network + 1} of ${model.networks}${network === 0 ? ", which was certain" : ""}` : "";
  answer = `${model.names[best]}, ${percent(answers[best].share)}`;
  announce(answer);
}

/** Paints an image of the model's shape. */
function paint(canvas, image) {
  const { rows, columns, channels } = model;
  canvas.width = columns;
  canvas.height = rows;
  const painted = new ImageData(columns, rows);
  for (let index = 0; index < rows * columns; index++) {
    for (let part = 0; part < 3; part++) {
      painted.data[4 * index + part] = channels >= 3 ? image[channels * index + part] : image[channels * index];
    }
    painted.data[4 * index + 3] = 255;
  }
  canvas.getContext("2d").putImageData(painted, 0, 0);
}

function nothing() {
  at("class").textContent = "\u2014";
  at("network").textContent = "";
  at("conversion").textContent = "Draw something, choose a sample or a photo.";
  at("doubt").hidden = true;
  const { width, height } = at("seen");
  at("seen").getContext("2d").clearRect(0, 0, width, height);
  for (const row of at("classes").rows) {
    row.classList.remove("best");
    row.cells[1].firstChild.firstChild.style.transform = "scaleX(0)";
    row.cells[2].textContent = row.cells[3].textContent = "";
  }
}

/** Converts what is on the pad, or a photo. */
function convert(engine, { data, width, height }, polarity) {
  const output = engine.call("photo", data, width, height, polarity);
  const length = model.rows * model.columns * model.channels;
  const [conversion, doubt] = text(output.subarray(length)).split("\0");
  see(output.slice(0, length), conversion, doubt);
}

// Samples.

function showSamples() {
  at("samples-title").hidden = model.golden === 0;
  at("samples").replaceChildren(...Array.from({ length: model.golden }, (_, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.ariaLabel = `Sample ${index + 1}`;
    paint(button.appendChild(document.createElement("canvas")), model.engine.call("golden", undefined, index));
    button.addEventListener("click", () => attempt(() => sample(index)));
    return button;
  }));
}

function sample(index) {
  lay(model.engine.call("golden", undefined, index));
  see(pixels, `Sample ${index + 1} of the model, as it is`);
}

/** Puts an image of the model's shape on the pad, to draw on it. */
function lay(image) {
  photo = undefined;
  pixels = image;
  const copy = document.createElement("canvas");
  paint(copy, image);
  context.imageSmoothingEnabled = false;
  context.drawImage(copy, 0, 0, pad.width, pad.height);
}

// Drawing.

const pad = at("pad"), context = pad.getContext("2d", { willReadFrequently: true }), brush = at("brush");
/** The brush, in pixels of the pad. */
let place = { x: 140, y: 140 }, isDown = false, isWaiting = false;

/** Gives the pad the model's aspect. */
function size() {
  const longer = Math.max(model.rows, model.columns);
  pad.width = Math.max(Math.round(280 * model.columns / longer), 28);
  pad.height = Math.max(Math.round(280 * model.rows / longer), 28);
  place = { x: pad.width / 2, y: pad.height / 2 };
}

function clear() {
  photo = undefined;
  context.fillStyle = "#000";
  context.fillRect(0, 0, pad.width, pad.height);
  nothing();
  announce("The drawing area is empty");
}

function begin() {
  if (photo !== undefined) clear();
}

function stroke(from, to) {
  const shade = at("shade").value;
  context.strokeStyle = model.channels === 1 ? `rgb(${shade} ${shade} ${shade})` : at("colour").value;
  context.lineWidth = at("size").value;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(to.x, to.y);
  context.stroke();
  if (isWaiting) return;
  isWaiting = true;
  requestAnimationFrame(() => {
    isWaiting = false;
    try {
      convert(model.engine, context.getImageData(0, 0, pad.width, pad.height), LIGHT_ON_DARK);
      succeed();
    } catch {
      nothing(); // nothing drawn yet
    }
  });
}

function point(event) {
  const box = pad.getBoundingClientRect();
  return { x: (event.clientX - box.left) * pad.width / box.width, y: (event.clientY - box.top) * pad.height / box.height };
}

function showBrush() {
  const scale = pad.clientWidth / pad.width;
  brush.hidden = false;
  brush.classList.toggle("down", isDown);
  brush.style.left = `${place.x * scale}px`;
  brush.style.top = `${place.y * scale}px`;
  brush.style.width = brush.style.height = `${at("size").value * scale}px`;
}

pad.addEventListener("pointerdown", event => {
  begin();
  pad.setPointerCapture(event.pointerId);
  isDown = true;
  place = point(event);
  stroke(place, place);
  showBrush();
});
pad.addEventListener("pointermove", event => {
  const before = place;
  place = point(event);
  if (isDown && event.buttons !== 0) stroke(before, place);
  showBrush();
});
for (const end of ["pointerup", "pointercancel"]) {
  pad.addEventListener(end, () => { isDown = false; showBrush(); });
}
pad.addEventListener("pointerleave", () => { brush.hidden = document.activeElement !== pad; });
pad.addEventListener("focus", () => { if (pad.matches(":focus-visible")) showBrush(); });
pad.addEventListener("blur", () => { isDown = false; brush.hidden = true; });

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
pad.addEventListener("keydown", event => {
  const arrow = ARROWS[event.key];
  if (arrow !== undefined) {
    const before = place, step = event.shiftKey ? 30 : 10;
    place = {
      x: Math.min(Math.max(place.x + step * arrow[0], 0), pad.width),
      y: Math.min(Math.max(place.y + step * arrow[1], 0), pad.height),
    };
    if (isDown) stroke(before, place);
  } else if (event.key === " ") {
    begin();
    isDown = !isDown;
    if (isDown) stroke(place, place);
    else announce(`Brush lifted. ${answer}`);
  } else if (event.key === "Delete" || event.key === "Backspace") {
    clear();
  } else {
    return;
  }
  event.preventDefault();
  showBrush();
});
at("clear").addEventListener("click", clear);

// Photos.

/** Decodes a photo and converts it in an engine of its own, whose memory is then free again. */
async function takePhoto(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image", premultiplyAlpha: "none", colorSpaceConversion: "none" });
  } catch {
    throw new Error(`${file.name}: this browser cannot read it as an image; choose a PNG, JPEG or WebP file`);
  }
  try {
    const { width, height } = bitmap;
    const engine = new Engine(program);
    engine.call("open", model.bytes);
    if (model.framing !== undefined) engine.call("set_framing", model.framing);
    engine.call("check_photo", undefined, width, height);
    const canvas = new OffscreenCanvas(width, height);
    const source = canvas.getContext("2d", { willReadFrequently: true });
    source.drawImage(bitmap, 0, 0);
    const image = source.getImageData(0, 0, width, height);
    convert(engine, image, Number(at("polarity").value));
    photo = file;
    const scale = Math.min(pad.width / width, pad.height / height);
    context.fillStyle = "#000";
    context.fillRect(0, 0, pad.width, pad.height);
    context.imageSmoothingEnabled = true;
    context.drawImage(bitmap, (pad.width - scale * width) / 2, (pad.height - scale * height) / 2, scale * width, scale * height);
  } catch (error) {
    throw new Error(`${file.name}: ${error.message}`);
  } finally {
    bitmap.close();
  }
}
at("polarity").addEventListener("change", () => { if (photo !== undefined) attempt(() => takePhoto(photo)); });

// The host's answers.

async function compare(bytes) {
  const { engine } = model;
  engine.call("compare", bytes);
  const own = ++comparison;
  const started = performance.now();
  const verdict = at("verdict"), progress = at("progress");
  verdict.textContent = "";
  progress.hidden = false;
  for (;;) {
    const counts = new Uint32Array(engine.call("advance", undefined, STEP).buffer);
    const [total, images, logits, ...different] = counts;
    const correct = different.pop();
    progress.value = images / total;
    if (images < total) {
      await new Promise(resolve => setTimeout(resolve));
      if (own !== comparison) return;
      continue;
    }
    const milliseconds = performance.now() - started;
    const isSame = different.every(count => count === 0);
    progress.hidden = true;
    verdict.className = `verdict ${isSame ? "same" : "different"}`;
    verdict.textContent = isSame
      ? `Identical: 0 of ${grouped(logits)} logits differ`
      : `Different: ${grouped(different[0])} of ${grouped(logits)} logits differ`;
    facts(at("counts"), [
      ["Images", grouped(images)],
      ["Different probabilities", grouped(different[1])],
      ["Different classes", grouped(different[2])],
      ...(model.networks > 1 ? [["Different networks", grouped(different[3])]] : []),
      ["Accuracy", percent(correct / images)],
      ["Time", `${(milliseconds / 1000).toFixed(2)} s`],
    ]);
    at("index").max = images - 1;
    at("browse").hidden = false;
    return;
  }
}

function browse() {
  const index = Number(at("index").value);
  const output = model.engine.call("answered_image", undefined, index);
  const label = model.names[output.at(-1)];
  lay(output.slice(0, -1));
  see(pixels, `Test image ${grouped(index)}, as it is`);
  at("label").textContent = `label: ${label}, ${at("class").textContent === label ? "correct" : "wrong"}`;
}
at("browse").addEventListener("submit", event => {
  event.preventDefault();
  attempt(browse);
});

// Files.

/** Takes any file: a model, an answers file, or a photo. */
async function take(file) {
  if (file.size > MAX_FILE) throw new Error(`${file.name} has ${grouped(file.size)} bytes, expected at most ${grouped(MAX_FILE)}`);
  const start = String.fromCharCode(...new Uint8Array(await file.slice(0, 8).arrayBuffer()));
  const read = async () => new Uint8Array(await file.arrayBuffer());
  const named = async action => {
    try {
      await action(await read());
    } catch (error) {
      throw new Error(`${file.name}: ${error.message}`);
    }
  };
  if (start.startsWith(ANSWERS)) await named(compare);
  else if (start === MODEL) await named(bytes => open(bytes));
  else await takePhoto(file);
}

/** Takes a file that its control says is not a photo: a damaged one gets the program's error. */
async function takeAs(action, file) {
  try {
    await action(new Uint8Array(await file.arrayBuffer()));
  } catch (error) {
    throw new Error(`${file.name}: ${error.message}`);
  }
}

for (const [id, action] of [["photo", take], ["answers", file => takeAs(compare, file)], ["model-file", file => takeAs(open, file)]]) {
  at(id).addEventListener("change", async event => {
    const [file] = event.target.files;
    if (file !== undefined) await attempt(() => action(file));
    event.target.value = ""; // the same file can be chosen again
  });
}
addEventListener("dragover", event => { event.preventDefault(); document.body.classList.add("over"); });
for (const end of ["dragleave", "drop"]) addEventListener(end, () => document.body.classList.remove("over"));
addEventListener("drop", event => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file !== undefined) attempt(() => take(file));
});
addEventListener("paste", event => {
  const [file] = event.clipboardData.files;
  if (file !== undefined) attempt(() => take(file));
});

// Start.

async function start() {
  const packed = new Blob([bytesOf(at("program").textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
  program = await WebAssembly.compile(await new Response(packed).arrayBuffer());
  const block = at("model");
  const framing = block.dataset.framing === undefined
    ? undefined
    : new Uint8Array(Float64Array.from(block.dataset.framing.split(" ").filter(Boolean), Number).buffer);
  open(bytesOf(block.textContent), framing);
}

/** What parity and the tests call: a server on a region of flash, and the time of an inference. */
globalThis.playground = {
  ready: start().catch(fail),
  take: file => attempt(() => take(file)),
  flash(region) {
    const engine = new Engine(program);
    engine.call("start", bytesOf(region));
    this.device = engine;
  },
  serve(frames) {
    return btoa(String.fromCharCode(...this.device.call("serve", bytesOf(frames))));
  },
  milliseconds(count) {
    const started = performance.now();
    model.engine.call("repeat", pixels, count);
    return (performance.now() - started) / count;
  },
};

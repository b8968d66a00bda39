"use strict";

const element = (name, text) => Object.assign(document.createElement(name), {textContent: text});
const tile = ([name, value]) => {
    const tile = document.createElement("div");
    const number = element("dd", value);
    number.className = "value";
    tile.append(element("dt", name), number);
    return tile;
};

const status = document.getElementById("status");
const events = new EventSource("events");
events.onmessage = event => {
    const update = JSON.parse(event.data);
    document.title = update.title;
    document.getElementById("title").textContent = update.title;
    status.textContent = update.status;
    document.getElementById("figures").replaceChildren(...update.figures.map(tile));
    ["accuracy", "loss", "legend"].forEach((name, index) => {
        const [svg, text] = update.plots[index];
        const image = document.getElementById(name);
        image.src = "data:image/svg+xml," + encodeURIComponent(svg);
        image.alt = text;
        image.hidden = false;
    });
    if (update.is_over) events.close();
};
events.onerror = () => {
    status.textContent = "The connection is lost: has host-trainer watch ended? This page tries again.";
};

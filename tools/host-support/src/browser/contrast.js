// Returns the texts with a contrast below MIN, or with none that can be computed.
const parse = colour => (colour.match(/[\d.]+/g) ?? []).map(Number);
const linear = part => part <= 10.31475 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4;
const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
const ground = element => {
  for (; element !== null; element = element.parentElement) {
    const [red, green, blue, alpha] = parse(getComputedStyle(element).backgroundColor);
    if (alpha === undefined || alpha === 1) return [red, green, blue];
  }
  return [255, 255, 255];
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const found = [];
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (texts.currentNode.textContent.trim() === "" || element.closest("svg, script") !== null) continue;
  const [one, other] = [luminance(parse(getComputedStyle(element).color)), luminance(ground(element))];
  const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  if (!(contrast >= MIN)) found.push([contrast, texts.currentNode.textContent.slice(0, 40)]);
}
return {ground: ground(document.body), found};

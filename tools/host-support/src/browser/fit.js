// Describes a page that does not fit its window, loads from elsewhere, or is not for a keyboard.
const name = element => element.tagName + "." + element.className + " " + element.textContent.slice(0, 40);
const inScroller = element => element.parentElement.closest(".scroll") !== null;
const sticksOut = element => element.getBoundingClientRect().right > innerWidth + 0.5 && !inScroller(element);
const isShown = element => element.getClientRects().length > 0;
// The origin of a file is "null".
const isForeign = name => !name.startsWith("data:") && !name.startsWith(location.origin + "/");
const controls = "a[href], button, input, select, textarea, summary, [tabindex]";
const hasName = control =>
  control.labels?.length > 0 || control.ariaLabel !== null || control.textContent.trim() !== "";
return {
  window: innerWidth,
  page: document.documentElement.scrollWidth,
  outside: [...document.body.querySelectorAll("*")].filter(sticksOut).map(name),
  foreign: performance.getEntriesByType("resource").map(entry => entry.name).filter(isForeign),
  unreachable: [...document.querySelectorAll(controls)].filter(isShown).filter(control => {
    control.focus();
    return control.tabIndex < 0 || document.activeElement !== control;
  }).map(name),
  nameless: [...document.querySelectorAll(controls)].filter(isShown).filter(control => !hasName(control)).map(name),
};

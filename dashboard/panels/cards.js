// The presets as cards, each a link. In: {cards: [{address, title, about, numbers, members, outsiders}], page}, or where
// that is kept (kept.js).
// Out: the trigger "pick" with the address of the chosen card.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 200;
const HEIGHT = 56;

function element(kind, className, text) {
  return Object.assign(document.createElement(kind), { className, textContent: text ?? "" });
}

// A histogram as one outline of steps, from the floor up and back.
function outline(heights, kind) {
  const step = WIDTH / heights.length;
  const up = heights.map((height, i) => `L${i * step},${HEIGHT * (1 - height)}L${(i + 1) * step},${HEIGHT * (1 - height)}`);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", `M0,${HEIGHT}${up.join("")}L${WIDTH},${HEIGHT}`);
  path.setAttribute("class", kind);
  return path;
}

function scores({ members, outsiders }) {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  drawn.setAttribute("preserveAspectRatio", "none");
  drawn.setAttribute("aria-hidden", "true"); // the numbers below say it
  drawn.append(outline(members, "pd-members"), outline(outsiders, "pd-outsiders"));
  return drawn;
}

function facts(numbers) {
  const list = element("span", "pd-preset-numbers");
  for (const [name, value] of numbers) {
    const fact = element("span", "pd-preset-fact");
    fact.append(element("span", "pd-preset-name", name), " ", element("b", "", value));
    list.append(fact, " ");
  }
  return list;
}

function card(one, page, pick) {
  const link = element("a", "pd-preset");
  link.href = one.address ? `${page}?${one.address}` : page;
  link.append(element("span", "pd-preset-title", one.title), " ");
  if (one.members.length) link.append(scores(one));
  link.append(one.numbers.length ? facts(one.numbers) : element("span", "pd-preset-open", "Not measured yet"));
  link.append(" ", element("span", "pd-preset-about", one.about));
  link.addEventListener("click", (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // another tab
    event.preventDefault();
    pick(one.address);
  });
  const item = document.createElement("li");
  item.append(link);
  return item;
}

function fill(list, data, pick) {
  const shown = JSON.stringify(data);
  if (list.dataset.shown === shown) return; // kept nodes keep the focus
  list.dataset.shown = shown;
  list.replaceChildren(...data.cards.map((one) => card(one, data.page, pick)));
}

function failed(list, error) {
  delete list.dataset.shown;
  list.replaceChildren(element("li", "", error.message));
}

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector(".pd-presets");
  const pick = (address) => setTriggerValue("pick", address);
  here(list, data, (all) => fill(list, all, pick), (error) => failed(list, error));
}

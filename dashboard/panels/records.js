// Records as a row of buttons, each with its picture where it is one.
// In: {cards: [{id, title, caption, interval, picture: {rows, columns, ink} or null}], chosen}. Out: the trigger "pick".

function picture({ rows, columns, ink }) {
  const canvas = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
  const image = new ImageData(columns, rows);
  [...atob(ink)].forEach((letter, i) => {
    const paper = 255 - letter.charCodeAt(0);
    image.data.set([paper, paper, paper, 255], 4 * i);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  canvas.setAttribute("aria-hidden", "true"); // the button says which record it is
  return canvas;
}

function line(kind, text) {
  return Object.assign(document.createElement("span"), { className: kind, textContent: text });
}

function card({ id, title, caption, interval, picture: drawn }, chosen, pick) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "pd-card" });
  button.dataset.record = id;
  button.setAttribute("aria-pressed", String(id === chosen));
  button.append(...(drawn ? [picture(drawn)] : []), line("pd-card-title", title), line("pd-card-risk", caption), line("pd-card-interval", interval));
  button.addEventListener("click", () => pick(id));
  return button;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector(".pd-cards");
  const shown = JSON.stringify(data.cards);
  if (list.dataset.shown !== shown) {
    list.dataset.shown = shown;
    list.replaceChildren(...data.cards.map((one) => card(one, data.chosen, (id) => setTriggerValue("pick", id))));
  }
  // Kept nodes keep the focus of whoever walks over them with the keyboard.
  for (const button of list.children) button.setAttribute("aria-pressed", String(button.dataset.record === data.chosen));
}

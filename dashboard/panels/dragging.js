// While a dial is dragged over its stops, the page shows what was measured at the stop under the hand: the numbers in
// the tiles, the sentence above them, a mark in the figure, utility and risk of each record beside it. All of it came
// with the page; nothing is asked of the server before the dial is let go, and what has not been measured is said to be
// so. What did not come along stands back until the server answers: the words below the risks, and at such a stop the
// risks.

const UNKNOWN = { sentence: "This stop has not been measured yet.", tiles: [] };
const DIAL = "st-key-dial-";
const RISK = ".st-key-panel-glance";

// The dial that a slider belongs to, by its key.
function dialOf(input) {
  const holder = input.closest(`[class*="${DIAL}"]`);
  return [...(holder?.classList ?? [])].find((name) => name.startsWith(DIAL))?.slice("st-key-".length);
}

class Dragging {
  constructor(plot) {
    this.plot = plot;
    this.kept = new Map();
    this.at = null;
    // A slider's text changes with every stop that it passes, whatever moves it: mouse, finger or keys.
    this.observer = new MutationObserver((changes) => changes.forEach(({ target }) => this.turned(target)));
    this.observer.observe(document.body, { subtree: true, attributes: true, attributeFilter: ["aria-valuetext"] });
  }

  update(dials) {
    this.dials = dials;
    this.end();
    for (const key of Object.keys(dials)) {
      const input = document.querySelector(`.st-key-${CSS.escape(key)} input[type=range]`);
      if (input) this.turned(input);
    }
  }

  turned(input) {
    if (!this.plot.root.isConnected) return this.observer.disconnect();
    const dial = this.dials[dialOf(input)];
    if (!dial) return;
    if (Number(input.value) === dial.here) this.end();
    else this.show(dial.stops[input.value] ?? UNKNOWN);
  }

  show(stop) {
    this.at = stop;
    const page = document.querySelector('[data-testid="stMain"]');
    page.querySelector(".pd-tiles")?.classList.add("pd-dragged");
    this.risks(stop.risk);
    this.write(page.querySelector(".pd-headline"), stop.sentence);
    [...page.querySelectorAll(".pd-tile")].forEach((tile, place) => {
      const [value, interval] = stop.tiles[place] ?? ["–", ""];
      this.write(tile.querySelector(".pd-value"), value);
      this.write(tile.querySelector(".pd-interval"), interval);
    });
    this.mark();
  }

  // Draw utility and risk of each record with these bars; without any, with its own, which stand back unless at home.
  risks(bars, home = false) {
    const panel = document.querySelector(RISK);
    if (!panel) return;
    panel.classList.toggle("pd-elsewhere", !bars && !home);
    panel.querySelector(".pd-finding")?.classList.toggle("pd-elsewhere", Boolean(bars));
    panel.querySelector(".pd-figure")?.dispatchEvent(new CustomEvent("pd-bars", { detail: bars ?? null }));
  }

  // What the server wrote is kept, so that it stands again when the dial comes back without having been let go.
  write(node, text) {
    if (!node) return;
    if (!this.kept.has(node)) this.kept.set(node, node.innerHTML);
    node.textContent = text;
  }

  end() {
    for (const [node, html] of this.kept) if (node.isConnected) node.innerHTML = html;
    this.kept.clear();
    document.querySelector(".pd-tiles.pd-dragged")?.classList.remove("pd-dragged");
    this.risks(null, true);
    this.at = null;
    this.mark();
  }

  mark() {
    const { dragged } = this.plot;
    dragged.hidden = this.at?.x === undefined || !this.plot.put(dragged, this.at);
    dragged.querySelector("b").textContent = this.at?.label ?? "";
  }
}

// One Plotly figure that survives reruns: the node, zoom and hidden legend entries stay, only data change.
// PALETTES, colours by role in light and dark, is written before this text by plot.py.
// In: {figure, alt, title, file, source}, or where that is kept (kept.js), for threshold.js {cuts, at, attack}, for
// epochs.js {epochs}, for dragging.js {dials}, for sketch.js {sketched}.
// Out: the trigger "pick" with the customdata of the chosen point, of threshold.js "moved".

const NARROW = 480; // pixels
const LINE = 20; // pixels of a legend
const CLOSER = { "+": 0.5, "=": 0.5, "-": 2 }; // what a key makes of the width of the axes; = is + without shift
const EVENTS = ["plotly_click", "plotly_relayout", "plotly_doubleclick", "plotly_afterplot"];
const PATIENCE = 150; // milliseconds that a figure lets others go first

// Plotly is loaded once per document, from the dashboard itself.
function plotly(source) {
  window.privacyDialPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      window.privacyDialPlotly = undefined;
      reject(new Error("The figure could not be loaded. Reload the page."));
    };
    document.head.append(script);
  });
  return window.privacyDialPlotly;
}

function brightness(colour) {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
  return (0.299 * r + 0.587 * g + 0.114 * b) / 255;
}

function palette(node) {
  const css = getComputedStyle(node);
  const read = (name, fallback) => css.getPropertyValue(name).trim() || fallback;
  const paper = read("--st-background-color", PALETTES.light.paper);
  const dark = brightness(paper) < 0.5;
  const colours = PALETTES[dark ? "dark" : "light"];
  return { ...colours, paper, ink: read("--st-text-color", colours.ink), font: read("--st-font", colours.font) };
}

// A deep copy (Plotly writes zoom and legend into what it is given) with every "@role" replaced.
function coloured(value, colours) {
  if (typeof value === "string") return value.startsWith("@") ? colours[value.slice(1)] ?? value : value;
  if (Array.isArray(value)) return value.map((item) => coloured(item, colours));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, coloured(item, colours)]));
}

// The points that can be picked, from left to right.
function points(figure) {
  return figure.data
    .flatMap((trace) => (trace.customdata ?? []).map((id, i) => ({ id, x: trace.x[i], y: trace.y[i], words: trace.meta[i] })))
    .filter((point, i, all) => all.findIndex((other) => other.id === point.id) === i)
    .sort((a, b) => a.x - b.x || a.y - b.y);
}

// A line from the bottom of the figure to its top, as Plotly draws it.
function upright(x, colour) {
  return { type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line: { color: colour, width: 2 } };
}

// When the browser has nothing better to do, soon in any case: a turned dial is answered by the figure that it moves, and
// the others on the page follow.
function rest() {
  const later = window.requestIdleCallback ?? ((go) => setTimeout(go));
  return new Promise((go) => later(go, { timeout: PATIENCE }));
}

class Plot {
  constructor(root) {
    this.root = root;
    this.box = root.querySelector(".pd-plot");
    this.ring = root.querySelector(".pd-ring");
    this.live = root.querySelector(".pd-live");
    this.dragged = root.querySelector(".pd-drag");
    this.keys = root.querySelector(".pd-keys");
    this.keys.id = `pd-keys-${Math.random().toString(36).slice(2)}`;
    this.box.setAttribute("aria-describedby", this.keys.id);
    this.data = undefined; // comes later where it is kept, or never
    this.at = undefined; // the id of the point under the keys
    this.busy = false;
    this.bars = null; // in place of the figure's own, while a dial is dragged (dragging.js)
    this.zoom = {};
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("focus", () => this.placeRing());
    this.box.addEventListener("blur", () => this.placeRing());
    for (const button of root.querySelectorAll("[data-format]")) {
      button.addEventListener("click", () => this.save(button.dataset.format).catch((error) => this.failed(error)));
    }
    root.addEventListener("pd-bars", ({ detail }) => {
      if (this.bars === detail) return;
      this.bars = detail;
      this.draw();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.placeRing()).observe(root);
  }

  update(data, tell) {
    this.data = data;
    this.tell = tell;
    if (data.cuts) (this.threshold ??= new Threshold(this)).update(data);
    if (data.epochs) (this.epochs ??= new Epochs(this)).update(data.epochs);
    if (data.dials) (this.dragging ??= new Dragging(this)).update(data.dials);
    this.box.setAttribute("aria-label", data.alt);
    this.tellKeys();
    for (const button of this.root.querySelectorAll("[data-format]")) {
      button.setAttribute("aria-label", `Save “${data.title}” as ${button.dataset.format.toUpperCase()}`);
    }
    this.box.style.minHeight = `${data.figure.layout.height}px`;
    this.sketch();
    this.draw();
  }

  // What the keys do in this figure, to read while it has the focus and to hear.
  tellKeys() {
    const walk = points(this.data.figure).length ? ["Arrow keys walk over the points, Enter loads one"] : [];
    const zoom = this.zooming().length ? ["+ and − zoom, 0 shows all"] : [];
    this.keys.textContent = [...walk, ...zoom].join(", ");
    this.keys.hidden = !this.keys.textContent;
  }

  // The axes that a visitor may zoom.
  zooming() {
    const { layout } = this.data.figure;
    return layout.dragmode === false ? [] : ["xaxis", "yaxis"].filter((axis) => !layout[axis].fixedrange);
  }

  // What stands in for the figure until there is one.
  sketch() {
    this.sketched?.remove();
    this.sketched = undefined;
    if (!this.data.sketched || this.root.dataset.drawn) return;
    this.sketched = new Sketch(coloured(this.data.figure, palette(this.root)), this.box.clientWidth).svg;
    this.box.after(this.sketched);
  }

  // At most one react in flight, then the newest state; nothing before the data are here.
  async draw() {
    if (!this.data) return;
    this.stale = true;
    if (this.busy) return;
    this.busy = true;
    try {
      const library = await plotly(this.data.source);
      while (this.stale) {
        if (this.root.dataset.drawn && !this.data.dials) await rest();
        this.stale = false;
        await this.react(library);
      }
      if (this.live.classList.contains("pd-failed")) this.say("");
    } catch (error) {
      this.failed(error);
    } finally {
      this.busy = false;
    }
  }

  say(text) {
    this.live.textContent = text;
    this.live.classList.remove("pd-failed");
  }

  failed(error) {
    this.say(error.message ?? String(error));
    this.live.classList.add("pd-failed");
  }

  // The figure in the theme's colours, as high as its legend needs and with the ranges that the visitor drew.
  figure() {
    const figure = coloured(this.data.figure, palette(this.root));
    this.bars?.forEach((heights, i) => Object.assign(figure.data[i], { y: [...heights] }));
    // On a narrow page every entry of the legend has a line of its own, which must not come out of the plot's height.
    const listed = figure.data.filter((trace) => trace.showlegend !== false).length;
    if (this.root.clientWidth < NARROW) figure.layout.height += LINE * Math.max(0, listed - 3);
    // Plotly takes over a range that changed in the layout, so the visitor's own goes in again.
    for (const [axis, range] of Object.entries(this.zoom)) figure.layout[axis] = { ...figure.layout[axis], range };
    return figure;
  }

  async react(library) {
    const figure = this.figure();
    if (matchMedia("(pointer: coarse)").matches) figure.layout.dragmode = false;
    await library.react(this.box, figure.data, figure.layout, {
      displayModeBar: false, responsive: true, doubleClick: false, showTips: false,
    });
    this.sketched?.remove();
    for (const name of EVENTS) this.box.removeAllListeners?.(name);
    this.placeAll();
    this.box.on("plotly_afterplot", () => this.placeAll());
    this.box.on("plotly_relayout", (change) => this.zoomed(change));
    this.box.on("plotly_doubleclick", () => this.whole());
    this.box.on("plotly_click", (event) => {
      const hit = event.points.find((point) => point.customdata !== undefined);
      if (!hit) return;
      this.at = undefined;
      this.choose({ id: hit.customdata, x: hit.x, y: hit.y, words: "" });
    });
    this.root.dataset.drawn = String(Number(this.root.dataset.drawn ?? 0) + 1);
  }

  // What is drawn over the figure stands where its axes say.
  placeAll() {
    this.threshold?.place();
    this.epochs?.place();
    this.dragging?.mark();
    this.placeRing();
  }

  // The ring stands at the point under the keys while they are in the figure, wherever a new drawing has put it.
  placeRing() {
    this.mark(this.data && this.box.matches(":focus") ? this.under(points(this.data.figure)) : undefined);
  }

  // The point under the keys, by its id: others come and go to its left and right.
  under(all) {
    return all.find(({ id }) => id === this.at);
  }

  // Remember the ranges that the visitor drew; a double click forgets them.
  zoomed(change) {
    for (const axis of ["xaxis", "yaxis"]) {
      if (`${axis}.range[0]` in change) this.zoom[axis] = [change[`${axis}.range[0]`], change[`${axis}.range[1]`]];
    }
  }

  // All of the figure again.
  whole() {
    this.zoom = {};
    this.draw();
  }

  // Draw the axes around their middle, so many times as wide.
  widen(times) {
    for (const axis of this.zooming()) {
      const [from, to] = this.zoom[axis] ?? this.box._fullLayout[axis].range;
      const [middle, reach] = [(from + to) / 2, (times * (to - from)) / 2];
      this.zoom[axis] = [middle - reach, middle + reach];
    }
    this.draw();
  }

  // The figure as it stands, without what is hidden and with the line over it, with its title and on paper of its own,
  // as a file; drawn anew, so that nothing here moves.
  async save(format) {
    if (!this.data) return;
    const library = await plotly(this.data.source);
    const { width, height } = this.box.getBoundingClientRect();
    const { data, layout } = this.figure();
    const shown = new Map((this.box.data ?? []).map(({ uid, visible }) => [uid, visible]));
    for (const trace of data) trace.visible = shown.get(trace.uid) ?? true;
    const over = (this.threshold ?? this.epochs)?.drawn(palette(this.root)) ?? {};
    for (const [kind, items] of Object.entries(over)) layout[kind] = [...(layout[kind] ?? []), ...items];
    const head = 34; // pixels of the title
    // Plotly reads some markup in texts: a title is shown as it is.
    const text = this.data.title.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    Object.assign(layout, {
      width, height: layout.height + head, paper_bgcolor: palette(this.root).paper,
      title: { text, font: { size: 16 }, x: 0, xref: "paper", y: 1, yref: "container", yanchor: "top", pad: { t: 14 } },
      margin: { ...layout.margin, t: layout.margin.t + head },
    });
    await library.downloadImage(
      { data, layout, config: { staticPlot: true } },
      { format, filename: this.data.file, width, height: layout.height, scale: format === "png" ? 2 : 1 },
    );
    this.say(`Saved as ${this.data.file}.${format}`);
  }

  choose(point) {
    this.mark(point);
    this.tell("pick", point.id);
  }

  key(event) {
    const changed = event.ctrlKey || event.metaKey || event.altKey; // the browser's own zoom, for one
    if (changed || !this.box._fullLayout) return;
    if (this.zooming().length && (event.key in CLOSER || event.key === "0")) {
      if (event.key === "0") this.whole();
      else this.widen(CLOSER[event.key]);
      event.preventDefault();
      return;
    }
    const all = points(this.data.figure);
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!all.length) return;
    const here = this.under(all);
    if (step) {
      const from = here || step > 0 ? all.indexOf(here) : 0;
      const next = all[(from + step + all.length) % all.length];
      this.at = next.id;
      this.mark(next);
      this.say(`${next.words}. Enter loads this setting.`);
      event.preventDefault();
    } else if (event.key === "Enter" && here) {
      this.choose(here);
      event.preventDefault();
    } else if (event.key === "Escape") {
      this.at = undefined;
      this.mark(undefined);
    }
  }

  // The ring around the point under the keys, drawn at once, before the server answers.
  mark(point) {
    this.ring.hidden = !point || !this.put(this.ring, point);
  }

  // Move a node to a point; false where there are no axes, or the point is outside of them.
  put(node, point) {
    const { xaxis, yaxis } = this.box._fullLayout ?? {};
    if (!xaxis) return false;
    const [x, y] = [xaxis.l2p(point.x), yaxis.l2p(point.y)];
    node.style.left = `${xaxis._offset + x}px`;
    node.style.top = `${yaxis._offset + y}px`;
    return x >= 0 && y >= 0 && x <= xaxis._length && y <= yaxis._length;
  }
}

const plots = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".pd-figure");
  if (!plots.has(root)) plots.set(root, new Plot(root));
  const plot = plots.get(root);
  here(root, data, (all) => plot.update(all, setTriggerValue), (error) => plot.failed(error));
}

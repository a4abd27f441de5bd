
// A training that is over, epoch by epoch: a native slider under the figure, a line in it, the numbers after that epoch,
// and a button that publishes the weights of an epoch that was kept. In: {epoch, train, test, auc, kept, chosen}.

const STEP = 220; // milliseconds an epoch while it plays

class Epochs {
  constructor(plot) {
    this.plot = plot;
    const find = (name) => plot.root.querySelector(name);
    [this.line, this.range, this.play, this.keep] =
      [".pd-line", ".pd-range", "[data-play]", "[data-keep]"].map(find);
    this.numbers = Object.fromEntries([...plot.root.querySelectorAll("[data-number]")].map((node) => [node.dataset.number, node]));
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.range.addEventListener("input", () => {
      this.pause();
      this.move(Number(this.range.value));
    });
    this.play.addEventListener("click", () => this.pressed());
    this.keep.addEventListener("click", () => plot.tell("pick", String(this.trace.epoch[this.at])));
    this.pause();
  }

  update(trace) {
    const same = JSON.stringify(trace) === JSON.stringify(this.trace);
    this.trace = trace;
    [this.range.min, this.range.max] = [trace.epoch[0], trace.epoch.at(-1)].map(String);
    if (!same) {
      this.pause();
      this.show(Math.max(0, trace.epoch.indexOf(trace.chosen)));
    }
  }

  // To the nearest epoch that was reported; a key's small step goes on to the next one.
  move(epoch) {
    const far = this.trace.epoch.map((at) => Math.abs(at - epoch));
    const nearest = far.indexOf(Math.min(...far));
    const before = this.trace.epoch[this.at];
    this.show(nearest === this.at ? this.at + Math.sign(epoch - before) : nearest);
  }

  // Where motion is unwanted nothing moves by itself: the button goes one epoch on.
  pressed() {
    if (this.timer) return this.pause();
    const last = this.trace.epoch.length - 1;
    if (this.at === last) this.show(0);
    else if (this.still.matches) this.show(this.at + 1);
    if (this.still.matches) return;
    this.play.textContent = "Pause";
    this.timer = setInterval(() => {
      if (!this.plot.root.isConnected || this.at >= last) this.pause();
      else this.show(this.at + 1);
    }, STEP);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    this.play.textContent = this.still.matches ? "Next epoch" : "Play";
  }

  show(at) {
    this.at = at;
    const { epoch, train, test, auc, kept, chosen } = this.trace;
    this.range.value = String(epoch[at]);
    const told = { epoch: String(epoch[at]), train: percent(train[at]), test: percent(test[at]), auc: auc[at].toFixed(3).replace(/^0/, "") };
    for (const [name, text] of Object.entries(told)) this.numbers[name].textContent = text;
    this.range.setAttribute("aria-valuetext",
      `epoch ${told.epoch}: train accuracy ${told.train}, test accuracy ${told.test}, AUC of the loss threshold ${told.auc}`);
    this.keep.disabled = !kept.includes(epoch[at]) || epoch[at] === chosen;
    this.keep.textContent = epoch[at] === chosen ? "These weights are published"
      : kept.includes(epoch[at]) ? `Publish the weights of epoch ${epoch[at]}` : `Only the weights of epochs ${kept.join(", ")} can be published`;
    this.place();
  }

  place() {
    const { xaxis, yaxis } = this.plot.box._fullLayout ?? {};
    this.line.hidden = !xaxis;
    if (!xaxis) return;
    const { epoch } = this.trace;
    const [from, to] = [xaxis.l2p(epoch[0]), xaxis.l2p(epoch.at(-1))];
    this.line.style.left = `${xaxis._offset + xaxis.l2p(epoch[this.at])}px`;
    this.line.style.top = `${yaxis._offset}px`;
    this.line.style.height = `${yaxis._length}px`;
    this.range.style.marginLeft = `${xaxis._offset + from - 8}px`; // half a thumb, so that its middle stands under the line
    this.range.style.width = `${to - from + 16}px`;
  }

  // The line at the epoch that is shown, for a file.
  drawn({ ink }) {
    return { shapes: [upright(this.trace.epoch[this.at], ink)] };
  }
}

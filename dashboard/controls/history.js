// The two buttons and their keys. In: {possible, session}, the steps that there are and whose they are. Out: the state
// "steps", [session, how many steps there were in it, the latest of them]. A key counts before the page says that there
// is a step: what is undone may still be on its way.

const TYPED = new Set(["text", "search", "number", "email", "password", "tel", "url"]);
const LATEST = 200;

// Text fields have an undo of their own.
function typed(node) {
  return node instanceof HTMLTextAreaElement || node?.isContentEditable ||
    (node instanceof HTMLInputElement && TYPED.has(node.type) && !node.readOnly);
}

// One for the document: the buttons come and go with pages, the count stays as long as the session does, which may be
// lost while the document lives: the server was restarted, or the laptop asleep.
class Steps {
  constructor() {
    [this.total, this.latest] = [0, ""];
    window.addEventListener("keydown", (event) => this.key(event), true);
  }

  key(event) {
    const undo = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "z";
    if (!undo || !this.root?.isConnected || typed(event.target)) return;
    event.preventDefault();
    this.take(event.shiftKey ? "r" : "u");
  }

  take(step) {
    this.total += 1;
    this.latest = (this.latest + step).slice(-LATEST);
    this.tell("steps", [this.session, this.total, this.latest]);
  }

  update(root, { possible, session }, tell) {
    this.tell = tell;
    if (this.session !== session) [this.session, this.total, this.latest] = [session, 0, ""];
    if (this.root !== root) {
      this.root = root;
      root.addEventListener("click", ({ target }) => target.dataset.step && this.take(target.dataset.step));
    }
    for (const button of root.querySelectorAll("button")) button.disabled = !possible.includes(button.dataset.step);
  }
}

export default function ({ data, parentElement, setStateValue }) {
  window.privacyDialSteps ??= new Steps();
  window.privacyDialSteps.update(parentElement.querySelector(".pd-history"), data, setStateValue);
}

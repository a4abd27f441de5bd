// Undo and redo have keys of their own in text fields: there Streamlit's shortcuts must not hear them.

const TYPED = new Set(["text", "search", "number", "email", "password", "tel", "url"]);

function typed(node) {
  return node instanceof HTMLTextAreaElement || node?.isContentEditable ||
    (node instanceof HTMLInputElement && TYPED.has(node.type) && !node.readOnly);
}

// The listener is the window's and captures, so that it hears a key before all others; once per document.
export default function () {
  if (window.privacyDialKeys) return;
  window.privacyDialKeys = true;
  window.addEventListener("keydown", (event) => {
    const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (undo && typed(event.target)) event.stopImmediatePropagation();
  }, true);
}

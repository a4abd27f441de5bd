// Data that the browser keeps: {kept: address} stands for what is in that file, which never changes (kept.py).

const contents = new Map(); // of files that have come, by address
const newest = new WeakMap(); // what a node was told last

// Call `use` with the data of a node as soon as they are here, which they are at once where nothing is kept or it came
// before; `failed` with an error where they cannot be had. What comes after the node was told something else is dropped.
async function here(node, data, use, failed) {
  newest.set(node, data);
  if (data.kept && !contents.has(data.kept)) {
    try {
      const answer = await fetch(data.kept);
      if (!answer.ok) throw new Error(answer.statusText);
      contents.set(data.kept, await answer.json());
    } catch {
      if (newest.get(node) === data) failed(new Error("This part of the page could not be loaded. Reload the page."));
      return;
    }
  }
  if (newest.get(node) === data) use(data.kept ? contents.get(data.kept) : data);
}

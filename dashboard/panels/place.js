// Scrolls to the element that the address names behind its #: once when the page has arrived, and on every change.

// The name behind the #; none where it is no way to write one, as "#100%".
function named() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

function go() {
  const place = document.getElementById(named());
  if (!place) return false;
  place.scrollIntoView({ block: "start" });
  place.focus({ preventScroll: true });
  document.querySelector(".pd-here")?.classList.remove("pd-here");
  place.classList.add("pd-here");
  return true;
}

let gone = "";

export default function () {
  if (location.hash && location.hash !== gone) {
    if (go()) gone = location.hash;
  }
  window.removeEventListener("hashchange", window.privacyDialPlace);
  window.privacyDialPlace = go;
  window.addEventListener("hashchange", go);
}

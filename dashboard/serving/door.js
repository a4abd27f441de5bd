// A link on another site leads here without the cookie of somebody who is already in: ask again from our own page.
fetch(location.href, { method: "HEAD", cache: "no-store" }).then((answer) => {
  if (answer.ok) location.replace(location.href);
});

// A picture that could not be fetched leaves a frame that says so, not a broken one, and is fetched
// again when the page's line is back.
"use strict";
addEventListener(
  "error",
  (event) => {
    if (event.target.matches?.("img")) event.target.dataset.broken = "";
  },
  true
);
addEventListener("DOMContentLoaded", () => {
  window.socket?.on("connect", () => {
    for (const picture of document.querySelectorAll("img[data-broken]")) {
      delete picture.dataset.broken;
      picture.src = picture.getAttribute("src");
    }
  });
});

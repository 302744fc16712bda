// Sets dark or light before the page is drawn, so that nothing flashes in a dark room: what was
// chosen here, else what the browser wishes, also when that changes while the page is open.
"use strict";
{
  const wish = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    document.documentElement.dataset.theme =
      localStorage.getItem("theme") ?? (wish.matches ? "dark" : "light");
  };
  wish.addEventListener("change", show);
  show();
  window.sightpostOtherTheme = () => {
    const other = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    localStorage.setItem("theme", other);
    show();
  };
}

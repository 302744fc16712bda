// Sets dark or light before the page is drawn, so that nothing flashes in a dark room.
"use strict";
{
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
}

// The page of one submission has a drawing alone.
"use strict";

function page() {
  const choice = document.querySelector("[name=time]");
  const drawn = () => drawTime(document.querySelector("#over-time"), window.REDQUEEN, [0], "clean", choice.value);
  choice.addEventListener("change", drawn);
  addEventListener("resize", drawn);
  drawn();
}

document.documentElement.classList.add("js");
page();

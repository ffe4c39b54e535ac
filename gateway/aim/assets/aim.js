"use strict";
const put = (id, nodes) => document.getElementById(id).replaceChildren(...nodes);
const node = (tag, text) => Object.assign(document.createElement(tag), {textContent: text});
addEventListener("load", () => { document.getElementById("picture").src = "/picture"; });
const events = new EventSource("/figures");
events.onmessage = event => {
  const view = JSON.parse(event.data);
  put("advice", view.advice.map(text => node("li", text)));
  put("figures", Object.entries(view.figures).map(([name, text]) => {
    const cell = document.createElement("div");
    cell.append(node("dt", name), node("dd", text));
    return cell;
  }));
};
events.onerror = () => put("advice", [node("li", "aim has ended")]);

// Elements of HTML, and the box that is read out beside a place in a chart.

const ASIDE_PX = 14;
const ABOVE_PX = 10;

export function made(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Beside (x, y) of something that is so wide, on the side that has room.
export function placeTip(tip, x, y, width) {
  tip.hidden = false;
  const { offsetWidth, offsetHeight } = tip;
  const left = x + ASIDE_PX + offsetWidth > width ? x - ASIDE_PX - offsetWidth : x + ASIDE_PX;
  tip.style.left = `${Math.max(left, 0)}px`;
  tip.style.top = `${Math.max(y - offsetHeight - ABOVE_PX, 0)}px`;
}

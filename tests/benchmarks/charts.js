// Draws the same live curves with one library or the other; see bench_charts.py.

const HEIGHT = 400;
const WIDTH = 1200;
const WARM_UP = 5;

function columns(curves, points) {
  const steps = Array.from({ length: points }, (_, index) => index);
  const values = Array.from({ length: curves }, (_, curve) => steps.map((step) => value(curve, step)));
  return [steps, ...values];
}

function value(curve, step) {
  return Math.exp(-step / (300 + 40 * curve)) + 0.05 * Math.sin(step * (1 + curve / 7)) + curve / 100;
}

// Until what was drawn is painted: a task that is queued in a frame runs after its painting.
function painted() {
  return new Promise((resolve) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    port2.postMessage(null);
  }));
}

const LIBRARIES = {
  nothing: () => () => {},
  uplot(box, data) {
    const series = data.slice(1).map((_, index) => ({ stroke: `hsl(${7 * index} 60% 50%)`, points: { show: false } }));
    const options = { width: WIDTH, height: HEIGHT, scales: { x: { time: false } }, legend: { show: false }, series: [{}, ...series] };
    const plot = new uPlot(options, data, box);
    return (changed) => plot.setData(changed);
  },
  echarts: (box, data) => withEcharts(box, data, undefined),
  "echarts-lttb": (box, data) => withEcharts(box, data, "lttb"),
};

function withEcharts(box, data, sampling) {
  const chart = echarts.init(box, null, { width: WIDTH, height: HEIGHT });
  const series = ([steps, ...values]) => values.map((column) => ({
    type: "line", showSymbol: false, animation: false, sampling, data: column.map((one, index) => [steps[index], one]),
  }));
  chart.setOption({ animation: false, xAxis: { type: "value" }, yAxis: { type: "value" }, series: series(data) });
  return (changed) => chart.setOption({ series: series(changed) });
}

async function measure(kind, { curves, points, updates }) {
  const box = document.getElementById("box");
  const data = columns(curves, points);
  const began = performance.now();
  const update = LIBRARIES[kind](box, data);
  await painted();
  const first = performance.now() - began;
  const result = { first, updates: [] };
  for (let turn = 0; turn < updates + WARM_UP; turn += 1) {
    const step = data[0].length;
    data[0].push(step);
    for (let curve = 0; curve < curves; curve += 1) data[curve + 1].push(value(curve, step));
    await painted();
    const start = performance.now();
    update(data);
    await painted();
    if (turn >= WARM_UP) result.updates.push(performance.now() - start);
  }
  return result;
}

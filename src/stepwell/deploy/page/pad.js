// A pad to draw on with a mouse, a finger or a pen. Strokes are lists of [x, y], from 0 to 1.

const PEN = 0.065; // of the pad's side

function pad(changed) {
  const canvas = make("canvas", { id: "pad", className: "pad", aria: { role: "img", label: "Drawing pad" } });
  const strokes = [];
  let drawing = null;
  const paint = () => paintStrokes(canvas, strokes);
  const spot = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const told = (settled) => (paint(), changed(strokes, settled));
  canvas.onpointerdown = (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    drawing = [spot(event)];
    strokes.push(drawing);
    told(false);
  };
  canvas.onpointermove = (event) => {
    if (drawing === null) return;
    const between = event.getCoalescedEvents?.() ?? [];
    drawing.push(...(between.length ? between : [event]).map(spot));
    told(false);
  };
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (drawing === null) return;
    drawing = null;
    told(true);
  };
  new ResizeObserver(paint).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  const wipe = () => (strokes.splice(0), told(true));
  const undo = () => (strokes.pop(), told(true));
  return { canvas, wipe, undo, strokes };
}

function paintStrokes(canvas, strokes) {
  const side = canvas.clientWidth * devicePixelRatio;
  if (!side) return;
  canvas.width = canvas.height = Math.round(side);
  const context = canvas.getContext("2d");
  const ink = getComputedStyle(canvas).color;
  const round = { lineCap: "round", lineJoin: "round", lineWidth: PEN * side };
  Object.assign(context, { ...round, strokeStyle: ink, fillStyle: ink });
  for (const stroke of strokes) {
    context.beginPath();
    for (const [x, y] of stroke) context.lineTo(x * side, y * side);
    if (stroke.length > 1) {
      context.stroke();
      continue;
    }
    context.arc(stroke[0][0] * side, stroke[0][1] * side, (PEN * side) / 2, 0, 7); // a dot
    context.fill();
  }
}

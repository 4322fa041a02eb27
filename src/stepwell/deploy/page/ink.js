// Drawings made like the training pictures: as large, as thick, in the same place. All sizes are in pixels of those.

const FINE = 16; // points of a side of a pixel, over which ink is averaged

// What kept examples (values from 0, the ground, to 1, ink) tell of how people's ink lies in them.
function habits(pictures, height, width) {
  const boxes = pictures.map((values) => inkBox(values, height, width)).filter((box) => box !== null);
  const middle = { x: width / 2, y: height / 2 };
  if (!boxes.length) return { ...middle, height: 0.8 * height, width: 0.8 * width, pen: 0.11 * height };
  const of = (key, share) => quantile(boxes.map((box) => box[key]), share);
  const pen = median(pictures.map((values) => thickness(values, height, width)));
  return {
    height: of("height", 0.6),
    width: of("width", 0.9),
    x: median(boxes.map((box) => box.left + box.width / 2)),
    y: median(boxes.map((box) => box.top + box.height / 2)),
    pen: between(pen, Math.max(1, 0.07 * height), 0.19 * height),
  };
}

function inkBox(values, height, width) {
  const inked = (index) => values[index] > 0.3;
  const places = values.map((_, index) => index).filter(inked);
  if (!places.length) return null;
  const rows = places.map((index) => Math.floor(index / width)), columns = places.map((index) => index % width);
  const top = Math.min(...rows), left = Math.min(...columns);
  return { top, left, height: Math.max(...rows) + 1 - top, width: Math.max(...columns) + 1 - left };
}

// A stroke has two edges: twice its area over their length, which is the sum of the slopes.
function thickness(values, height, width) {
  let area = 0, edges = 0;
  const at = (y, x) => (y < height && x < width && y >= 0 && x >= 0 ? values[y * width + x] : 0);
  for (let y = -1; y < height; y++) {
    for (let x = -1; x < width; x++) {
      area += at(y, x);
      edges += Math.hypot(at(y + 1, x) - at(y, x), at(y, x + 1) - at(y, x));
    }
  }
  return edges > 0 ? (2 * area) / edges : 0;
}

// Strokes, lists of [x, y], as values from 0 to 1 of a picture.
function rendered(strokes, height, width, habit) {
  const points = strokes.flat();
  const xs = points.map((point) => point[0]), ys = points.map((point) => point[1]);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const room = { width: habit.width - habit.pen, height: habit.height - habit.pen };
  const scale = Math.min(room.width / Math.max(right - left, 1e-6), room.height / Math.max(bottom - top, 1e-6), 1e3);
  const canvas = new OffscreenCanvas(width * FINE, height * FINE);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  Object.assign(context, { lineCap: "round", lineJoin: "round", lineWidth: habit.pen * FINE, strokeStyle: "#fff" });
  for (const stroke of strokes) {
    context.beginPath();
    for (const [x, y] of stroke) {
      context.lineTo(
        FINE * (habit.x + (x - (left + right) / 2) * scale),
        FINE * (habit.y + (y - (top + bottom) / 2) * scale),
      );
    }
    if (stroke.length === 1) context.closePath(); // a dot
    context.stroke();
  }
  return averaged(context.getImageData(0, 0, canvas.width, canvas.height).data, height, width);
}

function averaged(pixels, height, width) {
  const sums = new Array(height * width).fill(0), line = width * FINE;
  for (let y = 0; y < height * FINE; y++) {
    const row = Math.floor(y / FINE) * width;
    for (let x = 0; x < line; x++) sums[row + Math.floor(x / FINE)] += pixels[4 * (y * line + x) + 3];
  }
  return sums.map((sum) => sum / (255 * FINE * FINE));
}

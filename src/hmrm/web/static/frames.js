// Frames as they are in the file: fetched as lossless PNG, kept in memory, painted on a canvas.

const KEPT = 80;
const AHEAD = 3;

export class Frames {
  constructor(job, count, canvas) {
    this.job = job;
    this.count = count;
    this.canvas = canvas;
    this.images = new Map(); // frame → promise of a bitmap
    this.wanted = -1;
  }

  image(frame) {
    let found = this.images.get(frame);
    if (found) this.images.delete(frame);
    else {
      found = this.fetched(frame);
      found.catch(() => this.images.delete(frame));
    }
    this.images.set(frame, found);
    for (const [old, image] of this.images) {
      if (this.images.size <= KEPT) break;
      this.images.delete(old);
      image.then((bitmap) => bitmap.close(), () => {});
    }
    return found;
  }

  async fetched(frame) {
    const answer = await fetch(`/api/jobs/${this.job}/frames/${frame}.png`);
    if (!answer.ok) throw new Error(`frame ${frame} cannot be decoded`);
    const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
    return createImageBitmap(await answer.blob(), options);
  }

  // Only the frame that was asked for last is painted, and then those after it are fetched.
  async show(frame) {
    const step = Math.sign(frame - this.wanted) || 1;
    this.wanted = frame;
    const bitmap = await this.image(frame);
    if (this.wanted !== frame) return false;
    paint(this.canvas, bitmap);
    this.canvas.setAttribute("aria-label", `frame ${frame}`);
    this.canvas.dataset.frame = frame;
    for (let next = frame + step, left = AHEAD; left && next >= 0 && next < this.count; next += step, left -= 1) {
      if (this.images.has(next)) continue;
      await this.image(next).catch(() => {});
      if (this.wanted !== frame) break;
    }
    return true;
  }

  close() {
    this.wanted = -1;
    for (const image of this.images.values()) image.then((bitmap) => bitmap.close(), () => {});
    this.images.clear();
  }
}

export function paint(canvas, bitmap) {
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
}

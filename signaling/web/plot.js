// A minute of two numbers as lines, each to its own scale.

const SECONDS = 60;
const WIDTH = 300;
const HEIGHT = 60;

export class Plot {
  #values = {rtt: [], down: []};
  #lines;

  /** `svg` has a polyline with the class of each number. */
  constructor(svg) {
    svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    this.#lines = Object.fromEntries(Object.keys(this.#values).map((key) => [key, svg.querySelector(`.${key}`)]));
  }

  /** Adds one second, or with nothing starts anew; gives the greatest of each. */
  add(now = null) {
    const greatest = {};
    for (const [key, line] of Object.entries(this.#lines)) {
      const all = this.#values[key];
      if (now === null) all.length = 0;
      else all.push(now[key]);
      if (all.length > SECONDS) all.shift();
      const most = Math.max(0, ...all);
      const top = Math.max(most, 1) * 1.2;
      greatest[key] = most;
      const x = (place) => WIDTH - (all.length - 1 - place) * (WIDTH / (SECONDS - 1));
      const y = (value) => HEIGHT - 2 - (value / top) * (HEIGHT - 4);
      const point = (value, place) => (value === null ? '' : `${x(place).toFixed(1)},${y(value).toFixed(1)}`);
      line.setAttribute('points', all.map(point).join(' '));
    }
    return greatest;
  }
}

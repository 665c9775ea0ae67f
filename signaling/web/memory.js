// What this tab and this browser remember. Where storage is forbidden the page works all the same, and forgets.

const lost = new Map();

function store(kind) {
  try {
    return window[kind];
  } catch {
    return null;
  }
}

function cell(kind, key) {
  const name = `peer.${key}`;
  return {
    get() {
      try {
        return store(kind).getItem(name);
      } catch {
        return lost.get(name) ?? null;
      }
    },
    set(value) {
      try {
        if (value === null) store(kind).removeItem(name);
        else store(kind).setItem(name, value);
      } catch {
        lost.set(name, value);
      }
    },
  };
}

/** Of this tab: survives a reload. */
export const ofTab = (key) => cell('sessionStorage', key);
/** Of this browser. */
export const ofBrowser = (key) => cell('localStorage', key);

/** So many random bytes, as hexadecimal digits. */
export function random(bytes) {
  const all = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(all, (one) => one.toString(16).padStart(2, '0')).join('');
}

/** 128 random bits that make this tab's id; a reload keeps it. */
export function secret() {
  const kept = ofTab('secret');
  if (!kept.get()) kept.set(random(16));
  return kept.get();
}

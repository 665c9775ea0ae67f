// Messages that arrive once and in order. Between `peer.v1` peers each has a number and is acknowledged on `control`;
// to anybody else nothing but the text is sent.

/** Messages that wait for their acknowledgement. */
const MAX_WAITING = 1024;
/** Bytes of one message (64 KiB, RFC 8841 6.1) with room for its number and for what JSON escapes. */
export const MAX_TEXT = 10_000;

/** Messages on their way out. */
export class Outbox {
  #waiting = [];
  #sent = 0;
  #last = 0;

  /** Its number; null when too many are unacknowledged. */
  push(text) {
    if (this.#waiting.length >= MAX_WAITING) return null;
    this.#last += 1;
    this.#waiting.push({seq: this.#last, text});
    return this.#last;
  }

  get isEmpty() {
    return this.#waiting.length === 0;
  }

  /** Messages to hand to a channel now. */
  take() {
    const due = this.#waiting.slice(this.#sent);
    this.#sent = this.#waiting.length;
    return due;
  }

  /** The other side has all messages up to this number; gives their numbers. */
  acknowledge(seq) {
    const gone = this.#waiting.slice(0, this.#sent).filter((one) => one.seq <= seq);
    this.#waiting.splice(0, gone.length);
    this.#sent -= gone.length;
    return gone.map((one) => one.seq);
  }

  /** A new channel: all that is unacknowledged goes out once more. */
  rewind() {
    this.#sent = 0;
  }
}

/** What has arrived. */
export class Inbox {
  last = 0;

  /** Whether a message is new; a repeat after a resend is not. */
  accept(seq) {
    const isNew = seq > this.last;
    this.last = Math.max(this.last, seq);
    return isNew;
  }
}

const parsed = (frame) => {
  try {
    return JSON.parse(frame);
  } catch {
    return null;
  }
};

/** Reads a frame of a numbered chat channel; null where it is none. */
export function parseMessage(frame) {
  const {seq, text, echo} = parsed(frame) ?? {};
  const good = Number.isSafeInteger(seq) && seq > 0 && typeof text === 'string';
  return good ? {seq, text, echo: echo === true} : null;
}

/** Reads a frame of the control channel: {bye: reason} or {ack: seq}; null for what this version does not know. */
export function parseControl(frame) {
  const {event, data} = parsed(frame) ?? {};
  if (event === 'bye') return {bye: String(data?.reason ?? 'hung up')};
  if (event === 'ack' && Number.isSafeInteger(data?.seq)) return {ack: data.seq};
  return null;
}

// The WebSocket to the server: hello, presence, frames, and connecting again (PROTOCOL.md, sections 2, 4 and 5).

import {token} from './share.js';
import {FINAL, LATER, closing} from './words.js';

const FIRST_WAIT = 250;
const LONGEST_WAIT = 4000;
/** Fresh ICE servers come within this time, or the old ones are used; ms. */
const ASK_LIMIT = 1000;
/** They are asked for anew after this long; their credentials live 12 h. */
const STALE = 3_600_000;

/** Bytes that the server takes in one frame. */
const MAX_FRAME = 65_536;

const OF_SERVER = ['welcome', 'joined', 'left', 'error', 'ice-servers'];

export class Signaling {
  iceServers = [];
  #url;
  #hello;
  #hear;
  #socket = null;
  #welcomed = false;
  #wait = FIRST_WAIT;
  #timer = 0;
  #over = false;
  #askedAt = 0;
  #asking = [];

  /**
   * `hello` is the data of that event. `hear` has `state(name, words)` with connected, reconnecting or refused,
   * `welcome(data)`, `joined(peer)`, `left(id)`, `error(data)` and `frame(frame)`.
   */
  constructor(room, hello, hear) {
    const asked = Object.entries({room, token: token()}).filter(([, value]) => value);
    this.#url = `${location.origin.replace(/^http/, 'ws')}/socket?${new URLSearchParams(asked)}`;
    this.#hello = hello;
    this.#hear = hear;
    this.#back = () => this.#retry(0);
    addEventListener('online', this.#back);
    this.#open();
  }
  #back;

  get isUp() {
    return this.#welcomed;
  }

  /** Whether a relay is among them. */
  get hasRelay() {
    return this.iceServers.some(({urls}) => [urls].flat().some((url) => /^turns?:/.test(url)));
  }

  /** Sends it, if the server is there: what is lost of a negotiation is said again. */
  send(frame) {
    if (!this.#welcomed || this.#socket.readyState !== WebSocket.OPEN) return false;
    const text = JSON.stringify(frame);
    // Who sends more is put out of the room.
    if (new Blob([text]).size > MAX_FRAME) return false;
    this.#socket.send(text);
    return true;
  }

  /** ICE servers, asked for anew where `force` says so or they are old. */
  async servers(force) {
    const fresh = !force && performance.now() - this.#askedAt < STALE;
    if (fresh || !this.send({event: 'ice-servers'})) return this.iceServers;
    await new Promise((done) => {
      this.#asking.push(done);
      setTimeout(done, ASK_LIMIT);
    });
    return this.iceServers;
  }

  /** The network went or changed: what looks open may be dead. */
  doubt() {
    this.#hear.state('reconnecting', 'This machine has no network.');
    this.#retry(0);
  }

  close() {
    this.#over = true;
    removeEventListener('online', this.#back);
    clearTimeout(this.#timer);
    this.#drop();
  }

  #open() {
    const socket = new WebSocket(this.#url, ['peer.v1']);
    this.#socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({event: 'hello', data: this.#hello}));
    socket.onmessage = ({data}) => this.#onText(data);
    socket.onclose = ({code, reason}) => this.#onClose(code, reason);
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#welcomed = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #onText(text) {
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (typeof frame?.event !== 'string') return;
    const ofServer = OF_SERVER.includes(frame.event);
    // Nobody speaks for the server, nor the server for a peer.
    if (ofServer !== ('from' in frame)) ofServer ? this.#onServer(frame) : this.#hear.frame(frame);
  }

  #onServer({event, data}) {
    if (event === 'welcome' || event === 'ice-servers') {
      this.iceServers = Array.isArray(data?.iceServers) ? data.iceServers : [];
      this.#askedAt = performance.now();
      this.#asking.splice(0).forEach((done) => done());
    }
    if (event === 'welcome') {
      this.#welcomed = true;
      this.#wait = FIRST_WAIT;
      this.#hear.welcome(data);
      this.#hear.state('connected', '');
    }
    if (event === 'joined') this.#hear.joined(data);
    if (event === 'left') this.#hear.left(data.id);
    if (event === 'error') this.#hear.error(data);
  }

  #onClose(code, reason) {
    this.#welcomed = false;
    if (FINAL.includes(code)) {
      this.close();
      this.#hear.state('refused', closing(code, reason));
      return;
    }
    const wait = LATER.includes(code) ? LONGEST_WAIT : this.#wait;
    this.#hear.state('reconnecting', closing(code, reason));
    this.#retry(wait * (0.5 + Math.random() / 2));
    this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT);
  }

  #retry(wait) {
    if (this.#over) return;
    this.#drop();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), wait);
  }
}

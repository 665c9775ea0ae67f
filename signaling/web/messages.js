// The messages of one call, over whichever connection it has.

import {Inbox, Outbox, parseControl, parseMessage} from './chat.js';
import {isControl, isNumbered, say} from './connection.js';

export class Messages {
  #outbox = new Outbox();
  #inbox = new Inbox();
  #tell;

  /** `tell` has `message(message)`, `delivered(seqs, how)` and `bye(reason)`. */
  constructor(tell) {
    this.#tell = tell;
  }

  /** Whether all of ours have arrived. */
  get isEmpty() {
    return this.#outbox.isEmpty;
  }

  /** Its number, or null where it cannot be taken. */
  push(text) {
    return this.#outbox.push(text);
  }

  /** On a new connection: all that is unacknowledged goes out once more. */
  rewind() {
    this.#outbox.rewind();
  }

  /** What came on the other channel before this one was open waits for its word. */
  opened(channel) {
    if (isControl(channel) && this.#inbox.last) this.#acknowledge(channel, this.#inbox.last);
  }

  /** What came on a channel of this connection. */
  take(link, channel, data) {
    if (typeof data !== 'string') {
      this.#tell.message({text: `(${data.byteLength} bytes)`, label: channel.label});
    } else if (isControl(channel)) {
      const word = parseControl(data);
      if (word?.ack !== undefined) this.#tell.delivered(this.#outbox.acknowledge(word.ack), 'delivered');
      if (word?.bye !== undefined) this.#tell.bye(word.bye);
    } else if (isNumbered(channel)) {
      const message = parseMessage(data);
      if (!message) return;
      const isNew = this.#inbox.accept(message.seq);
      this.#acknowledge(link.control, message.seq);
      if (isNew) this.#tell.message({...message, label: channel.label});
    } else {
      this.#tell.message({text: data, label: channel.label});
    }
  }

  /** Hands what waits to the channel. */
  flush(chat) {
    if (chat?.readyState !== 'open') return;
    for (const {seq, text} of this.#outbox.take()) {
      const isGone = say(chat, isNumbered(chat) ? JSON.stringify({seq, text}) : text);
      // Nobody acknowledges it; and whoever wrote it has to know its number first.
      if (!isNumbered(chat)) queueMicrotask(() => this.#tell.delivered(this.#outbox.acknowledge(seq), isGone ? 'sent' : 'not delivered'));
    }
  }

  #acknowledge(control, seq) {
    say(control, JSON.stringify({event: 'ack', data: {seq}}));
  }
}

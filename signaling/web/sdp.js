// The few lines of a session description (RFC 8866) that signaling needs; the browser reads the rest.

const value = (sdp, prefix) =>
  sdp.split(/\r?\n/).find((line) => line.startsWith(prefix))?.slice(prefix.length) ?? null;

/** The whole `o=` line: equal for a repeated description, different for a renegotiation. */
export const version = (sdp) => value(sdp, 'o=');

/** Whose description this is: user and session id of `o=`, and the certificate (RFC 8122). */
export const identity = (sdp) =>
  `${version(sdp)?.split(' ').slice(0, 2).join(' ')} ${value(sdp, 'a=fingerprint:')}`;

/** The ICE generation (RFC 8839 5.4). */
export const ufrag = (sdp) => value(sdp, 'a=ice-ufrag:');

/** The candidates in it, without the `a=`. */
export const candidates = (sdp) =>
  sdp.split(/\r?\n/).filter((line) => line.startsWith('a=candidate:')).map((line) => line.slice(2));

/** The same with at most so many different candidates, `known` ones counted. */
export function bounded(sdp, most, known) {
  const kept = new Set(known);
  const stays = (line) => {
    const text = line.trimEnd();
    if (!text.startsWith('a=candidate:') || kept.has(text.slice(2))) return true;
    return kept.size < most && kept.add(text.slice(2));
  };
  return sdp.split(/(?<=\n)/).filter(stays).join('');
}

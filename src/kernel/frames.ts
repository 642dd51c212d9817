/** What the kernel's test run takes of frames. */

const leastTc = 14;
const leastIpv4 = 34;
const leastIpv6 = 54;
/** A page less headroom and skb_shared_info, on x86-64. */
const mostTc = 3712;

/** Whether a frame can be run at tc; XDP takes all that a device can. */
export function fitsTc(frame: Uint8Array): boolean {
  if (frame.length < leastTc || frame.length > mostTc) return false;
  const etherType = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
  if (etherType === 0x0800) return frame.length >= leastIpv4;
  return etherType !== 0x86dd || frame.length >= leastIpv6;
}
